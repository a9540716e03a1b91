"""Whatever is asked, the answer is never a fault of ours."""

import re
import string

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.conftest import ORIGIN, PORT, Clinic, Visitor

METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
SEGMENTS = st.sampled_from(
    [
        "backups",
        "all-is-well",
        "losses",
        "restore",
        "delete",
        "download",
        "outside",
        "overview",
        "undo",
        "helm",
        "pause",
        "resume",
        "docassist",
        "hour",
        "tomorrow",
        "start",
        "close",
        "preferences",
        "activity",
        "status",
    ]
    + ["bar", "session", "control", "ticket", "health", "static", "app.css", "..", ".", "", "x.zip", "%00", "%2e%2e"]
)
PATHS = st.lists(SEGMENTS | TEXT, max_size=5).map(
    # What follows a question mark is the query, and comes by itself.
    lambda parts: "/" + "/".join(parts).lstrip("/").replace("?", "%3F")
)
QUERIES = st.dictionaries(st.sampled_from(["page", "saved", "x"]), TEXT | st.integers().map(str), max_size=2)
FIELDS = ["confirmed", "other_clinic", "frequency_hours", "keep", "emr_command", "emr_dir", "backup_dir", "extras"]
#: Those that other pages send, and what stands in an address.
KNOWN = [
    *("page", "saved", "to", "pin", "again", "current", "old", "place", "folder", "kind", "keep", "offset", "size"),
    *("outcome", "action", "from", "until", "newer", "with_settings", "theme", "at_login", "name"),
]
FORMS = st.dictionaries(st.sampled_from(FIELDS) | TEXT, TEXT, max_size=8)
PRINTABLE = st.text(string.ascii_letters + string.digits + string.punctuation + " ", max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "HX-Request", "Range", "If-None-Match"]),
    PRINTABLE | st.sampled_from(["text/html", "navigate", "same-origin", ORIGIN]),
    max_size=4,
)
ANY = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def path_info(path: str) -> dict[str, str]:
    """Return what hands any path to the application, also one that the test client would refuse to send."""
    return {"PATH_INFO": path.encode().decode("latin-1")}


@ANY
@given(method=METHODS, path=PATHS, query=QUERIES, form=FORMS, headers=HEADERS)
def test_with_the_key_no_request_ends_in_a_fault_of_the_program(
    visitor: Visitor,
    backup: str,
    method: str,
    path: str,
    query: dict[str, str],
    form: dict[str, str],
    headers: dict[str, str],
) -> None:
    key = {"Authorization": f"Bearer {visitor.key}"}
    with visitor.client.open(
        method=method,
        environ_overrides=path_info(path.replace("x.zip", backup)),
        query_string=query,
        data=form if method != "GET" else None,
        headers=headers | key,
        base_url=ORIGIN,
    ) as answer:
        text = answer.get_data(as_text=False)

    assert answer.status_code != 500
    assert b"Traceback" not in text


@ANY
@given(method=METHODS, path=PATHS, headers=HEADERS, host=PRINTABLE, key=PRINTABLE)
def test_without_the_key_no_request_learns_or_changes_anything(
    app: Flask, clinic: Clinic, backup: str, method: str, path: str, headers: dict[str, str], host: str, key: str
) -> None:
    sent = {"Host": f"127.0.0.1:{PORT}", "Authorization": f"Bearer {key}"} | headers
    for headers_sent in (sent, sent | {"Host": host}):
        with app.test_client().open(
            method=method,
            environ_overrides=path_info(path.replace("x.zip", backup)),
            headers=headers_sent,
            base_url=ORIGIN,
        ) as answer:
            text = answer.get_data(as_text=False)
        assert answer.status_code != 500
        assert backup.encode() not in text

    assert clinic.count("patients") == 3


@ANY
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "multipart/form-data; boundary=x", "x"]))
def test_no_body_ends_in_a_fault_of_the_program(visitor: Visitor, backup: str, body: bytes, kind: str) -> None:
    for path in ("/session", "/preferences", f"/backups/{backup}/restore"):
        answer = visitor.client.post(
            path,
            data=body,
            content_type=kind,
            headers={"Authorization": f"Bearer {visitor.key}"},
            base_url=ORIGIN,
        )
        assert answer.status_code in (200, 303, 400, 401, 413, 415, 422)


@settings(ANY, max_examples=400)
@given(data=st.data())
def test_no_route_that_there_is_ends_in_a_fault_of_the_program(
    app: Flask, visitor: Visitor, backup: str, data: st.DataObject
) -> None:
    """Every rule of the application, with real and invented names in its blanks, and any query, form or body."""
    rule = data.draw(st.sampled_from([rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]))
    blanks = st.sampled_from([backup, "1", "0" * 32, "%2e%2e%2fclinic.db", "\0", "x" * 300]) | TEXT
    path = re.sub(r"<[^>]+>", lambda _blank: data.draw(blanks).replace("?", ""), rule.rule)
    method = data.draw(st.sampled_from(sorted(rule.methods or ()) * 3 + ["PUT", "DELETE", "PATCH"]))
    fields = st.sampled_from([*FIELDS, *KNOWN]) | TEXT
    values = TEXT | st.sampled_from(
        ["yes", "no", "", "0", "-1", "1e309", "nan", "9" * 400, backup, "/", "2030-01-01", "\0"]
    )
    form = data.draw(st.dictionaries(fields, values, max_size=6))
    body = data.draw(st.just(form) | st.binary(max_size=100))
    kinds = [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
    ]
    kind = None if isinstance(body, dict) else data.draw(st.sampled_from(kinds))
    with visitor.client.open(
        method=method,
        environ_overrides=path_info(path),
        query_string=data.draw(st.dictionaries(fields, values, max_size=3)),
        data=body,
        headers=visitor._headers() | data.draw(HEADERS),
        base_url=ORIGIN,
        content_type=kind,
    ) as answer:
        text = answer.get_data(as_text=False)

    assert answer.status_code != 500, (method, path, form)
    assert b"Traceback" not in text
    if visitor.jobs.current():
        visitor.finished()
