"""How a page is opened, and what the command line may ask."""

import pytest

from tests.web.conftest import ORIGIN, Visitor
from webadmin import Access


def test_anybody_may_ask_whether_the_page_is_served(stranger: Visitor) -> None:
    assert stranger.get("/health").get_json() == {"ok": True}


def test_a_ticket_is_exchanged_for_a_key_that_opens_the_page(stranger: Visitor, access: Access) -> None:
    answer = stranger.client.post("/session", json={"ticket": access.new_ticket()}, base_url=ORIGIN)
    key = answer.get_json()["key"]

    assert Visitor(stranger.client, stranger.jobs, key).get("/").status_code == 200


def test_a_ticket_that_is_used_twice_locks_the_page_it_opened(stranger: Visitor, access: Access) -> None:
    ticket = access.new_ticket()
    first = stranger.client.post("/session", json={"ticket": ticket}, base_url=ORIGIN)
    second = stranger.client.post("/session", json={"ticket": ticket}, base_url=ORIGIN)
    answer = Visitor(stranger.client, stranger.jobs, first.get_json()["key"]).get("/")

    assert second.status_code == 401
    assert "opened twice" in second.get_json()["error"]
    assert answer.status_code == 401
    assert answer.headers["HX-Retarget"] == "#page"
    assert "Click the DocAssist Backup icon in the tray" in answer.text


@pytest.mark.parametrize("document", [{}, [], "ticket", 7, {"ticket": None}, {"ticket": ["x"]}, {"ticket": "\udc00"}])
def test_what_is_no_ticket_is_refused(stranger: Visitor, document: object) -> None:
    answer = stranger.client.post("/session", json=document, base_url=ORIGIN)

    assert answer.status_code == 401
    assert "hint" in answer.get_json()


@pytest.mark.parametrize(
    ("body", "kind"), [(b"{", "application/json"), (b"\xff", "application/json"), (b"a=1", "text/plain")]
)
def test_what_is_no_json_is_refused(stranger: Visitor, body: bytes, kind: str) -> None:
    answer = stranger.client.post("/session", data=body, content_type=kind, base_url=ORIGIN)

    assert answer.status_code in (400, 415)
    assert answer.get_json()["error"].endswith(".")


def test_the_control_key_asks_for_a_ticket_and_the_status(stranger: Visitor, access: Access) -> None:
    headers = {"Authorization": f"Bearer {access.control_key}"}
    ticket = stranger.client.post("/control/ticket", headers=headers, base_url=ORIGIN).get_json()["ticket"]
    status = stranger.client.get("/control/status", headers=headers, base_url=ORIGIN).get_json()

    assert access.is_session(access.open_session(ticket))
    assert status["last_backup"] is None
