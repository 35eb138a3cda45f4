"""A refusal for whoever reads in a browser: the same words as the API's, as a page."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Response
from litestar.types import ExceptionHandlersMap

from web.answers import Refusal
from web.connection import AnyRequest
from web.rendering import Pages

Handler = Callable[[AnyRequest, Any], Response[Any]]

# Programs talk to these, whatever they say they accept.
MACHINE_PATHS = ("/api/", "/webhook/", "/schema/", "/health", "/static/")
# What waiting may heal: the first account is still to come, or the database is away.
PASSING = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE})


def for_readers(pages: Pages, handlers: ExceptionHandlersMap) -> ExceptionHandlersMap:
    """The same handlers, answering a browser's own requests with a page."""
    return {kind: _shown(pages, handler) for kind, handler in handlers.items()}


def _shown(pages: Pages, handler: Handler) -> Handler:
    def answer(request: AnyRequest, error: Any) -> Response[Any]:  # noqa: ANN401 - as Litestar has it
        refused = handler(request, error)
        return _page(pages, request, refused) if _is_read_by_eyes(request) else refused

    return answer


def _is_read_by_eyes(request: AnyRequest) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    by_script = "hx-request" in request.headers
    return wants_page and not by_script and not request.url.path.startswith(MACHINE_PATHS)


def _page(pages: Pages, request: AnyRequest, refused: Response[Any]) -> Response[Any]:
    refusal = msgspec.json.decode(refused.content, type=Refusal)
    html = pages.render(
        "problem.html",
        request,
        status=refusal.status,
        message=refusal.message,
        problems=refusal.problems,
        retry=request.url.path == "/" and refusal.status in PASSING,
    )
    headers = {str(name): str(value) for name, value in refused.headers.items()}
    return Response(html, status_code=refusal.status, media_type=MediaType.HTML, headers=headers)
