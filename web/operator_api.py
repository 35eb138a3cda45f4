"""What an operator may ask for: each wish becomes a durable input, and the engine decides."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, QueryParameter

from application.inputs import OperatorActed, OperatorAction, SettingsSubmitted
from domain.settings import Settings
from domain.settings_document import DOCUMENT_BYTES_MAX, SettingsRefused, parse_settings
from domain.settings_support import unsupported
from web.answers import Problem, Refusal, Refused, invalid, json_answer
from web.choice import Choice
from web.connection import AnyRequest
from web.deps import WebDeps
from web.documents import InputAccepted

SUBJECT_LENGTH_MAX = 200
REASON_LENGTH_MAX = 500
ACTIONS_WITH_SUBJECT = frozenset(
    {"close_group", "promote_signal", "remove_signal", "clear_discrepancy"}
)
OUTCOMES = {
    202: ResponseSpec(InputAccepted, description="Durable; the log shows what it caused"),
    400: ResponseSpec(Refusal, description="Names each field, its value and the remedy"),
    401: ResponseSpec(Refusal, description="The token is missing or wrong"),
    503: ResponseSpec(Refusal, description="Not made durable: send again"),
}


class OperatorWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One action on a group, a signal or a symbol; `reason` is kept in the log."""

    action: OperatorAction
    subject: str = ""
    reason: str = ""


class SettingsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that rule, with the version that `expect_version` guards."""

    account: str
    version: int
    settings: msgspec.Raw


@post(
    "/operator",
    status_code=HTTPStatus.ACCEPTED,
    responses=OUTCOMES,
    tags=["Act"],
)
async def act(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    request: AnyRequest,
) -> Response[bytes]:
    """Close a group, promote or remove a signal, pause, resume, halt, clear a discrepancy.

    Body: {"action": …, "subject": …, "reason": …}.
    """
    wish = read_wish(await request.body())
    return json_answer(await submit_wish(deps, choice, wish), HTTPStatus.ACCEPTED)


@get("/settings", tags=["Settings"])
async def read_settings(choice: NamedDependency[Choice]) -> Response[bytes]:
    """The whole settings document; it may be kept as a backup."""
    chosen = choice.chosen
    document = SettingsDocument(
        account=chosen.account,
        version=chosen.settings_version,
        settings=msgspec.Raw(chosen.settings.encode()),
    )
    return Response(msgspec.json.encode(document), media_type="application/json")


@put(
    "/settings",
    status_code=HTTPStatus.ACCEPTED,
    request_max_body_size=DOCUMENT_BYTES_MAX,
    responses=OUTCOMES,
    tags=["Settings"],
)
async def replace_settings(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    request: AnyRequest,
    reason: Annotated[
        str, QueryParameter(max_length=REASON_LENGTH_MAX)
    ] = "changed through the API",
    expect_version: FromQuery[int | None] = None,
) -> Response[bytes]:
    """Replace the settings as a whole. The body is the settings document."""
    _require_version(choice, expect_version)
    accepted = await submit_settings(deps, choice, await request.body(), reason)
    return json_answer(accepted, HTTPStatus.ACCEPTED)


def read_wish(raw: bytes) -> OperatorWish:
    """Read and check a wish. Raises Refused, naming the field."""
    try:
        wish = msgspec.json.decode(raw, type=OperatorWish)
    except (msgspec.DecodeError, ValueError) as error:
        remedy = f'send {{"action": …, "subject": …, "reason": …}} ({error})'
        raise invalid("body", "not usable", remedy) from error
    check_wish(wish)
    return wish


def check_wish(wish: OperatorWish) -> None:
    """Raise Refused if the wish names nothing to act on, or says too much."""
    if wish.action in ACTIONS_WITH_SUBJECT and not wish.subject:
        raise invalid("subject", "empty", f"name what to {wish.action.replace('_', ' ')}")
    for field, text, most in (
        ("subject", wish.subject, SUBJECT_LENGTH_MAX),
        ("reason", wish.reason, REASON_LENGTH_MAX),
    ):
        if len(text) > most:
            raise invalid(field, f"{len(text)} characters long", f"use at most {most}")


async def submit_wish(deps: WebDeps, choice: Choice, wish: OperatorWish) -> InputAccepted:
    """Make a wish durable. Raises InboxUnavailable if that failed."""
    acted = OperatorActed(
        action=wish.action,
        subject=wish.subject,
        actor=deps.access.actor,
        reason=wish.reason or "no reason given",
    )
    return InputAccepted(input_id=await deps.inbox.put(choice.account, acted))


async def submit_settings(
    deps: WebDeps, choice: Choice, document: bytes, reason: str
) -> InputAccepted:
    """Make new settings durable. Raises SettingsRefused with every problem."""
    submitted = SettingsSubmitted(
        settings=_usable_settings(document),
        actor=deps.access.actor,
        reason=reason or "no reason given",
    )
    return InputAccepted(input_id=await deps.inbox.put(choice.account, submitted))


def _usable_settings(document: bytes) -> Settings:
    settings = parse_settings(document)
    problems = unsupported(settings)
    if problems:
        raise SettingsRefused(problems)
    return settings


def _require_version(choice: Choice, expected: int | None) -> None:
    version = choice.chosen.settings_version
    if expected is None or expected == version:
        return
    problem = Problem(
        field="expect_version",
        value=str(expected),
        remedy=f"read the settings again: version {version} rules now",
    )
    raise Refused(HTTPStatus.CONFLICT, "the settings were changed by somebody else", [problem])


def operator_router() -> Router:
    """The routes under /api/v1 for settings and actions."""
    handlers = [act, read_settings, replace_settings]
    return Router("/api/v1", route_handlers=handlers, security=[{"token": []}])
