"""The door of the page: which requests pass, and the headers that every answer carries.

Closed by default: a path needs the session key unless it is named here.
"""

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge

from backup_core.text import _
from webadmin.access import CLICK_THE_TRAY, Access
from webadmin.errors import Forbidden, Refused
from webadmin.parts import parts

#: The largest body of a request that is read, in bytes; for the server too, which reads before this gate is asked.
LARGEST_BODY = 8 * 1024 * 1024

_OPEN = frozenset({("GET", "static"), ("GET", "session.health"), ("POST", "session.open_session")})
_ONE_TIME = ("GET", "backups.fetch")
_CONTROL = frozenset({"session.control_ticket", "session.control_status"})

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def install(app: Flask) -> None:
    """Put the door in front of every request of the application."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.before_request(_check)
    app.after_request(_add_headers)


def _check() -> Response | None:
    """Return None to let the request pass, the empty shell for a page navigation; raise Refused otherwise."""
    access = parts().access
    _check_address(access)
    asked = (request.method, request.endpoint)
    if _is_navigation() and asked not in _OPEN and asked != _ONE_TIME:
        return make_response(render_template("shell.html"))
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise Forbidden(_("Another page tried to use DocAssist Backup. It was not let in."), hint=_(CLICK_THE_TRAY))
    if (request.content_length or 0) > LARGEST_BODY:
        raise RequestEntityTooLarge
    if asked not in _OPEN and asked != _ONE_TIME:
        _check_key(access)
    return None


def _check_address(access: Access) -> None:
    """Raise Forbidden unless the request was sent to this very address, and from it."""
    host = request.headers.get("Host", "")
    if host not in access.hosts:
        raise Forbidden(_("This page has another address."), hint=_(CLICK_THE_TRAY))
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        raise Forbidden(_("Another page tried to use DocAssist Backup. It was not let in."), hint=_(CLICK_THE_TRAY))


def sent_key() -> str:
    """Return the key that the request carries, "" for none."""
    authorization = request.authorization
    return (authorization.token if authorization and authorization.type == "bearer" else None) or ""


def _check_key(access: Access) -> None:
    """Raise Refused unless the request carries the key that opens its path."""
    key = sent_key()
    known = access.is_control(key) if request.endpoint in _CONTROL else access.is_session(key)
    if not known:
        raise Refused(_("This page is locked."), hint=_(CLICK_THE_TRAY))


def _is_navigation() -> bool:
    """Return whether a browser opens the path as a page of its own, and so cannot send the key."""
    if request.method != "GET" or "Authorization" in request.headers:
        return False
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is None:
        return "text/html" in request.headers.get("Accept", "")
    return mode == "navigate" and request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _add_headers(response: Response) -> Response:
    """Return the answer with the headers that keep other pages out of ours and ours out of caches."""
    response.headers.update(_HEADERS)
    return response
