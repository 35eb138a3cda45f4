"""The signal ledger balances at every moment: received is the sum of the outcomes."""

from collections import Counter
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from application.inputs import OperatorActed
from domain.day_terms import Outcome
from domain.trading_day import InputFailed, SignalJudged
from projections.fold import Fold
from projections.models import TABLES, signals
from projections.rows import Row
from projections.views import LedgerCounts
from tests.projections.story import Story, signal

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Told = tuple[str, Outcome | None]

# What the engine may make of a signal, when it arrives or any time later. None: it failed.
judgements = st.lists(
    st.tuples(st.sampled_from(["s1", "s2", "s3", "s4"]), st.sampled_from([*OUTCOMES, None])),
    max_size=40,
)


@given(judgements)
def test_received_is_the_sum_of_the_outcomes_after_every_input(told: list[Told]) -> None:
    story, boundaries = a_day(told)
    fold = Fold(TABLES)
    received: set[str] = set()
    current: dict[str, str] = {}
    for position, recorded in enumerate(story.events, start=1):
        for change in signals.project(recorded, position):
            fold.apply(position, change)
        event = recorded.event
        if event.NAME == "trading_day.signal_received.v1":
            received.add(recorded.correlation_id)
        elif isinstance(event, SignalJudged):
            current[event.signal_id] = event.outcome
        elif isinstance(event, InputFailed):
            current.setdefault(recorded.correlation_id, "rejected")
        if position in boundaries:
            rows = rows_of(fold)
            assert len(rows) == len(received) == len(current)
            assert Counter(row["outcome"] for row in rows) == Counter(current.values())


def test_the_counts_have_a_place_for_every_outcome() -> None:
    assert set(LedgerCounts.__struct_fields__) == {"received", *OUTCOMES}


def a_day(told: list[Told]) -> tuple[Story, set[int]]:
    """A story, and the positions at which an input and all it caused are told."""
    story = Story()
    boundaries: set[int] = set()
    for signal_id, outcome in told:
        fresh = all(recorded.correlation_id != signal_id for recorded in story.events)
        if fresh:
            signal(story, signal_id)
        elif outcome is not None:
            again = OperatorActed(action="resume", subject="", actor="ann", reason="")
            story.input(again, signal_id)
        if outcome is None and fresh:
            story.then(InputFailed(error="odd", fingerprint="f"))
        elif outcome is not None:
            story.then(SignalJudged(signal_id=signal_id, outcome=outcome))
        boundaries.add(len(story.events))
    return story, boundaries


def rows_of(fold: Fold) -> list[Row]:
    return [version.values for _, _, version in fold.current()]
