"""How long the server takes for the page of a clinic with a thousand backups, and how much it weighs."""

import statistics
import time
from pathlib import Path

from backup_core import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.settings import Settings
from webadmin import Access, PlainDesk, create_app

_ROUNDS = 20
_ADDRESS = "http://127.0.0.1:8765"


def first_paint(data: Path) -> str:
    """Return the report on the page of this data folder: the first look, the median of what follows, the bytes."""
    engine, jobs, access = BackupEngine(data), JobRunner(), Access()
    access.set_port(8765)
    client = create_app(engine, jobs, access, PlainDesk(engine, jobs), Settings(data)).test_client()
    key = access.open_session(access.new_ticket())
    headers = {"Authorization": f"Bearer {key}", "HX-Request": "true", "Accept": "text/html"}
    laps, work = [], []
    for _round in range(_ROUNDS + 1):
        started, began = time.perf_counter(), time.process_time()
        answer = client.get("/", headers=headers, base_url=_ADDRESS)
        laps.append((time.perf_counter() - started) * 1000)
        work.append((time.process_time() - began) * 1000)
        assert answer.status_code == 200
    jobs.close(1)
    return "\n".join(
        [
            f"## The page with {len(engine.archives()):,} backups\n",
            f"Server time for the page with its list: {laps[0]:.0f} ms on the first look after a start, then"
            f" {statistics.median(laps[1:]):.0f} ms, of which the processor works {statistics.median(work[1:]):.0f} ms;"
            f" {len(answer.data) / 1000:.0f} kB of HTML.\n",
        ]
    )
