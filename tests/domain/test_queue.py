"""The queue: who waits, who replaces whom, and who comes first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import queue
from domain.message import Command
from domain.queue import (
    DenyReversal,
    EnqueueSignal,
    ExpireQueuedSignal,
    OpenQueue,
    PromoteQueuedSignal,
    Queue,
    QueuedReversalDenied,
    QueuedSignal,
    QueuedSignalExpired,
    QueuedSignalPromoted,
    QueuedSignalRemoved,
    QueuedSignalReplaced,
    QueueOpened,
    QueueRefused,
    RankContext,
    RemoveQueuedSignal,
    SignalQueued,
    loss_percent,
    ranked,
)
from domain.settings import QueueRule
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
OPENED = QueueOpened(state=Queue())
RULES: tuple[QueueRule, ...] = (
    "continuation",
    "deepest_loss",
    "replacements",
    "expected_profit",
    "oldest",
)


def waiting(number: int, symbol: str = BTC, **changes: Any) -> QueuedSignal:
    at = NOON + timedelta(minutes=number)
    entry = QueuedSignal(
        signal_id=f"s{number}",
        symbol=symbol,
        timeframe="15m",
        side="long",
        price=D(100),
        waiting_since=at,
        queued_at=at,
        number=number,
        reason="max_open_groups",
        expected_profit=D("1.2"),
    )
    return msgspec.structs.replace(entry, **changes)


def queued(*entries: QueuedSignal) -> list[SignalQueued]:
    return [SignalQueued(entry=entry) for entry in entries]


def enqueue(entry: QueuedSignal, limit: int | None = None, *, replace: bool = True) -> Command:
    return EnqueueSignal(entry=entry, limit=limit, replace=replace)


def order_of(
    *entries: QueuedSignal,
    rules: tuple[QueueRule, ...],
    marks: dict[str, Decimal] | None = None,
    continued: tuple[str, ...] = (),
) -> list[str]:
    context = RankContext(marks=marks or {}, continued_keys=continued)
    return [each.entry.signal_id for each in ranked(Queue(waiting=entries), rules, context)]


def test_a_days_queue_begins_with_whatever_waited() -> None:
    yesterday = Queue(waiting=(waiting(1),))

    state = given(queue).when(OpenQueue(state=yesterday)).then(QueueOpened(state=yesterday))

    assert state == yesterday


def test_a_queue_never_opened_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="was never opened"):
        given(queue).when(ExpireQueuedSignal(signal_id="s1"))
    with pytest.raises(AssertionError, match="first event is QueueOpened"):
        fold(queue, queued(waiting(1)))


def test_signals_wait_in_the_order_of_their_arrival() -> None:
    state = (
        given(queue, OPENED, *queued(waiting(1)))
        .when(enqueue(waiting(2, ETH)))
        .then(SignalQueued(entry=waiting(2, ETH)))
    )

    assert state.waiting == (waiting(1), waiting(2, ETH))


def test_a_full_queue_refuses() -> None:
    given(queue, OPENED, *queued(waiting(1))).when(enqueue(waiting(2, ETH), 1))
    refused = given(queue, OPENED, *queued(waiting(1))).when(enqueue(waiting(2, ETH), 1))

    assert refused.happened == (QueueRefused(signal_id="s2", reason="queue_full"),)
    assert refused.state == Queue(waiting=(waiting(1),))


def test_a_queue_one_short_of_its_limit_still_takes_one() -> None:
    given(queue, OPENED, *queued(waiting(1))).when(enqueue(waiting(2, ETH), 2)).then(
        SignalQueued(entry=waiting(2, ETH))
    )


def test_a_newer_signal_replaces_the_older_and_keeps_its_waiting_time_and_count() -> None:
    older = waiting(1, replacements=2)
    newer = waiting(5, price=D(90))
    expected = msgspec.structs.replace(newer, waiting_since=older.waiting_since, replacements=3)

    state = (
        given(queue, OPENED, *queued(older, waiting(2, ETH)))
        .when(enqueue(newer))
        .then(QueuedSignalReplaced(replaced_signal_id="s1", entry=expected))
    )
    assert state.waiting == (expected, waiting(2, ETH))
    assert expected.queued_at == newer.queued_at


def test_replacing_needs_no_room() -> None:
    newer = waiting(5)
    when = given(queue, OPENED, *queued(waiting(1))).when(enqueue(newer, 1))

    assert isinstance(when.happened[0], QueuedSignalReplaced)


def test_the_other_side_or_timeframe_of_a_symbol_waits_beside_it() -> None:
    short = waiting(2, side="short")
    hourly = waiting(3, timeframe="1h")

    state = given(queue, OPENED, *queued(waiting(1), short)).when(enqueue(hourly)).state

    assert state.waiting == (waiting(1), short, hourly)


def test_without_replacement_the_newer_signal_is_refused() -> None:
    when = given(queue, OPENED, *queued(waiting(1))).when(enqueue(waiting(2), replace=False))

    assert when.happened == (QueueRefused(signal_id="s2", reason="already_queued"),)


def test_a_signal_that_waits_is_not_queued_twice() -> None:
    given(queue, OPENED, *queued(waiting(1))).when(enqueue(waiting(1))).then_nothing()


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (
            RemoveQueuedSignal(signal_id="s1", reason="exit s9"),
            QueuedSignalRemoved(signal_id="s1", reason="exit s9"),
        ),
        (ExpireQueuedSignal(signal_id="s1"), QueuedSignalExpired(signal_id="s1")),
        (
            PromoteQueuedSignal(signal_id="s1", group_id="g1", rank=("oldest=1",)),
            QueuedSignalPromoted(signal_id="s1", group_id="g1", rank=("oldest=1",)),
        ),
    ],
)
def test_a_signal_leaves_the_queue_once(command: Command, event: Any) -> None:
    state = given(queue, OPENED, *queued(waiting(1), waiting(2, ETH))).when(command).then(event)

    assert state.waiting == (waiting(2, ETH),)
    given(queue, OPENED).when(command).then_nothing()


def test_what_can_never_be_carried_out_is_told_apart_from_what_was_taken_out() -> None:
    given(queue, OPENED, *queued(waiting(1))).when(
        RemoveQueuedSignal(signal_id="s1", reason="symbol_allowed", rejected=True)
    ).then(QueuedSignalRemoved(signal_id="s1", reason="symbol_allowed", rejected=True))


def test_neither_limit_nor_replacement_setting_refuses_a_reversal() -> None:
    turning = waiting(2, ETH, reverses=("g1",))
    given(queue, OPENED, *queued(waiting(1))).when(enqueue(turning, 1, replace=False)).then(
        SignalQueued(entry=turning)
    )

    newer = msgspec.structs.replace(turning, signal_id="s3")
    when = given(queue, OPENED, *queued(waiting(1, ETH))).when(enqueue(newer, 1, replace=False))
    assert isinstance(when.happened[0], QueuedSignalReplaced)


def test_a_newer_signal_inherits_what_the_older_one_turns() -> None:
    older = waiting(1, reverses=("g1", "g2"))

    state = given(queue, OPENED, *queued(older)).when(enqueue(waiting(2))).state
    assert state.waiting[0].reverses == ("g1", "g2")
    again = waiting(3, reverses=("g3",))
    assert given(queue, OPENED, *queued(older)).when(enqueue(again)).state.waiting[0].reverses == (
        "g3",
    )


def test_a_reversal_that_was_denied_waits_like_any_other() -> None:
    turning = waiting(1, reverses=("g1",))
    deny = DenyReversal(signal_id="s1", reason="max_daily_loss")

    state = (
        given(queue, OPENED, *queued(turning, waiting(2, ETH)))
        .when(deny)
        .then(QueuedReversalDenied(signal_id="s1", reason="max_daily_loss"))
    )

    assert state.waiting == (waiting(1, reason="max_daily_loss"), waiting(2, ETH))
    given(queue, OPENED, *queued(waiting(1))).when(deny).then_nothing()
    given(queue, OPENED).when(deny).then_nothing()


ALIKE = {"waiting_since": NOON, "queued_at": NOON}
CONTEXT = RankContext(
    marks={BTC: D(90), ETH: D(100)}, continued_keys=(waiting(1, BTC).key, waiting(4, SOL).key)
)
# In each pair the first is better by this rule alone; by all others the second, or none, is.
BETTER_BY: dict[QueueRule, tuple[QueuedSignal, QueuedSignal]] = {
    "continuation": (waiting(4, SOL, **ALIKE), waiting(1, ETH, replacements=1)),
    "deepest_loss": (waiting(4, "NEW/USDT:USDT"), waiting(1, ETH)),
    "replacements": (waiting(4, ETH, replacements=2), waiting(1, ETH, replacements=1)),
    "expected_profit": (waiting(4, ETH, expected_profit=D(9)), waiting(1, ETH)),
    "oldest": (waiting(4, ETH, waiting_since=NOON), waiting(1, ETH, replacements=3)),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("others", [(), *[(other,) for other in RULES]])
def test_each_rule_decides_first_where_it_stands_first_and_not_at_all_where_it_is_off(
    rule: QueueRule, others: tuple[QueueRule, ...]
) -> None:
    better, worse = BETTER_BY[rule]
    context = CONTEXT
    if rule == "deepest_loss":
        context = RankContext(marks={"NEW/USDT:USDT": D(80), ETH: D(100)}, continued_keys=())
    rules = (rule, *(other for other in others if other != rule))
    both = Queue(waiting=(worse, better))

    first = ranked(both, rules, context)[0]
    assert first.entry == better
    assert len(first.rank) == len(rules)
    assert all(shown.startswith(f"{name}=") for shown, name in zip(first.rank, rules, strict=True))
    only_others = tuple(other for other in others if other != rule)
    if only_others and other_prefers(only_others[0], worse, better, context):
        assert ranked(both, (*only_others, rule), context)[0].entry == worse


def other_prefers(
    rule: QueueRule, one: QueuedSignal, two: QueuedSignal, context: RankContext
) -> bool:
    """Whether a rule alone puts `one` first whatever their numbers."""
    tie_breaker = msgspec.structs.replace(one, number=99)
    return ranked(Queue(waiting=(tie_breaker, two)), (rule,), context)[0].entry == tie_breaker


def test_the_continuation_of_an_open_group_comes_first() -> None:
    eth = waiting(2, ETH)

    assert order_of(waiting(1), eth, rules=("continuation",), continued=(eth.key,)) == ["s2", "s1"]


def test_the_deepest_loss_comes_first_and_a_profit_behind_any_loss() -> None:
    entries = (waiting(1), waiting(2, ETH), waiting(3, SOL))
    marks = {BTC: D(101), ETH: D(99), SOL: D(95)}

    assert order_of(*entries, rules=("deepest_loss",), marks=marks) == ["s3", "s2", "s1"]


def test_a_shorts_loss_is_mirrored() -> None:
    short = waiting(2, ETH, side="short")
    marks = {BTC: D(98), ETH: D(105)}

    assert loss_percent(short, D(105)) == D(-5)
    assert order_of(waiting(1), short, rules=("deepest_loss",), marks=marks) == ["s2", "s1"]


def test_an_unknown_loss_ranks_behind_every_known_one() -> None:
    entries = (waiting(1, SOL), waiting(2, ETH, price=None), waiting(3))
    marks = {BTC: D(150), ETH: D(1)}

    assert order_of(*entries, rules=("deepest_loss",), marks=marks) == ["s3", "s1", "s2"]


def test_more_replacements_come_first() -> None:
    assert order_of(waiting(1), waiting(2, ETH, replacements=1), rules=("replacements",)) == [
        "s2",
        "s1",
    ]


def test_more_expected_profit_comes_first() -> None:
    richer = waiting(2, ETH, expected_profit=D(3))

    assert order_of(waiting(1), richer, rules=("expected_profit",)) == ["s2", "s1"]


def test_the_oldest_comes_first_by_waiting_time_to_the_microsecond() -> None:
    older = waiting(2, ETH, waiting_since=waiting(1).waiting_since - timedelta(microseconds=1))

    assert order_of(waiting(1), older, rules=("oldest",)) == ["s2", "s1"]


def test_the_order_of_the_rules_decides() -> None:
    deep = waiting(2, ETH)
    often = waiting(3, SOL, replacements=9)
    marks = {ETH: D(50), SOL: D(100)}

    assert order_of(deep, often, rules=("deepest_loss", "replacements"), marks=marks) == [
        "s2",
        "s3",
    ]
    assert order_of(deep, often, rules=("replacements", "deepest_loss"), marks=marks) == [
        "s3",
        "s2",
    ]


def test_ties_end_in_the_input_number() -> None:
    same: dict[str, Any] = {"waiting_since": NOON, "queued_at": NOON}
    first, second = waiting(1, **same), waiting(2, ETH, **same)

    assert order_of(second, first, rules=RULES) == ["s1", "s2"]


def test_the_rank_shows_every_enabled_rule_in_order() -> None:
    context = RankContext(marks={BTC: D(95)}, continued_keys=())
    (only,) = ranked(Queue(waiting=(waiting(1),)), RULES, context)

    assert only.rank == (
        "continuation=false",
        "deepest_loss=-5",
        "replacements=0",
        "expected_profit=1.2",
        "oldest=2026-01-05T12:01:00+00:00",
    )


@for_all(
    order=st.permutations([1, 2, 3, 4]),
    losses=st.lists(st.integers(-3, 3), min_size=4, max_size=4),
    rules=st.lists(st.sampled_from(RULES), min_size=1, unique=True),
)
def test_the_order_of_arrival_in_memory_never_decides(
    order: list[int], losses: list[int], rules: list[QueueRule]
) -> None:
    entries = {
        number: waiting(number, f"C{number}/USDT:USDT", replacements=number % 2)
        for number in (1, 2, 3, 4)
    }
    marks = {f"C{n}/USDT:USDT": D(100 + loss) for n, loss in enumerate(losses, 1)}

    straight = order_of(*entries.values(), rules=tuple(rules), marks=marks)
    shuffled = order_of(*(entries[n] for n in order), rules=tuple(rules), marks=marks)

    assert straight == shuffled
