"""What the page answers when something cannot be done: one sentence, one hint, and the status that goes with them."""

from http import HTTPStatus

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from backup_core.errors import (
    ArchiveUnusable,
    BackupError,
    Busy,
    EmrRunning,
    NothingToUndo,
    OtherClinic,
    RepositoryFull,
    RepositoryLocked,
    SettingInvalid,
    UnknownArchive,
)
from backup_core.pin import WrongPin
from backup_core.text import N_, _
from webadmin.errors import Forbidden, Locked, LookedAfter, NotConfirmed, Refused, TooLate
from webadmin.idle import here, unlocking

STATUS: dict[type[BackupError], HTTPStatus] = {
    BackupError: HTTPStatus.SERVICE_UNAVAILABLE,
    Refused: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    UnknownArchive: HTTPStatus.NOT_FOUND,
    Busy: HTTPStatus.CONFLICT,
    RepositoryLocked: HTTPStatus.CONFLICT,
    EmrRunning: HTTPStatus.CONFLICT,
    LookedAfter: HTTPStatus.CONFLICT,
    TooLate: HTTPStatus.CONFLICT,
    OtherClinic: HTTPStatus.CONFLICT,
    NothingToUndo: HTTPStatus.CONFLICT,
    NotConfirmed: HTTPStatus.UNPROCESSABLE_ENTITY,
    ArchiveUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    SettingInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    WrongPin: HTTPStatus.FORBIDDEN,
    Locked: HTTPStatus.LOCKED,
    RepositoryFull: HTTPStatus.INSUFFICIENT_STORAGE,
}

_SENTENCES = {
    400: (N_("That request could not be understood."), N_("Go back and try once more.")),
    404: (N_("There is no such page."), N_("Use the links at the top.")),
    405: (N_("That cannot be done this way."), N_("Use the buttons on the page.")),
    413: (N_("That is too large to be sent here."), N_("Nothing was changed.")),
    415: (N_("That was sent in a form that is not understood here."), N_("Nothing was changed.")),
    500: (
        N_("Something went wrong in DocAssist Backup itself."),
        N_("Your backups are safe. The log file has the details."),
    ),
}


def status_of(kind: type[BackupError]) -> HTTPStatus:
    """Return the status of a kind of error: that of its nearest ancestor in the table."""
    return next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS)


def install(app: Flask) -> None:
    """Make every error of the application an answer for humans."""
    app.register_error_handler(BackupError, _answer_backup_error)
    app.register_error_handler(HTTPException, _answer_http_error)


def is_fragment_request() -> bool:
    """Return whether htmx asks, which puts the answer into the page that is open."""
    return "HX-Request" in request.headers


def _answer_backup_error(error: BackupError) -> Response:
    if isinstance(error, Locked) and is_fragment_request():
        if request.method == "GET" and not request.headers.get("HX-Target", "#page").endswith("#page"):
            # A part that the page asks for by itself: it stays away, and the rest stays.
            return make_response("", HTTPStatus.NO_CONTENT)
        return _in_place_of_the_page(unlocking(here()), status_of(Locked))
    return _answer(str(error), error.hint, error.code, status_of(type(error)))


def _answer_http_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    sentence, hint = _SENTENCES.get(status, _SENTENCES[400 if status < 500 else 500])
    answer = _answer(_(sentence), _(hint), status.name.lower().replace("_", "-"), status)
    for name, value in error.get_headers(request.environ):
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _answer(sentence: str, hint: str, code: str, status: HTTPStatus) -> Response:
    """Return the problem as a fragment, a page or JSON, whichever the asker can show."""
    if is_fragment_request():
        locked = status == HTTPStatus.UNAUTHORIZED
        body = render_template("problem.html", sentence=sentence, hint=hint, code=code, locked=locked)
        return _in_place_of_the_page(body, status)
    if "text/html" in request.headers.get("Accept", ""):
        return make_response(render_template("refusal.html", sentence=sentence, hint=hint), status)
    return make_response(jsonify(error=sentence, hint=hint, code=code), status)


def _in_place_of_the_page(body: str, status: HTTPStatus) -> Response:
    answer = make_response(body, status)
    answer.headers["HX-Retarget"] = "#page"
    answer.headers["HX-Reswap"] = "outerSync"
    return answer
