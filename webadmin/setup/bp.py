"""The blueprint that the rooms of the set-up share."""

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

bp = Blueprint("setup", __name__, url_prefix="/setup")


def to(step: str) -> Response:
    """Send the browser to a step of the set-up."""
    return redirect(url_for(f"setup.{step}"), 303)
