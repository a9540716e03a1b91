"""What the page asks for again and again is sent only when it has changed: else the answer is 304, and empty."""

from http import HTTPStatus

from flask import Flask, Response, request

from .problems import is_fragment_request


def install(app: Flask) -> None:
    """Mark each part of a page by what is in it. Browsers keep nothing of it: the page's script holds the mark."""
    app.after_request(_mark)


def _mark(response: Response) -> Response:
    is_part = request.method == "GET" and response.status_code == HTTPStatus.OK and is_fragment_request()
    if is_part and not response.is_streamed:
        response.add_etag()
        response.make_conditional(request)
    return response
