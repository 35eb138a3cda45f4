"""The JSON API to read: every page of the dashboard as data, behind the token."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, TypeVar

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, QueryParameter

from projections.equity_views import EquityView
from projections.offset_views import OffsetsView
from projections.pages import EquityWanted
from projections.position_views import GroupState, GroupView
from projections.risk_views import RiskView
from projections.views import (
    AccountView,
    AlertRow,
    Kind,
    LogFilter,
    LogView,
    OverviewView,
    PerformanceView,
    QueueView,
    Severity,
    SignalsView,
)
from web.answers import Refusal, Refused, invalid, json_answer
from web.choice import Choice
from web.deps import WebDeps
from web.documents import answers_with
from web.webhook import WebhookDoor

V = TypeVar("V")

ROWS_MAX = 1000
POINTS_MAX = 100_000
Limit = Annotated[int, QueryParameter(ge=1, le=ROWS_MAX, description="Rows at most")]
Offset = Annotated[int, QueryParameter(ge=0, le=10_000_000, description="Rows to skip")]


class SignalsPage(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger, and webhook requests by answer since the web process started."""

    ledger: SignalsView
    webhook_answers: dict[str, int]


def _documented(kind: object) -> dict[int, ResponseSpec]:
    refused = answers_with(Refusal, "Refused")
    return {
        200: answers_with(kind, "As it stands"),
        400: answers_with(Refusal, "Names the parameter, its value and the remedy"),
        401: refused,
        404: refused,
    }


@get("/accounts", responses=_documented(list[AccountView]), tags=["Read"])
async def read_accounts(deps: NamedDependency[WebDeps]) -> Response[bytes]:
    """All accounts."""
    return json_answer(await deps.views.accounts())


@get("/overview", responses=_documented(OverviewView), tags=["Read"])
async def read_overview(
    deps: NamedDependency[WebDeps], choice: NamedDependency[Choice]
) -> Response[bytes]:
    """Pool, queue, PnL, state, committed capital with its worst case, and the alerts of the day."""
    return json_answer(_found(await deps.views.overview(choice.account, choice.at)))


@get("/groups", responses=_documented(list[GroupView]), tags=["Read"])
async def read_groups(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    states: Annotated[list[GroupState] | None, QueryParameter(name="state")] = None,
    limit: Limit = 200,
) -> Response[bytes]:
    """Position groups with their legs, open ones first, newest first; no `state` = all.

    Each leg with the exit and the stop that guard it, or `unprotected`; each group with its
    funding, fees without a value yet, and what waits for its market's rules.
    """
    chosen = tuple(states or ())
    groups = await deps.views.groups(choice.account, chosen, limit=limit, at=choice.at)
    return json_answer(groups)


@get("/queue", responses=_documented(QueueView), tags=["Read"])
async def read_queue(
    deps: NamedDependency[WebDeps], choice: NamedDependency[Choice]
) -> Response[bytes]:
    """Waiting signals, best first, each with the tuple that ranks it.

    A reversal names the trades that must be flat before it is tried.
    """
    return json_answer(await deps.views.queue(choice.account, choice.at))


@get("/risk", responses=_documented(RiskView), tags=["Read"])
async def read_risk(
    deps: NamedDependency[WebDeps], choice: NamedDependency[Choice]
) -> Response[bytes]:
    """Limits with their values, committed capital with its worst cases, refusals and receipts.

    Every hold with its cause and reason, the breaker of the day's loss, what the account is worth
    with its drawdown, symbols that cool down. Also what stands beside the trades:
    dust, foreign positions, discrepancies by side, and fees that no mark values yet.
    """
    return json_answer(_found(await deps.views.risk(choice.account, choice.at)))


@get("/offsets", responses=_documented(OffsetsView), tags=["Read"])
async def read_offsets(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    limit: Limit = 20,
) -> Response[bytes]:
    """Losers paid down by winners, newest first: the plan, each step, the sums to the cent.

    Also the timers that run, which trades an operator keeps out, and whom nothing could be done
    for.
    """
    return json_answer(await deps.views.offsets(choice.account, limit=limit, at=choice.at))


@get("/equity", responses=_documented(EquityView), tags=["Read"])
async def read_equity(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    start: Annotated[
        str | None, QueryParameter(name="from", description="From this time on (ISO 8601)")
    ] = None,
    end: Annotated[
        str | None, QueryParameter(name="to", description="Before this time (ISO 8601)")
    ] = None,
    limit: Annotated[
        int, QueryParameter(ge=2, le=POINTS_MAX, description="More samples than that are thinned")
    ] = ROWS_MAX,
) -> Response[bytes]:
    """What the account was worth, a sample a minute, with its drawdown; and money moved.

    Times without an offset are UTC.
    """
    wanted = EquityWanted(start=_moment("from", start), end=_moment("to", end), points=limit)
    return json_answer(_found(await deps.views.equity(choice.account, wanted, choice.at)))


@get("/signals", responses=_documented(SignalsPage), tags=["Read"])
async def read_signals(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    webhook: NamedDependency[WebhookDoor],
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response[bytes]:
    """The signal ledger, newest first, and all other requests counted by answer."""
    ledger = await deps.views.signals(choice.account, limit=limit, offset=offset, at=choice.at)
    return json_answer(SignalsPage(ledger=ledger, webhook_answers=webhook.counts.totals))


@get("/alerts", responses=_documented(list[AlertRow]), tags=["Read"])
async def read_alerts(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    subject: Annotated[
        str, QueryParameter(max_length=200, description="Only of this trade, signal or symbol")
    ] = "",
    limit: Limit = 100,
) -> Response[bytes]:
    """What the operator was told, newest first: kind, severity, subject, text."""
    found = await deps.views.alerts(choice.account, subject=subject, limit=limit, at=choice.at)
    return json_answer(found)


@get("/log", responses=_documented(LogView), tags=["Read"])
async def read_log(
    deps: NamedDependency[WebDeps],
    choice: NamedDependency[Choice],
    log_filter: NamedDependency[LogFilter],
) -> Response[bytes]:
    """Events in words, newest first; page backwards with `before`, follow with `after`."""
    return json_answer(await deps.views.log(choice.account, log_filter, choice.at))


@get("/performance", responses=_documented(PerformanceView), tags=["Read"])
async def read_performance(
    deps: NamedDependency[WebDeps], choice: NamedDependency[Choice]
) -> Response[bytes]:
    """Days, totals and breakdowns of closed trades."""
    return json_answer(_found(await deps.views.performance(choice.account, choice.at)))


def choose_log_rows(  # noqa: PLR0913 - each is one query parameter
    *,
    kind: FromQuery[list[Kind] | None] = None,
    severity: FromQuery[list[Severity] | None] = None,
    symbol: FromQuery[str] = "",
    text: FromQuery[str] = "",
    group_id: FromQuery[str] = "",
    correlation_id: FromQuery[str] = "",
    start: FromQuery[datetime | None] = None,
    end: FromQuery[datetime | None] = None,
    before: FromQuery[int | None] = None,
    after: FromQuery[int | None] = None,
    limit: Limit = 100,
) -> LogFilter:
    """Which log rows a request is about."""
    return LogFilter(
        kinds=tuple(kind or ()),
        severities=tuple(severity or ()),
        symbol=symbol,
        text=text,
        group_id=group_id,
        correlation_id=correlation_id,
        start=start,
        end=end,
        before=before,
        after=after,
        limit=limit,
    )


def _moment(field: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(field, text[:80], "write a moment like 2026-01-05T12:00:00Z") from error
    # All times of the house are UTC, also those of a sender that does not say so.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _found(view: V | None) -> V:
    if view is None:
        raise Refused(
            HTTPStatus.NOT_FOUND, "this account has no record yet: its first event is still to come"
        )
    return view


def read_router() -> Router:
    """The routes under /api/v1 that change nothing."""
    handlers = [
        read_accounts,
        read_overview,
        read_groups,
        read_queue,
        read_risk,
        read_offsets,
        read_equity,
        read_signals,
        read_alerts,
        read_log,
        read_performance,
    ]
    return Router("/api/v1", route_handlers=handlers, security=[{"token": []}])
