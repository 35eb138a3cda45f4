"""One UTC day: inputs in order, each signal's outcome, resends told from news."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.inputs import ClockTicked, OperatorActed
from domain import trading_day
from domain.message import Command
from domain.trading_day import (
    CloseTradingDay,
    EngineStarted,
    InputFailed,
    JudgeSignal,
    LatestSignal,
    OpenTradingDay,
    ReadSignal,
    RecordUnmatchedReport,
    ReportUnmatched,
    SetInputAside,
    SignalJudged,
    SignalRead,
    StartEngine,
    TradingDay,
    TradingDayBegun,
    TradingDayClosed,
    TradingDayOpened,
)
from tests.domain.given import fold, given

D = Decimal
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)


def opened(state: TradingDay | None = None, date: str = "2026-01-05") -> TradingDayOpened:
    return TradingDayOpened(
        date=date,
        head="0" * 64,
        state_hash="ab",
        streams={"account:paper:self": 2},
        state=state or TradingDay(),
    )


BEGUN = TradingDayBegun(date="2026-01-05", begun_at=MIDNIGHT)
OPEN = (opened(), BEGUN)


def signal(number: int = 1, *, at: datetime = NOON, **changes: Any) -> SignalRead:
    made = SignalRead(
        signal_id=f"s{number}",
        kind="entry",
        symbol="BTC/USDT:USDT",
        timeframe="15m",
        side="long",
        price=D(100),
        sent_at=None,
        body_hash="body",
        idempotency_key="",
        read_at=at,
    )
    return msgspec.structs.replace(made, **changes)


def take_in(wanted: SignalRead, window: int = 20) -> ReadSignal:
    return ReadSignal(read=wanted, window=window, now=wanted.read_at)


def duplicate(wanted: SignalRead) -> SignalRead:
    return msgspec.structs.replace(wanted, duplicate=True)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def judged(number: int, outcome: Any, reason: str = "") -> SignalJudged:
    return SignalJudged(signal_id=f"s{number}", outcome=outcome, reason=reason)


def test_a_day_opens_with_yesterdays_state_and_then_begins_its_own() -> None:
    state = (
        given(trading_day).when(OpenTradingDay(opened=opened(), now=MIDNIGHT)).then(opened(), BEGUN)
    )

    assert (state.date, state.inputs) == ("2026-01-05", 0)


def test_the_opening_goes_to_the_day_it_opens() -> None:
    assert OpenTradingDay(opened=opened(), now=MIDNIGHT).key == "2026-01-05"
    assert StartEngine(version="1", settings_hash="h", now=NOON).key == ""


def test_every_start_of_an_engine_is_a_fact_of_its_own() -> None:
    started = EngineStarted(version="1", settings_hash="h", started_at=NOON)

    given(trading_day, *OPEN).when(
        StartEngine(version="1", settings_hash="h", now=NOON)
    ).then_each_time(started)


@pytest.mark.parametrize(
    "command",
    [
        StartEngine(version="1", settings_hash="h", now=NOON),
        JudgeSignal(judged=judged(1, "queued")),
        SetInputAside(error="no", fingerprint="f"),
    ],
)
def test_a_day_never_opened_is_a_programmers_error(command: Command) -> None:
    with pytest.raises(AssertionError, match="was never opened"):
        given(trading_day).when(command)


def test_the_first_event_of_a_day_is_its_opening() -> None:
    with pytest.raises(AssertionError, match="first event is TradingDayOpened"):
        fold(trading_day, [BEGUN])


def test_inputs_are_counted() -> None:
    tick = ClockTicked(due_at=NOON)
    pause = OperatorActed(action="pause", subject="", actor="ann", reason="lunch")

    state = fold(trading_day, [*OPEN, tick, pause])

    assert (state.inputs, state.last_input) == (2, OperatorActed.NAME)


def test_a_day_closes_once_with_its_count() -> None:
    closed = TradingDayClosed(date="2026-01-05", inputs=1, head="h", state_hash="s")

    state = (
        given(trading_day, *OPEN, ClockTicked(due_at=NOON))
        .when(CloseTradingDay(head="h", state_hash="s"))
        .then(closed)
    )
    assert state.closed


def test_a_signal_has_one_current_outcome() -> None:
    state = (
        given(trading_day, *OPEN, judged(1, "queued"))
        .when(JudgeSignal(judged=judged(1, "admitted")))
        .then(judged(1, "admitted"))
    )

    assert state.outcomes == {"s1": "admitted"}


def test_the_same_outcome_again_is_no_news() -> None:
    given(trading_day, *OPEN, judged(1, "queued", "full")).when(
        JudgeSignal(judged=judged(1, "queued", "still full"))
    ).then_nothing()


def test_each_unmatched_report_is_a_fact_of_its_own() -> None:
    given(trading_day, *OPEN).when(
        RecordUnmatchedReport(client_order_id="x", detail="Traded")
    ).then_each_time(ReportUnmatched(client_order_id="x", detail="Traded"))


def test_each_failed_input_is_a_fact_of_its_own() -> None:
    given(trading_day, *OPEN).when(SetInputAside(error="no", fingerprint="f")).then_each_time(
        InputFailed(error="no", fingerprint="f")
    )


def test_a_signal_is_taken_in_once() -> None:
    state = given(trading_day, *OPEN).when(take_in(signal())).then(signal())

    assert state.latest_signals == {
        "BTC/USDT:USDT|15m|long": LatestSignal(body_hash="body", at=NOON)
    }


def test_a_signal_already_judged_is_not_read_again() -> None:
    past = (*OPEN, signal(), judged(1, "admitted"), signal(2, body_hash="x"))

    given(trading_day, *past).when(take_in(signal())).then_nothing()


@pytest.mark.parametrize("seconds", [0, 19.999999, 20])
def test_the_same_body_within_the_window_is_a_resend(seconds: float) -> None:
    again = signal(2, at=later(seconds))

    given(trading_day, *OPEN, signal()).when(take_in(again)).then(duplicate(again))


def test_the_same_body_after_the_window_is_news() -> None:
    again = signal(2, at=later(20.000001))

    given(trading_day, *OPEN, signal()).when(take_in(again)).then(again)


def test_a_resend_does_not_prolong_the_window() -> None:
    past = (*OPEN, signal(), duplicate(signal(2, at=later(15))))
    third = signal(3, at=later(25))

    given(trading_day, *past).when(take_in(third)).then(third)


@pytest.mark.parametrize(
    "other",
    [
        {"body_hash": "another body"},
        {"symbol": "ETH/USDT:USDT"},
        {"timeframe": "1h"},
        {"side": "short"},
    ],
)
def test_another_body_or_key_is_news(other: dict[str, str]) -> None:
    second = signal(2, at=later(1), **other)

    given(trading_day, *OPEN, signal()).when(take_in(second)).then(second)


def test_the_body_of_an_older_signal_of_the_key_is_news() -> None:
    past = (*OPEN, signal(), signal(2, at=later(1), body_hash="another body"))
    third = signal(3, at=later(2))

    given(trading_day, *past).when(take_in(third)).then(third)


def test_a_window_of_nothing_still_tells_the_same_instant() -> None:
    again = signal(2, at=later(1))

    given(trading_day, *OPEN, signal()).when(take_in(again, window=0)).then(again)


@pytest.mark.parametrize("kind", ["entry", "reduce", "reverse"])
def test_a_repeated_idempotency_key_is_a_resend_whatever_the_body(kind: Any) -> None:
    first = signal(1, idempotency_key="k")
    again = signal(2, at=later(9_999), kind=kind, body_hash="other", idempotency_key="k")

    given(trading_day, *OPEN, first).when(take_in(again)).then(duplicate(again))


def test_exits_are_never_resends() -> None:
    first = signal(1, kind="exit", idempotency_key="k")
    again = signal(2, kind="exit", idempotency_key="k")

    given(trading_day, *OPEN, first).when(take_in(again)).then(again)


def test_only_so_many_idempotency_keys_are_remembered_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trading_day, "IDEMPOTENCY_KEYS_MAX", 2)
    signals = [
        signal(n, at=later(n * 100), idempotency_key=f"k{n}", body_hash=str(n)) for n in (1, 2, 3)
    ]

    state = fold(trading_day, [*OPEN, *signals])

    assert sorted(state.idempotency_keys) == ["k2", "k3"]


def turned(state: TradingDay, at: datetime) -> TradingDay:
    date = at.date().isoformat()
    begun = TradingDayBegun(date=date, begun_at=at)
    after: TradingDay = fold(trading_day, [opened(state, date), begun])
    return after


def test_only_queued_signals_keep_their_outcome_over_midnight() -> None:
    state = TradingDay(
        date="2026-01-05", inputs=9, outcomes={"s1": "queued", "s2": "admitted", "s3": "expired"}
    )

    after = turned(state, MIDNIGHT + timedelta(days=1))

    assert (after.date, after.inputs, after.outcomes) == ("2026-01-06", 0, {"s1": "queued"})


def test_the_duplicate_window_reaches_over_midnight() -> None:
    tomorrow = MIDNIGHT + timedelta(days=1)
    late = signal(1, at=tomorrow - timedelta(seconds=5))
    again = signal(2, at=tomorrow + timedelta(seconds=5))
    carried = turned(fold(trading_day, [*OPEN, late]), tomorrow)

    given(trading_day, opened(carried)).when(take_in(again)).then(duplicate(again))


def test_a_body_of_the_day_before_yesterday_is_forgotten() -> None:
    tomorrow = MIDNIGHT + timedelta(days=1)
    kept = LatestSignal(body_hash="b", at=MIDNIGHT)
    dropped = LatestSignal(body_hash="b", at=MIDNIGHT - timedelta(microseconds=1))

    after = turned(TradingDay(latest_signals={"kept": kept, "dropped": dropped}), tomorrow)

    assert after.latest_signals == {"kept": kept}


def test_an_idempotency_key_is_remembered_for_seven_days() -> None:
    tomorrow = MIDNIGHT + timedelta(days=1)
    edge = tomorrow - timedelta(days=7)
    keys = {"kept": edge, "dropped": edge - timedelta(microseconds=1)}

    assert turned(TradingDay(idempotency_keys=keys), tomorrow).idempotency_keys == {"kept": edge}
