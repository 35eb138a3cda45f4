"""One UTC day of one account: its inputs in the order of handling, and what became of signals."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.day_terms import (
    IDEMPOTENCY_KEYS_MAX,
    IDEMPOTENCY_SPAN,
    AlertKind,
    AlertSeverity,
    Outcome,
)
from domain.identity import trade_key
from domain.message import Command, Event, Input
from domain.signal import SignalKind

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class TradingDayOpened(Event, frozen=True, kw_only=True):
    """The books open with the whole state: `streams` names all that is open, with versions.

    `head` is the chain head before yesterday's closing (on the first day: before this event),
    `state_hash` that of all states together.
    """

    NAME: ClassVar[str] = "trading_day.opened.v1"
    date: str
    head: str
    state_hash: str
    streams: dict[str, int]
    state: "TradingDay"


class TradingDayBegun(Event, frozen=True, kw_only=True):
    """What belongs to one day only starts afresh; marks are forgotten."""

    NAME: ClassVar[str] = "trading_day.begun.v1"
    date: str
    begun_at: datetime


class EngineStarted(Event, frozen=True, kw_only=True):
    """An engine took the account over; marks are forgotten, requests in flight are unknown."""

    NAME: ClassVar[str] = "trading_day.engine_started.v1"
    version: str
    settings_hash: str
    started_at: datetime


class SignalRead(Event, frozen=True, kw_only=True):
    """What a signal's body was understood to want; `symbol` is the unified one.

    Empty `timeframe` or `side` of an exit means all of them; no `price` means the mark. `share`
    (0 to 1) is what a reduce without an `amount` closes. Sizes are TradingView's own.
    """

    NAME: ClassVar[str] = "trading_day.signal_read.v1"
    signal_id: str
    kind: SignalKind
    symbol: str
    timeframe: str
    side: str
    price: Decimal | None
    sent_at: datetime | None
    body_hash: str
    idempotency_key: str
    read_at: datetime
    duplicate: bool = False
    amount: Decimal | None = None
    amount_unit: str = ""
    share: Decimal | None = None
    prev_market_position: str = ""
    prev_market_position_size: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    max_slippage_percent: Decimal | None = None
    received_at: datetime | None = None


class SignalJudged(Event, frozen=True, kw_only=True):
    """A signal's outcome, its current one if there were others before."""

    NAME: ClassVar[str] = "trading_day.signal_judged.v1"
    signal_id: str
    outcome: Outcome
    reason: str = ""
    group_id: str = ""


class ReportUnmatched(Event, frozen=True, kw_only=True):
    """A venue spoke of an order the open books do not hold."""

    NAME: ClassVar[str] = "trading_day.report_unmatched.v1"
    client_order_id: str
    detail: str


class AlertRaised(Event, frozen=True, kw_only=True):
    """The operator should know: `kind` says of what sort, `subject` which trade or symbol."""

    NAME: ClassVar[str] = "trading_day.alert_raised.v1"
    kind: AlertKind
    severity: AlertSeverity
    subject: str
    text: str


class InputFailed(Event, frozen=True, kw_only=True):
    """Handling this input raised: nothing of it was decided, it is set aside."""

    NAME: ClassVar[str] = "trading_day.input_failed.v1"
    error: str
    fingerprint: str


class TradingDayClosed(Event, frozen=True, kw_only=True):
    """The books close. `state_hash` is of all states, `head` the chain head before this event."""

    NAME: ClassVar[str] = "trading_day.closed.v1"
    date: str
    inputs: int
    head: str
    state_hash: str


TradingDayEvent = (
    TradingDayOpened
    | TradingDayBegun
    | EngineStarted
    | Input
    | SignalRead
    | SignalJudged
    | ReportUnmatched
    | AlertRaised
    | InputFailed
    | TradingDayClosed
)


# Commands


class TradingDayCommand(Command, frozen=True, kw_only=True):
    """A command to the open day."""

    AGGREGATE: ClassVar[str] = "trading_day"


class OpenTradingDay(TradingDayCommand, frozen=True, kw_only=True):
    """Open the books of a day."""

    opened: TradingDayOpened
    now: datetime

    @property
    def key(self) -> str:
        """The day to open; every other command goes to the open one."""
        return self.opened.date


class StartEngine(TradingDayCommand, frozen=True, kw_only=True):
    """Take over."""

    version: str
    settings_hash: str
    now: datetime


class ReadSignal(TradingDayCommand, frozen=True, kw_only=True):
    """Take in what a signal wants; whether it is a resend is judged against the day.

    `window` in seconds. Exits are never resends: they are always processed.
    """

    read: SignalRead
    window: int
    now: datetime


class JudgeSignal(TradingDayCommand, frozen=True, kw_only=True):
    """Give a signal its outcome."""

    judged: SignalJudged


class RecordUnmatchedReport(TradingDayCommand, frozen=True, kw_only=True):
    """Keep what a venue said of an order we do not hold."""

    client_order_id: str
    detail: str


class RaiseAlert(TradingDayCommand, frozen=True, kw_only=True):
    """Tell the operator, once a day for the same kind and subject unless the words change."""

    alert: AlertRaised


class SetInputAside(TradingDayCommand, frozen=True, kw_only=True):
    """Record that the newest input could not be handled."""

    error: str
    fingerprint: str


class CloseTradingDay(TradingDayCommand, frozen=True, kw_only=True):
    """Close the books."""

    head: str
    state_hash: str


TradingDayCommands = (
    OpenTradingDay
    | StartEngine
    | ReadSignal
    | JudgeSignal
    | RecordUnmatchedReport
    | RaiseAlert
    | SetInputAside
    | CloseTradingDay
)


# State


class LatestSignal(msgspec.Struct, frozen=True, kw_only=True):
    """The newest signal of a key, to recognise a resend by."""

    body_hash: str
    at: datetime


class TradingDay(msgspec.Struct, frozen=True, kw_only=True):
    """The day as far as it went. `outcomes` holds today's signals and those still queued."""

    date: str = ""
    inputs: int = 0
    last_input: str = ""
    closed: bool = False
    reading: str = ""
    outcomes: dict[str, Outcome] = {}
    latest_signals: dict[str, LatestSignal] = {}
    idempotency_keys: dict[str, datetime] = {}
    alerts: dict[str, str] = {}
    marks_forgotten_at: datetime | None = None


def evolve(state: TradingDay | None, event: TradingDayEvent) -> TradingDay:
    """Fold one event into the state."""
    if isinstance(event, TradingDayOpened):
        return event.state
    assert state is not None, "a day's first event is TradingDayOpened"
    match event:
        case TradingDayBegun():
            return _begun(state, event)
        case Input():
            return msgspec.structs.replace(state, inputs=state.inputs + 1, last_input=event.NAME)
        case SignalRead():
            return _read(state, event)
        case SignalJudged():
            outcomes = {**state.outcomes, event.signal_id: event.outcome}
            return msgspec.structs.replace(state, outcomes=outcomes)
        case AlertRaised():
            told = {**state.alerts, f"{event.kind}|{event.subject}": event.text}
            return msgspec.structs.replace(state, alerts=told)
        case EngineStarted(started_at=started_at):
            return msgspec.structs.replace(state, marks_forgotten_at=started_at)
        case ReportUnmatched() | InputFailed():
            return state
        case TradingDayClosed():
            return msgspec.structs.replace(state, closed=True)
        case _:
            assert_never(event)


def decide(state: TradingDay | None, command: TradingDayCommands) -> tuple[TradingDayEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenTradingDay):
        return () if state is not None else _open(command)
    assert state is not None, "the day was never opened"
    match command:
        case StartEngine():
            # Every start counts: two engines that start are two facts.
            started = EngineStarted(
                version=command.version,
                settings_hash=command.settings_hash,
                started_at=command.now,
            )
            return (started,)
        case ReadSignal():
            return _take_in(state, command)
        case JudgeSignal():
            known = state.outcomes.get(command.judged.signal_id)
            return () if known == command.judged.outcome else (command.judged,)
        case RecordUnmatchedReport():
            # So does every report nobody waits for,
            unmatched = ReportUnmatched(
                client_order_id=command.client_order_id, detail=command.detail
            )
            return (unmatched,)
        case RaiseAlert(alert=alert):
            is_told = state.alerts.get(f"{alert.kind}|{alert.subject}") == alert.text
            return () if is_told else (alert,)
        case SetInputAside():
            # and every input that could not be handled.
            return (InputFailed(error=command.error, fingerprint=command.fingerprint),)
        case CloseTradingDay():
            return () if state.closed else (_close(state, command),)
        case _:
            assert_never(command)


def _open(command: OpenTradingDay) -> tuple[TradingDayEvent, ...]:
    begun = TradingDayBegun(date=command.opened.date, begun_at=command.now)
    return (command.opened, begun)


def _close(state: TradingDay, command: CloseTradingDay) -> TradingDayClosed:
    return TradingDayClosed(
        date=state.date, inputs=state.inputs, head=command.head, state_hash=command.state_hash
    )


def _begun(state: TradingDay, event: TradingDayBegun) -> TradingDay:
    """Final outcomes of yesterday are history; what still may repeat or change is carried."""
    yesterday = event.begun_at - timedelta(days=1)
    oldest_key = event.begun_at - IDEMPOTENCY_SPAN
    return TradingDay(
        date=event.date,
        marks_forgotten_at=event.begun_at,
        outcomes={
            signal_id: outcome
            for signal_id, outcome in sorted(state.outcomes.items())
            if outcome == "queued"
        },
        latest_signals={
            key: latest
            for key, latest in sorted(state.latest_signals.items())
            if latest.at >= yesterday
        },
        idempotency_keys={
            key: seen for key, seen in sorted(state.idempotency_keys.items()) if seen >= oldest_key
        },
    )


def _take_in(state: TradingDay, command: ReadSignal) -> tuple[TradingDayEvent, ...]:
    """The first read of a signal settles it: a second one of the same id says nothing new."""
    read = command.read
    if read.signal_id in state.outcomes or state.reading == read.signal_id:
        return ()
    duplicate = read.kind in ("entry", "reduce", "reverse") and _is_resend(state, command)
    return (msgspec.structs.replace(read, duplicate=duplicate),)


def _is_resend(state: TradingDay, command: ReadSignal) -> bool:
    """A repeated idempotency key, or the latest body of its key again within the window."""
    if command.read.idempotency_key in state.idempotency_keys:
        return True
    latest = state.latest_signals.get(_key(command.read))
    if latest is None or latest.body_hash != command.read.body_hash:
        return False
    return command.now - latest.at <= timedelta(seconds=command.window)


def _key(read: SignalRead) -> str:
    """What resends are compared within."""
    return trade_key(read.symbol, read.timeframe, read.side)


def _read(state: TradingDay, event: SignalRead) -> TradingDay:
    """A duplicate does not prolong the window it was judged by."""
    if event.duplicate:
        return msgspec.structs.replace(state, reading=event.signal_id)
    latest = LatestSignal(body_hash=event.body_hash, at=event.read_at)
    return msgspec.structs.replace(
        state,
        reading=event.signal_id,
        latest_signals={**state.latest_signals, _key(event): latest},
        idempotency_keys=_with_idempotency_key(state, event),
    )


def _with_idempotency_key(state: TradingDay, event: SignalRead) -> dict[str, datetime]:
    """Bounded: the oldest key is forgotten first."""
    if not event.idempotency_key:
        return state.idempotency_keys
    keys = {**state.idempotency_keys, event.idempotency_key: event.read_at}
    if len(keys) <= IDEMPOTENCY_KEYS_MAX:
        return keys
    oldest = min(sorted(keys), key=lambda key: keys[key])
    return {key: seen for key, seen in sorted(keys.items()) if key != oldest}
