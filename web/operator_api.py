"""What an operator may ask for: each wish becomes a durable input, and the engine decides."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from application.inputs import OperatorActed, SettingsSubmitted
from domain.settings import Settings
from domain.settings_document import DOCUMENT_BYTES_MAX, parse_settings
from domain.settings_outlook import SettingsOutlook, outlook_of
from domain.settings_ranges import Problem as SettingsProblem
from domain.worst_case import WorstCases
from web.answers import Problem, Refusal, Refused, json_answer
from web.choice import Choice
from web.connection import AnyRequest
from web.deps import WebDeps
from web.documents import InputAccepted, answers_with
from web.operator_wish import REASON_LENGTH_MAX, OperatorWish, read_wish

OUTCOMES = {
    202: answers_with(InputAccepted, "Durable; the log shows what it caused"),
    400: answers_with(Refusal, "Names each field, its value and the remedy"),
    401: answers_with(Refusal, "The token is missing or wrong"),
    503: answers_with(Refusal, "Not made durable: send again"),
}


class SettingsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that rule, with the version that `expect_version` guards.

    Beside them what they may come to: the most that full groups commit, and warnings.
    """

    account: str
    version: int
    settings: msgspec.Raw
    worst_cases: WorstCases
    warnings: tuple[SettingsProblem, ...]


class SettingsAccepted(InputAccepted, frozen=True, kw_only=True):
    """The settings are durable under this id, and what they may come to."""

    outlook: SettingsOutlook


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
    """Close or reduce a group, promote, force in or remove a queued signal, pause, resume, halt.

    Also clear a discrepancy, reset_breaker, emergency_stop, record_transfer, and of the offset of
    losers by winners offset_now, offset_skip, offset_block and offset_unblock. Body: {"action": …,
    "subject": …, "reason": …}, and for reduce_group "percent" of the open quantity, for
    record_transfer "amount" of the capital currency, below zero what went out. force_add_signal,
    reset_breaker and record_transfer need a reason; an emergency_stop closes every trade, and its
    subject must be the account's own name. What the engine cannot do is told as an alert.
    """
    wish = read_wish(await request.body(), choice.account)
    return json_answer(await submit_wish(deps, choice, wish), HTTPStatus.ACCEPTED)


@get(
    "/settings",
    responses={
        200: answers_with(SettingsDocument, "Those that rule"),
        400: OUTCOMES[400],
        401: OUTCOMES[401],
    },
    tags=["Settings"],
)
async def read_settings(choice: NamedDependency[Choice]) -> Response[bytes]:
    """The whole settings document; it may be kept as a backup."""
    chosen = choice.chosen
    outlook = ruling_outlook(choice)
    document = SettingsDocument(
        account=chosen.account,
        version=chosen.settings_version,
        settings=msgspec.Raw(chosen.settings.encode()),
        worst_cases=outlook.worst_cases,
        warnings=outlook.warnings,
    )
    return Response(msgspec.json.encode(document), media_type="application/json")


@put(
    "/settings",
    status_code=HTTPStatus.ACCEPTED,
    request_max_body_size=DOCUMENT_BYTES_MAX,
    responses={
        **OUTCOMES,
        202: answers_with(SettingsAccepted, "Durable, with what they may come to"),
    },
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


async def submit_wish(deps: WebDeps, choice: Choice, wish: OperatorWish) -> InputAccepted:
    """Make a wish durable. Raises InboxUnavailable if that failed."""
    acted = OperatorActed(
        action=wish.action,
        subject=wish.subject,
        actor=deps.access.actor,
        reason=wish.reason or "no reason given",
        percent=wish.percent,
        amount=wish.amount,
    )
    return InputAccepted(input_id=await deps.inbox.put(choice.account, acted))


async def submit_settings(
    deps: WebDeps, choice: Choice, document: bytes, reason: str
) -> SettingsAccepted:
    """Make new settings durable. Raises SettingsRefused with every problem."""
    submitted = SettingsSubmitted(
        settings=parse_settings(document),
        actor=deps.access.actor,
        reason=reason or "no reason given",
    )
    input_id = await deps.inbox.put(choice.account, submitted)
    return SettingsAccepted(input_id=input_id, outlook=outlook_of(submitted.settings))


def ruling_outlook(choice: Choice) -> SettingsOutlook:
    """What the settings that rule may come to. They were valid when they were taken up."""
    return outlook_of(msgspec.json.decode(choice.chosen.settings, type=Settings))


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
