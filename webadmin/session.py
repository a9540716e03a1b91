"""Opening the page: a one-time ticket becomes a session key; and the two doors for the command line."""

from flask import Blueprint, Response, jsonify, request

from .idle import pin
from .parts import parts
from .status import report

bp = Blueprint("session", __name__)


@bp.get("/health")
def health() -> Response:
    """Answer that the page is served; to anyone."""
    return jsonify(ok=True)


@bp.post("/session")
def open_session() -> Response:
    """Exchange the ticket for a session key."""
    document = request.get_json()
    ticket = document.get("ticket") if isinstance(document, dict) else None
    ticket = ticket if isinstance(ticket, str) else ""
    # Whoever is at the desk can click the tray icon: that is not enough where a PIN is asked for.
    return jsonify(key=parts().access.open_session(ticket, unlocked=not pin().is_set()))


@bp.post("/control/ticket")
def control_ticket() -> Response:
    """Give the command line a fresh ticket for a browser."""
    return jsonify(ticket=parts().access.new_ticket())


@bp.get("/control/status")
def control_status() -> Response:
    """Tell the command line what `/status` tells the page."""
    return jsonify(report())
