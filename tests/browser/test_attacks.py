"""What others on this PC or on the web may try against the page, in a real Chromium against a real port."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from .launcher import started
from .site import HOSTILE, Site, forged, hostile, served

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A page of a small clinic on its own port."""
    with served(tmp_path) as site:
        yield site


def ask(site: Site, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Return status and body of the answer to just these bytes, past any client that would tidy them up."""
    connection = HTTPConnection("127.0.0.1", site.port, timeout=30)
    sent = {"Host": f"127.0.0.1:{site.port}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(connection):
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def neighbour(body: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a page on another port of this PC; yield its address and the cookies and keys that it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.extend(self.headers.get(name, "") for name in ("Cookie", "Authorization"))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", seen
    server.shutdown()
    server.server_close()
    thread.join()


def opened(context: BrowserContext, site: Site, path: str = "/") -> Page:
    """Return the page, opened as the tray icon does."""
    page = context.new_page()
    page.goto(site.address(path))
    expect(page.locator("#page[data-room]")).to_be_visible()
    return page


def test_a_name_of_the_web_that_leads_to_this_pc_gets_nothing(site: Site, playwright: Playwright) -> None:
    with started(playwright, ["--host-resolver-rules=MAP evil.example 127.0.0.1"]) as rebound:
        page = rebound.new_page()
        answer = page.goto(f"http://evil.example:{site.port}/")

        assert answer is not None
        assert answer.status == 403
        assert "Click the DocAssist Backup icon" in page.inner_text("body")
        for path in ("/health", "/static/app.js", "/status"):
            status = page.evaluate("path => fetch(path).then(answer => answer.status)", path)
            assert status == 403


@pytest.mark.parametrize("path", ["/", "/backups", "/session", "/status", "/health"])
def test_a_page_of_another_port_can_neither_send_nor_read(site: Site, context: BrowserContext, path: str) -> None:
    opened(context, site)
    with neighbour("<h1>neighbour</h1>") as (address, seen):
        page = context.new_page()
        page.goto(address)
        told = page.evaluate(
            """async ([origin, path]) => {
              const results = [];
              for (const method of ["GET", "POST", "PUT"]) {
                for (const mode of ["cors", "no-cors"]) {
                  for (const headers of [{}, {"Authorization": "Bearer x"}]) {
                    try {
                      const answer = await fetch(origin + path, {method, mode, headers, credentials: "include"});
                      results.push(answer.type === "opaque" ? "opaque" : "read " + await answer.text());
                    } catch { results.push("refused"); }
                  }
                }
              }
              return results;
            }""",
            [site.origin, path],
        )

        assert set(told) <= {"refused", "opaque"}
        assert site.jobs.last() is None
        assert not any(seen)


def test_a_form_of_another_port_starts_nothing(site: Site, context: BrowserContext) -> None:
    opened(context, site)
    form = f'<form action="{site.origin}/backups" method="post"><button>go</button></form>'
    with neighbour(form) as (address, _seen):
        page = context.new_page()
        page.goto(address)
        with page.expect_response("**/backups") as waiting:
            page.get_by_role("button").click()

        assert waiting.value.status == 403
        expect(page.locator("body")).to_contain_text("Another page tried to use DocAssist Backup")
        assert site.jobs.last() is None


def test_another_port_cannot_show_the_page_in_a_frame_nor_load_it_as_picture_or_script(
    site: Site, context: BrowserContext
) -> None:
    opened(context, site)
    body = f"""<iframe src="{site.origin}/"></iframe><img src="{site.origin}/static/icon.svg">
      <script src="{site.origin}/static/app.js"></script><object data="{site.origin}/"></object>"""
    with neighbour(body) as (address, _seen):
        page = context.new_page()
        statuses: dict[str, int] = {}
        page.on("response", lambda answer: statuses.update({answer.url: answer.status}))
        page.goto(address)
        page.wait_for_timeout(500)

        ours = {url: status for url, status in statuses.items() if url.startswith(site.origin)}
        assert ours
        assert set(ours.values()) <= {401, 403}
        assert page.evaluate("document.querySelector('img').naturalWidth") == 0
        assert "Protected" not in "".join(frame.content() for frame in page.frames)


def test_another_port_gets_no_web_socket(site: Site, context: BrowserContext) -> None:
    with neighbour("<h1>neighbour</h1>") as (address, _seen):
        page = context.new_page()
        page.goto(address)
        ended = page.evaluate(
            """origin => new Promise(done => {
              const socket = new WebSocket(origin.replace("http", "ws") + "/status");
              socket.onopen = () => done("open"); socket.onerror = () => done("refused");
            })""",
            site.origin,
        )

        assert ended == "refused"


def test_another_port_cannot_reach_into_the_window_that_it_opened(site: Site, context: BrowserContext) -> None:
    with neighbour("<button>open</button>") as (address, _seen):
        page = context.new_page()
        page.goto(address)
        reached = page.evaluate(
            """async origin => {
              const other = window.open(origin + "/");
              await new Promise(done => setTimeout(done, 1000));
              try { return String(other.document.body.innerText); } catch { return "out of reach"; }
            }""",
            site.origin,
        )

        assert reached in ("out of reach", "")


def test_a_ticket_that_is_used_twice_ends_the_session_and_is_logged(
    site: Site, context: BrowserContext, caplog: pytest.LogCaptureFixture
) -> None:
    address = site.address()
    first = context.new_page()
    first.goto(address)
    expect(first.locator("#verdict")).to_be_visible()
    second = context.new_page()
    second.goto(address)

    expect(second.get_by_role("heading", name="This page is locked")).to_be_visible()
    expect(second.locator("#locked-reason")).to_contain_text("opened twice")
    first.get_by_role("link", name="Activity").click()
    expect(first.get_by_role("heading", name="This page is locked.")).to_be_visible()
    assert "used twice" in caplog.text
    assert address.partition("#t=")[2] not in caplog.text


def test_a_ticket_is_too_old_after_a_minute(site: Site, context: BrowserContext) -> None:
    address = site.address()
    site.clock.pass_time(timedelta(seconds=61))
    page = context.new_page()
    page.goto(address)

    expect(page.locator("#locked-reason")).to_contain_text("too old")
    expect(page.locator("#locked-hint")).to_contain_text("Click the DocAssist Backup icon")


def test_of_many_who_use_one_ticket_at_once_nobody_keeps_a_session(site: Site) -> None:
    for _round in range(10):
        body = json.dumps({"ticket": site.access.new_ticket()}).encode()
        with ThreadPoolExecutor(8) as crowd:
            told = list(
                crowd.map(lambda body: ask(site, "POST", "/session", body, Content_Type="application/json"), [body] * 8)
            )
        keys = [json.loads(text)["key"] for status, text in told if status == 200]

        assert len(keys) <= 1
        assert not any(site.access.is_session(key) for key in keys)


def test_names_notes_and_file_names_run_nothing(site: Site, context: BrowserContext) -> None:
    name = hostile(site)
    page = opened(context, site)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.removeprefix(site.origin)}"))
    for path in (
        "/",
        f"/backups/{quote(name)}/restore",
        f"/backups/{quote(name)}/compare",
        "/preferences",
        "/activity",
    ):
        page.goto(site.origin + path)
        expect(page.locator("#page[data-room]")).to_be_visible()
        page.wait_for_load_state("networkidle") if path != "/" else page.wait_for_timeout(700)
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true; }")

        assert page.evaluate("window.hacked") is None, path
        assert page.locator("[onerror], [onload], [hx-post='/all-is-well'][hx-trigger='load']").count() == 0, path
        assert "49" not in page.locator("bdi").all_inner_texts(), path
    assert "POST /all-is-well" not in asked
    assert faults == []


def test_the_names_really_were_on_the_page(site: Site, context: BrowserContext) -> None:
    name = hostile(site)
    page = opened(context, site, f"/backups/{quote(name)}/restore")

    expect(page.locator("bdi", has_text="window.hacked").first).to_be_attached()


def test_the_manifest_of_a_zip_from_elsewhere_runs_nothing(site: Site, context: BrowserContext) -> None:
    name = hostile(site)
    forged_name = forged(site, name).name
    page = opened(context, site)
    expect(page.locator("tr", has_text="hx-post").or_(page.locator(f"[id='{forged_name}']")).first).to_be_visible()
    for path in ("/", f"/backups/{forged_name}/restore", f"/backups/{forged_name}/delete"):
        page.goto(site.origin + path)
        expect(page.locator("#page[data-room], #page[data-problem]")).to_be_visible()
        page.wait_for_timeout(500)

        assert page.evaluate("window.hacked") is None
        assert page.locator("#page [onerror], #page [onload], [hx-post='/all-is-well'][hx-trigger='load']").count() == 0
    assert site.jobs.last() is None


@pytest.mark.parametrize("of_emr", [False, True], ids=["as a backup of ours", "as one of DocAssist"])
def test_a_hostile_zip_that_is_sent_runs_nothing(
    site: Site, context: BrowserContext, tmp_path: Path, of_emr: bool
) -> None:
    forgery = tmp_path / "<img src=x onerror=window.hacked=1>.zip"
    forged(site, hostile(site), whole=True, of_emr=of_emr).rename(forgery)
    page = opened(context, site, "/uploads")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.removeprefix(site.origin)}"))
    page.set_input_files("#file", forgery)
    page.locator("#upload-start").click()
    expect(page.get_by_role("heading", name="This backup is whole")).to_be_visible(timeout=30_000)
    expect(page.locator("bdi", has_text="window.hacked").first).to_be_visible()
    page.wait_for_timeout(500)
    runs_nothing(page)

    page.get_by_role("link", name="Look at what a restore would change").click()
    expect(page.get_by_role("heading", name="Put back the backup of")).to_be_visible()
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    page.wait_for_timeout(500)
    runs_nothing(page)
    assert {line for line in asked if line.startswith("POST")} == {
        line for line in asked if line.startswith("POST /uploads")
    }


def runs_nothing(page: Page) -> None:
    """Fail if any of the hostile text has become more than text."""
    assert page.evaluate("window.hacked") is None
    assert page.locator("#page [onerror], #page [onload], [hx-post='/all-is-well'][hx-trigger='load']").count() == 0


@pytest.mark.parametrize(
    "name",
    [
        "../clinic.db",
        "..%2fclinic.db",
        "%2e%2e%2fclinic.db",
        "..%5cclinic.db",
        "%252e%252e%252fclinic.db",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "C:%5cWindows%5cwin.ini",
        "backup.zip%00.txt",
        "CON",
        "x" * 5000,
        "%ff%fe",
        "con.zip::$DATA",
    ],
)
@pytest.mark.parametrize("action", ["download", "delete", "restore", "keep", "check"])
def test_a_name_with_a_path_in_it_is_no_backup(site: Site, name: str, action: str) -> None:
    key = {"Authorization": f"Bearer {site.key()}"}
    body = b"confirmed=yes"
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    status, text = ask(site, "POST", f"/backups/{name}/{action}", body, **key, **kind)

    assert status in (404, 405)
    assert b"Traceback" not in text
    assert site.clinic.count("patients") == 3
    assert (site.clinic.data_dir / "clinic.db").is_file()


@pytest.mark.parametrize(
    "path", ["/static/../access.py", "/static/..%2faccess.py", "/static/%2e%2e/access.py", "/static//etc/passwd"]
)
def test_only_what_is_meant_for_the_browser_is_sent_to_it(site: Site, path: str) -> None:
    status, text = ask(site, "GET", path, Authorization=f"Bearer {site.key()}")

    assert status in (308, 404)
    assert b"import" not in text


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9000000000\r\n\r\n{",
        b"POST /backups HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\nx",
        b"POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n",
        b"POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
        b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ],
    ids=["huge", "chunked", "negative", "two lengths", "two hosts", "long path", "long header", "tls", "proxy"],
)
def test_bytes_that_are_no_request_leave_the_page_standing(site: Site, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=5) as connection:
        connection.sendall(raw.replace(b"{host}", f"127.0.0.1:{site.port}".encode()))
        connection.settimeout(2)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except (TimeoutError, ConnectionError):
            pass

    assert b"Traceback" not in answer
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert ask(site, "GET", "/health")[0] == 200
    assert site.jobs.last() is None


def test_a_body_over_the_limit_is_refused_by_the_server_itself(site: Site) -> None:
    too_much = str(8 * 1024 * 1024 + 1)
    status, _text = ask(site, "POST", "/uploads", b"", Authorization=f"Bearer {site.key()}", Content_Length=too_much)

    assert status == 413


def test_what_a_browser_keeps_holds_only_spent_secrets(site: Site, browser: Browser, tmp_path: Path) -> None:
    address = site.address()
    ticket = address.partition("#t=")[2]
    context = browser.new_context()
    page = context.new_page()
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(address)
    expect(page.locator("#verdict")).to_be_visible()
    key = page.evaluate("sessionStorage.getItem('docassist-backup-key')")

    assert ticket not in page.url
    assert not any(ticket in url or key in url for url in urls)
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("indexedDB.databases()") == []
    assert context.cookies() == []
    site.clock.pass_time(timedelta(seconds=61))
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_role("heading", name="This page is locked")).to_be_visible()
    context.close()


def test_no_secret_that_is_still_good_lies_on_disk_or_in_the_log(
    site: Site, context: BrowserContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site.engine.create()
    page = opened(context, site)
    key = page.evaluate("sessionStorage.getItem('docassist-backup-key')")
    page.locator("summary", has_text="More").first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").first.click()
    token = waiting.value.url.rpartition("/")[2]
    secrets = (key, site.access.control_key, token)

    for secret in secrets:
        assert secret not in caplog.text
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path
    status, _text = ask(site, "GET", f"/download/{token}", Accept="text/html")
    assert status == 401


def test_a_refusal_says_what_to_click(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{site.origin}/download/spent")

    expect(page.get_by_role("heading")).to_contain_text("already been used")
    expect(page.locator("body")).to_contain_text("click Download again")


def test_nobody_at_the_desk_sees_names_and_one_click_brings_them_back(site: Site, context: BrowserContext) -> None:
    name = site.engine.create().name
    site.clinic.admit(1)
    page = opened(context, site, f"/backups/{name}/restore")
    expect(page.locator("summary").first).to_be_visible()
    expect(page.locator("bdi", has_text="P 4").first).to_be_attached()

    site.clock.pass_time(timedelta(minutes=15))

    expect(page.get_by_role("heading", name="Locked while nobody is here")).to_be_visible(timeout=15_000)
    assert "P 4" not in page.content()
    page.goto(f"{site.origin}/")
    expect(page.locator("#verdict")).to_contain_text("Protected")
    page.wait_for_timeout(6000)
    expect(page.locator("#verdict")).to_contain_text("Protected")
    page.go_back()
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("heading", name="Put back the backup of")).to_be_visible()


def test_a_click_keeps_the_page_open_while_polling_alone_does_not(site: Site, context: BrowserContext) -> None:
    page = opened(context, site, "/activity")
    site.clock.pass_time(timedelta(minutes=14))
    page.locator("h1").click()
    with page.expect_request(lambda request: "x-clicked" in request.headers, timeout=15_000):
        pass
    time.sleep(0.5)
    site.clock.pass_time(timedelta(minutes=14))
    page.get_by_role("link", name="Preferences").click()
    expect(page.get_by_role("heading", name="Preferences", exact=True)).to_be_visible()


def test_a_pin_is_asked_for_in_place_and_kept_out_of_the_address(site: Site, context: BrowserContext) -> None:
    page = opened(context, site, "/pin")
    page.get_by_label("New PIN", exact=True).fill("2468")
    page.get_by_label("New PIN once more").fill("2468")
    page.get_by_role("button", name="Ask for this PIN").click()
    expect(page.get_by_role("heading", name="Preferences", exact=True)).to_be_visible()
    site.clock.pass_time(timedelta(minutes=15))
    page.get_by_role("link", name="Preferences").click()
    page.get_by_label("PIN", exact=True).fill("1111")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the PIN.")
    expect(page.get_by_label("PIN", exact=True)).to_be_focused()

    page.get_by_label("PIN", exact=True).fill("2468")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Preferences", exact=True)).to_be_visible()
    assert "2468" not in page.url
    assert HOSTILE not in page.content()
