"""The Activity page: everything that was done, newest first."""

from flask import Blueprint, render_template, request

from .paging import page_of
from .parts import parts

bp = Blueprint("activity", __name__)

PER_PAGE = 50


@bp.get("/activity")
def index() -> str:
    """Show one page of the runs."""
    page = page_of(parts().engine.history.runs(), request.args.get("page", 1, type=int), PER_PAGE)
    return render_template("activity/index.html", page=page)
