"""The application of the set-up: the ordinary one over no data at all, with every way leading to its own pages."""

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from backup_core.engine import BackupEngine
from backup_core.folders import shown
from backup_core.jobs import JobRunner
from backup_core.places import setup_folder
from backup_core.settings import Settings
from webadmin import Access, PlainDesk, create_app
from webadmin.away import go_to
from webadmin.problems import is_fragment_request

from . import docassist, folders, newpc, steps
from .bp import bp
from .guide import Guide
from .office import Office

__all__ = ["create_setup_app", "docassist", "folders", "newpc", "steps"]

_OPEN = frozenset({"static", "session.health", "session.open_session", "session.control_ticket"})


def create_setup_app(guide: Guide, jobs: JobRunner, access: Access) -> Flask:
    """Return the application that asks what the launcher needs to know, and then has `guide` carry it out."""
    engine = BackupEngine(setup_folder())
    app = create_app(engine, jobs, access, PlainDesk(engine, jobs), Settings(engine.data_dir))
    app.extensions["setup"] = Office(guide)
    app.jinja_env.globals["setting_up"] = True
    app.jinja_env.filters["path"] = lambda path: shown(str(path))
    app.register_blueprint(bp)
    # Asked after the door: whoever may not come in learns nothing here either.
    app.before_request(_lead)
    return app


def _lead() -> Response | None:
    """Send whoever asks for another page, as an old tab does, to the set-up."""
    if request.blueprint == bp.name or request.endpoint in _OPEN:
        return None
    if is_fragment_request():
        return go_to(url_for("setup.index"))
    return redirect(url_for("setup.index"), 303)
