"""An entry that waits for its market's rules: once begun, once over."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain import waiting_entry
from domain.waiting_entry import AwaitEntry, EndAwait, EntryAwaited, EntryAwaitEnded
from tests.domain.given import fold, given

D = Decimal
NAME = "g1-p0"
AWAITED = EntryAwaited(
    pyramid_id=NAME,
    group_id="g1",
    index=0,
    signal_id="s1",
    symbol="BTC/USDT:USDT",
    timeframe="15",
    side="long",
    entry_price=D(100),
    capital=D(1000),
    max_slippage_percent=None,
    waiting_since=datetime(2026, 1, 5, tzinfo=UTC),
)
ENDED = EntryAwaitEnded(
    pyramid_id=NAME, group_id="g1", symbol="BTC/USDT:USDT", laid_out=False, reason="late"
)
END = EndAwait(pyramid_id=NAME, laid_out=False, reason="late")


def test_an_entry_begins_to_wait_once() -> None:
    state = given(waiting_entry).when(AwaitEntry(pyramid_id=NAME, awaited=AWAITED)).then(AWAITED)

    assert state.waits


def test_its_wait_ends_once() -> None:
    state = given(waiting_entry, AWAITED).when(END).then(ENDED)

    assert not state.waits


def test_the_end_of_a_wait_that_never_began_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="never waited"):
        given(waiting_entry).when(END)
    with pytest.raises(AssertionError, match="first event is EntryAwaited"):
        fold(waiting_entry, [ENDED])
