"""The signal ledger: exactly one current outcome for each signal, and they sum to the received."""

from collections import Counter
from decimal import Decimal
from typing import Any, get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.inputs import OperatorActed, SignalReceived
from domain.day_terms import Outcome
from domain.settings import PoolSettings, QueueSettings, SignalSettings
from domain.trading_day import InputFailed, SignalJudged
from tests.application.desk import PROMPT, Desk, of
from tests.application.invariants import check_record

D = Decimal
OPPOSITES = st.sampled_from(["queue", "reverse", "reject"])
SYMBOLS = st.sampled_from(
    [*(["BTCUSDT.P", "BINANCE:ETHUSDT"] * 4), "SOLUSDT.P", "DOGE", "{{ticker}}"]
)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Good signals are needed for most of what may become of one."""
    return st.sampled_from([usual] * 6 * len(others) + list(others))


SIGNALS = st.fixed_dictionaries(
    {
        "side": mostly("buy", "sell", "long", "short", None),
        "kind": mostly("signal", "reverse", "reduce", "exit", "x"),
        "symbol": SYMBOLS,
        "timeframe": mostly("15", "1h", None),
        "price": mostly("100", "97", "103", None, "150", "NaN"),
        "same": mostly(False, True),
        "timestamp": mostly(None, "2026-01-05T08:00:00Z", "2026-01-01T00:00:00Z"),
        "idempotency_key": mostly(None, "a", "b"),
        "risk": mostly(None, {"stop_loss": "95"}, {"stop_loss": "105"}),
    }
)
OPERATORS = st.tuples(
    st.sampled_from(
        ["promote_signal", "force_add_signal", "remove_signal", "pause", "resume", "close_group"]
    ),
    st.integers(1, 12),
)
STEPS = st.lists(
    st.one_of(SIGNALS, SIGNALS, OPERATORS, st.sampled_from(["settle", "tick", "day"])),
    min_size=12,
    max_size=24,
)


def carry_out(desk: Desk, step: Any) -> None:
    match step:
        case "settle":
            desk.settle()
        case "tick":
            desk.wait_quietly(minutes=3)
        case "day":
            desk.wait_quietly(hours=18)
        case (action, number):
            groups = desk.book.open_groups()
            is_group = action == "close_group" and groups
            subject = groups[0].opened.group_id if is_group else f"s{number}"
            desk.handle(OperatorActed(action=action, subject=subject, actor="ann", reason="so"))
        case _:
            desk.handle(desk.received(**step, **amount_of(step)))


def amount_of(step: dict[str, Any]) -> dict[str, Any]:
    """Only a reduce needs one."""
    intent = {"type": "reduce", "side": step["side"], "amount": "0.7"}
    return {"execution_intent": intent} if step["kind"] == "reduce" else {}


def check_ledger(desk: Desk) -> None:
    """Recomputed from the log; what the queue holds is what the ledger calls queued."""
    received = [event.signal_id for event in of(desk.recorded, SignalReceived)]
    judged = of(desk.recorded, SignalJudged)
    current = {event.signal_id: event.outcome for event in judged}

    assert sorted(current) == sorted(received)
    totals = Counter(current.values())
    assert set(totals) <= set(get_args(Outcome))
    assert sum(totals.values()) == len(received)
    waiting = sorted(entry.signal_id for entry in desk.book.queue.waiting)
    assert waiting == sorted(each for each, outcome in current.items() if outcome == "queued")
    _check_steps(judged)


def _check_steps(judged: list[SignalJudged]) -> None:
    """Only what was queued may be judged again, and then as something else."""
    known: dict[str, str] = {}
    for event in judged:
        assert known.get(event.signal_id) in (None, "queued"), event
        assert event.outcome != known.get(event.signal_id), event
        known[event.signal_id] = event.outcome


@given(steps=STEPS, opposite=OPPOSITES, hedged=st.booleans(), replace=st.booleans())
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_signal_has_exactly_one_current_outcome(
    steps: list[Any], opposite: Any, hedged: bool, replace: bool
) -> None:
    capital = msgspec.structs.replace(PROMPT.capital, hedge_mode=hedged, group_budget=D(500))
    desk = Desk(
        msgspec.structs.replace(
            PROMPT,
            pool=PoolSettings(max_open_groups=1),
            queue=QueueSettings(limit=3, replace=replace, max_age_minutes=60),
            signals=SignalSettings(opposite=opposite, allow_stop_loss=True),
            capital=capital,
        )
    )

    for step in steps:
        carry_out(desk, step)
        check_ledger(desk)

    assert of(desk.recorded, InputFailed) == []
    check_record(desk)
