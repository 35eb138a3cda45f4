"""The projected offset as data: who would be paid down next, by whom, and why not."""

from litestar import Response, Router, get
from litestar.di import NamedDependency

from application.offset_outlook import OffsetOutlook
from web.answers import Refusal, invalid, json_answer
from web.choice import Choice
from web.deps import WebDeps
from web.documents import answers_with


@get(
    "/offset",
    responses={
        200: answers_with(OffsetOutlook, "As it stands at `as_of`"),
        400: answers_with(Refusal, "Names the parameter, its value and the remedy"),
        401: answers_with(Refusal, "The token is missing or wrong"),
        404: answers_with(Refusal, "There is no such account"),
        503: answers_with(Refusal, "The log cannot be read now: ask again"),
    },
    tags=["Read"],
)
async def read_offset_outlook(
    deps: NamedDependency[WebDeps], choice: NamedDependency[Choice]
) -> Response[bytes]:
    """The projected offset of losers by winners, by the log and the marks of `as_of`.

    For each open trade every condition with its value and its limit; the loser whose turn it is,
    what each winner would sell and earn, and why nothing would be done. Only of now: what was
    done is under /offsets.
    """
    if choice.at is not None:
        raise invalid(
            "at", choice.at, "leave it out: a plan is of now, what was done is in /offsets"
        )
    return json_answer(await deps.offset_outlook(choice.account))


def offset_router() -> Router:
    """The route under /api/v1 for the projected offset."""
    return Router("/api/v1", route_handlers=[read_offset_outlook], security=[{"token": []}])
