"""The admin page on 127.0.0.1: `create_app` is a factory, and nothing is done at import."""

import mimetypes
from datetime import datetime
from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from backup_core.clock import SYSTEM_CLOCK, Clock
from backup_core.engine import BackupEngine
from backup_core.jobs import JobRunner
from backup_core.pin import Pin
from backup_core.settings import Settings

from . import (
    activity,
    away,
    backups,
    care,
    copies,
    gate,
    helm,
    help,
    idle,
    lookonly,
    pins,
    preferences,
    problems,
    relocation,
    restores,
    session,
    status,
    translation,
    trials,
    unchanged,
    uploads,
    wording,
)
from .access import Access as Access
from .desk import Desk as Desk
from .desk import PlainDesk as PlainDesk
from .parts import Parts

_HERE = Path(__file__).resolve().parent

# Windows' registry may say otherwise, and a script that is not called one is blocked by `nosniff`.
_TYPES = {"text/javascript": ".js", "text/css": ".css", "image/svg+xml": ".svg"}


def create_app(
    engine: BackupEngine,
    jobs: JobRunner,
    access: Access,
    desk: Desk,
    settings: Settings,
    *,
    clock: Clock = SYSTEM_CLOCK,
    sample: bool = False,
    since: datetime | None = None,
) -> Flask:
    """Return the application; `sample` marks every page as a sample clinic's, `since` is when the launcher began."""
    for kind, ending in _TYPES.items():
        mimetypes.add_type(kind, ending)
    app = Flask(__name__, template_folder=str(_template_folder()))
    app.extensions["backup"] = Parts(engine, jobs, access, desk, settings, clock, sample, since or clock.now())
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    gate.install(app)
    idle.install(app, Pin(engine.data_dir, clock=clock))
    lookonly.install(app)
    away.install(app)
    problems.install(app)
    unchanged.install(app)
    translation.install(app)
    wording.install(app)
    rooms = (session, status, backups, helm, care, restores, uploads, copies)
    for room in (*rooms, preferences, relocation, trials, pins, activity, help, away):
        app.register_blueprint(room.bp)
    return app


def _template_folder() -> Path:
    packaged = _HERE / "templates"  # in a wheel; the checkout keeps them at top level
    return packaged if packaged.is_dir() else _HERE.parent / "templates"
