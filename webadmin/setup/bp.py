"""The blueprint that the rooms of the set-up share."""

from flask import Blueprint

bp = Blueprint("setup", __name__, url_prefix="/setup")
