"""What `create_app` makes: complete, without globals, and the same on every system."""

import mimetypes
import re
from pathlib import Path

import pytest
from flask import Flask

from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.settings import Settings
from tests.web.conftest import ORIGIN, Clinic, Visitor
from webadmin import Access, PlainDesk, create_app

STATIC = Path(create_app.__code__.co_filename).parent / "static"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.js", "text/javascript"),
        ("htmx.min.js", "text/javascript"),
        ("app.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_static_file_has_its_type_whatever_the_system_says(
    engine: BackupEngine, jobs: JobRunner, access: Access, desk: PlainDesk, name: str, kind: str
) -> None:
    mimetypes.add_type("text/plain", Path(name).suffix)
    app = create_app(engine, jobs, access, desk, Settings(engine.data_dir))
    with app.test_client().get(f"/static/{name}", base_url=ORIGIN) as answer:
        assert answer.mimetype == kind
        assert answer.data == (STATIC / name).read_bytes()


def test_two_applications_do_not_know_each_other(tmp_path: Path, app: Flask, visitor: Visitor, backup: str) -> None:
    other = BackupEngine(Clinic(tmp_path / "other").data_dir)
    access = Access()
    access.set_port(1)
    runner = JobRunner()
    second = create_app(other, runner, access, PlainDesk(other, runner), Settings(other.data_dir))
    key = access.open_session(access.new_ticket())

    answer = second.test_client().get(
        "/status", headers={"Authorization": f"Bearer {key}"}, base_url="http://127.0.0.1:1"
    )

    assert answer.get_json()["counts"]["backups"] == 0
    assert visitor.get("/status").get_json()["counts"]["backups"] == 1
    assert Visitor(app.test_client(), runner, key).get("/status").status_code == 401


def test_the_page_asks_for_nothing_from_a_network() -> None:
    for path in [*STATIC.glob("app.*"), *STATIC.parent.parent.glob("templates/**/*.*")]:
        assert not re.search(r"https?://(?!www\.w3\.org/)", path.read_text(encoding="utf-8")), path


def test_all_that_a_browser_loads_is_small() -> None:
    assert sum(path.stat().st_size for path in STATIC.iterdir()) < 100_000
