"""The door, tried at every path of the application."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.web.conftest import ORIGIN, PORT, Visitor
from tests.web.routes import all_routes, routes_of
from webadmin import Access, gate

OPEN = [("GET", "/health"), ("POST", "/session"), ("GET", "/static/app.css"), ("GET", "/download/1")]
#: Method and path of every other route, its blanks filled in.
ROUTES = [route for route in all_routes() if route not in OPEN]
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def ask(app: Flask, method: str, path: str, **headers: str) -> TestResponse:
    """Return the answer to a request with just these headers."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().open(path, method=method, headers=sent, base_url=ORIGIN)


def test_what_is_open_is_there(app: Flask) -> None:
    assert set(OPEN) <= set(routes_of(app))
    assert len(ROUTES) > 20


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("authorization", [None, "Bearer guess", "Basic eDp5", "Bearer", "Bearer \x7f", "é"])
def test_without_the_key_a_path_answers_401_and_a_sentence(
    app: Flask, method: str, path: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = ask(app, method, path, Accept="application/json", **headers)

    assert answer.status_code == 401
    assert answer.get_json()["error"] == "This page is locked."
    assert "Click" in answer.get_json()["hint"]


@pytest.mark.parametrize(
    "path", ["/", "/preferences", "/backups/x.zip/restore", "/status", "/control/ticket", "/nowhere"]
)
def test_a_page_navigation_gets_the_same_shell_without_data_whatever_the_path(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, headers=NAVIGATION, base_url=ORIGIN)
    home = app.test_client().get("/", headers=NAVIGATION, base_url=ORIGIN)

    assert answer.status_code == 200
    assert answer.data == home.data
    assert b"Click the tray icon" in answer.data


def test_a_page_in_a_frame_gets_no_shell(app: Flask) -> None:
    headers = NAVIGATION | {"Sec-Fetch-Dest": "iframe"}

    assert app.test_client().get("/", headers=headers, base_url=ORIGIN).status_code == 401


def test_a_key_that_is_wrong_gets_no_shell(app: Flask) -> None:
    headers = NAVIGATION | {"Authorization": "Bearer guess"}

    assert app.test_client().get("/", headers=headers, base_url=ORIGIN).status_code == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        f"127.0.0.1.evil.example:{PORT}",
        "127.0.0.1",
        "localhost",
        f"127.0.0.1:{PORT + 1}",
        f"[::1]:{PORT}",
        f"192.168.0.7:{PORT}",
        f"LOCALHOST:{PORT}",
        f"127.0.0.1:{PORT}:{PORT}",
        f"0x7f000001:{PORT}",
        "",
        "é",
        ".",
    ],
)
@pytest.mark.parametrize(("method", "path"), [*OPEN, ("GET", "/"), ("POST", "/backups")])
def test_another_host_is_refused_even_with_the_key(visitor: Visitor, host: str, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {visitor.key}", "Host": host}
    answer = visitor.client.open(path, method=method, headers=headers, base_url=ORIGIN)

    assert answer.status_code == 403
    assert "another address" in answer.get_json()["error"]


@pytest.mark.parametrize("asker", [{"Accept": "text/html"}, {"HX-Request": "true"}])
def test_a_host_that_is_none_is_refused_by_a_page_for_humans(visitor: Visitor, asker: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {visitor.key}", "Host": "."} | asker
    answer = visitor.client.get("/", headers=headers, base_url=ORIGIN)

    assert answer.status_code == 403
    assert "This page has another address." in answer.text


@pytest.mark.parametrize(
    "origin", ["http://evil.example", f"http://127.0.0.1:{PORT + 1}", f"https://127.0.0.1:{PORT}", "null"]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/session"), ("POST", "/backups"), ("GET", "/status")])
def test_another_origin_is_refused_even_with_the_key(visitor: Visitor, origin: str, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {visitor.key}", "Origin": origin}

    assert visitor.client.open(path, method=method, headers=headers, base_url=ORIGIN).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "surprise"])
@pytest.mark.parametrize(("method", "path"), [*OPEN, ("POST", "/backups"), ("GET", "/status")])
def test_a_request_that_another_site_made_is_refused(visitor: Visitor, site: str, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {visitor.key}", "Sec-Fetch-Site": site}

    assert visitor.client.open(path, method=method, headers=headers, base_url=ORIGIN).status_code == 403


def test_localhost_is_our_address_too(app: Flask) -> None:
    answer = app.test_client().get("/health", base_url=f"http://localhost:{PORT}")

    assert answer.get_json() == {"ok": True}


@pytest.mark.parametrize("path", ["/session", "/backups", "/preferences", "/backups/x.zip/restore"])
def test_a_body_over_eight_megabytes_is_refused(visitor: Visitor, path: str) -> None:
    answer = visitor.client.post(
        path,
        data=b"x" * (gate.LARGEST_BODY + 1),
        headers={"Authorization": f"Bearer {visitor.key}", "Content-Type": "application/x-www-form-urlencoded"},
        base_url=ORIGIN,
    )

    assert answer.status_code == 413
    assert answer.get_json()["hint"] == "Nothing was changed."


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize(("_", "path"), [*OPEN, ("GET", "/"), ("POST", "/backups")])
def test_no_other_method_passes_without_the_key(app: Flask, method: str, _: str, path: str) -> None:
    assert ask(app, method, path).status_code == 401


@pytest.mark.parametrize(("method", "path"), [*ROUTES, *OPEN, ("GET", "/nowhere"), ("PUT", "/")])
def test_every_answer_keeps_others_out_and_leaves_nothing_behind(visitor: Visitor, method: str, path: str) -> None:
    key = {"Authorization": f"Bearer {visitor.key}"}
    with visitor.client.open(path, method=method, headers=key, base_url=ORIGIN) as answer:
        headers, status = answer.headers, answer.status_code
    policy = headers["Content-Security-Policy"]

    assert status < 500
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers
    assert not [name for name in headers.keys() if name.startswith("Access-Control-")]


@pytest.mark.parametrize("path", ["/status", "/", "/backups"])
def test_the_control_key_opens_no_page(app: Flask, access: Access, path: str) -> None:
    method = "POST" if path == "/backups" else "GET"

    assert ask(app, method, path, Authorization=f"Bearer {access.control_key}").status_code == 401


def test_the_session_key_opens_no_control_door(visitor: Visitor) -> None:
    assert visitor.post("/control/ticket").status_code == 401
    assert visitor.get("/control/status").status_code == 401
