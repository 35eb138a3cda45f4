"""Trading days, the account and its engine in words."""

from domain.account import AccountOpened, InstrumentsChanged, SettingsChanged, SettingsRefused
from domain.day_terms import Outcome
from domain.trading_day import (
    AlertRaised,
    EngineStarted,
    InputFailed,
    ReportUnmatched,
    SignalJudged,
    SignalRead,
    TradingDayBegun,
    TradingDayClosed,
    TradingDayOpened,
)
from projections.description import Description, amount, because, describe
from projections.views import Severity

_OUTCOME_SEVERITY: dict[Outcome, Severity] = {"refused": "warning", "rejected": "warning"}


@describe.register
def _(event: AccountOpened) -> Description:
    paper = "paper " if event.paper else ""
    return Description(
        kind="account",
        text=(
            f"Account opened on {paper}{event.venue} {event.market_kind} with"
            f" {amount(event.starting_balance)} {event.currency} by {event.actor}"
        ),
    )


@describe.register
def _(event: SettingsChanged) -> Description:
    return Description(
        kind="account",
        text=f"Settings {event.version} rule, by {event.actor}{because(event.reason)}",
    )


@describe.register
def _(event: SettingsRefused) -> Description:
    return Description(
        kind="account",
        severity="warning",
        text=f"Settings of {event.actor} refused, {event.version} rule on: {event.refusal}",
    )


@describe.register
def _(event: InstrumentsChanged) -> Description:
    symbols = ", ".join(instrument.symbol for instrument in event.instruments[:5])
    more = f" and {len(event.instruments) - 5} more" if len(event.instruments) > 5 else ""  # noqa: PLR2004 - as above
    return Description(
        kind="account", severity="debug", text=f"Market rules changed: {symbols}{more}"
    )


@describe.register
def _(event: AlertRaised) -> Description:
    return Description(
        kind="alert",
        severity=event.severity,
        text=f"Alert, {event.kind.replace('_', ' ')} of {event.subject}: {event.text}",
    )


@describe.register
def _(event: TradingDayOpened) -> Description:
    return Description(
        kind="engine",
        severity="debug",
        text=f"Books of {event.date} opened, {len(event.streams)} streams carried over",
    )


@describe.register
def _(event: TradingDayBegun) -> Description:
    return Description(kind="engine", text=f"Trading day {event.date} began")


@describe.register
def _(event: TradingDayClosed) -> Description:
    return Description(
        kind="engine", text=f"Trading day {event.date} closed after {event.inputs} inputs"
    )


@describe.register
def _(event: EngineStarted) -> Description:
    return Description(kind="engine", text=f"Engine {event.version} started")


@describe.register
def _(event: SignalRead) -> Description:
    parts = (event.side, event.symbol, event.timeframe)
    what = " ".join(part for part in parts if part)
    duplicate = ", a resend" if event.duplicate else ""
    return Description(
        kind="signal",
        symbol=event.symbol,
        text=(
            f"Signal {event.signal_id} read: {event.kind} {what}"
            f" at {amount(event.price, 'the mark')}{duplicate}"
        ),
    )


@describe.register
def _(event: SignalJudged) -> Description:
    group = f" (group {event.group_id})" if event.group_id else ""
    outcome = event.outcome.replace("_", " ")
    return Description(
        kind="signal",
        severity=_OUTCOME_SEVERITY.get(event.outcome, "info"),
        text=f"Signal {event.signal_id} {outcome}{because(event.reason)}{group}",
    )


@describe.register
def _(event: ReportUnmatched) -> Description:
    return Description(
        kind="order",
        severity="warning",
        text=(
            f"The venue spoke of order {event.client_order_id}, which the open books do not hold"
            f"{because(event.detail)}"
        ),
    )


@describe.register
def _(event: InputFailed) -> Description:
    return Description(
        kind="engine",
        severity="critical",
        text=f"An input could not be handled and was set aside: {event.error}",
    )
