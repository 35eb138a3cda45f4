"""How the house says no: JSON that names the field, its value and what to do."""

import traceback
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import TypeVar, overload

import msgspec
from litestar import MediaType, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from application.inbox import InboxUnavailable
from domain.money import plain
from domain.settings_document import SettingsRefused
from web.changes import TooManySubscribers
from web.connection import AnyRequest
from web.program_log import log

RETRY_SECONDS = 5
T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was wrong: which field, what it was, what to do."""

    field: str
    value: str
    remedy: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    status: int
    message: str
    problems: tuple[Problem, ...] = ()


class Refused(Exception):  # noqa: N818 - a refusal is named by what happened
    """Ends a request with this answer."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.refusal = Refusal(status=status, message=message, problems=tuple(problems))
        self.headers = dict(headers or {})


def unauthorized(message: str) -> Refused:
    """401 as HTTP wants it."""
    challenge = {"WWW-Authenticate": 'Bearer realm="plimsoll"'}
    return Refused(HTTPStatus.UNAUTHORIZED, message, headers=challenge)


def invalid(field: str, value: object, remedy: str) -> Refused:
    """400 for one field."""
    problem = Problem(field=field, value=str(value), remedy=remedy)
    message = f"{field} was {value}: {remedy}"
    return Refused(HTTPStatus.BAD_REQUEST, message, [problem])


def unavailable(message: str) -> Refused:
    """503: the same request may succeed in a few seconds."""
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE, message, headers={"Retry-After": str(RETRY_SECONDS)}
    )


def json_answer(
    content: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """An answer as JSON. Decimals are strings without an exponent."""
    return Response(
        msgspec.json.encode(with_plain_decimals(content)),
        status_code=status,
        media_type=MediaType.JSON,
        headers=dict(headers or {}),
    )


@overload
def with_plain_decimals(content: Decimal) -> str: ...
@overload
def with_plain_decimals(content: object) -> object: ...
def with_plain_decimals(content: object) -> object:
    """The same content for a JSON encoder, with `1E+2` written as `100`."""
    if isinstance(content, Decimal):
        return plain(content) if content.is_finite() else str(content)
    if isinstance(content, msgspec.Struct):
        return with_plain_decimals(msgspec.structs.asdict(content))
    if isinstance(content, Mapping):
        return {str(key): with_plain_decimals(value) for key, value in content.items()}
    if isinstance(content, list | tuple | set | frozenset):
        return [with_plain_decimals(value) for value in content]
    return content


def answer_to(refused: Refused) -> Response[bytes]:
    """A refusal as its answer."""
    return json_answer(refused.refusal, refused.refusal.status, refused.headers)


def _on_refused(_request: AnyRequest, error: Refused) -> Response[bytes]:
    return answer_to(error)


def _on_inbox(_request: AnyRequest, error: InboxUnavailable) -> Response[bytes]:
    return answer_to(unavailable(str(error)))


def _on_full_feed(_request: AnyRequest, error: TooManySubscribers) -> Response[bytes]:
    return answer_to(unavailable(str(error)))


def _on_settings(_request: AnyRequest, error: SettingsRefused) -> Response[bytes]:
    problems = [
        Problem(field=each.field, value=each.value, remedy=each.remedy) for each in error.problems
    ]
    return answer_to(Refused(HTTPStatus.BAD_REQUEST, "the settings were refused", problems))


def _on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses: an unknown path, a method, a parameter of a wrong type."""
    problems = _parameter_problems(error.extra)
    message = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND and not problems:
        message = f"path was {request.url.path}: see /schema/openapi.json for what exists"
    refused = Refused(HTTPStatus(error.status_code), message, problems, error.headers)
    return answer_to(refused)


def _on_anything(request: AnyRequest, error: Exception) -> Response[bytes]:
    # Never the exception itself: a log that shows its locals would show a body and its secret.
    stack = "".join(traceback.format_tb(error.__traceback__))
    path, name = request.url.path, type(error).__name__
    log.error("request_failed", path=path, method=request.method, error=name, stack=stack)
    message = "Plimsoll failed to answer this request; its log says why"
    return answer_to(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, message))


def _parameter_problems(extra: object) -> list[Problem]:
    if not isinstance(extra, list):
        return []
    return [
        Problem(
            field=str(each.get("key", "request")),
            value="not usable",
            remedy=str(each.get("message", "see /schema/openapi.json")),
        )
        for each in extra
        if isinstance(each, dict)
    ]


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    Refused: _on_refused,
    InboxUnavailable: _on_inbox,
    TooManySubscribers: _on_full_feed,
    SettingsRefused: _on_settings,
    HTTPException: _on_http,
    Exception: _on_anything,
}
