"""The free balance as our books reckon it on from the venue's last word, beside what it has."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.inputs import BalanceSeen
from application.processes.margin import free_now, margin_held, margin_seen
from domain.holdings import BalanceRecorded
from domain.risk_engine import RiskApproved
from tests.application.desk import ETH, MORNING, PROMPT, Desk, market, of

D = Decimal
SPOT = (
    msgspec.structs.replace(market("BTC"), symbol="BTC/USDT", kind="spot", settle=""),
    msgspec.structs.replace(market("ETH"), symbol="ETH/USDT", kind="spot", settle=""),
)


def seen(desk: Desk) -> None:
    """The venue is asked, once a minute."""
    desk.feed(BalanceSeen(currency="USDT", total=desk.core.balance, free=desk.core.free))


def estimate(desk: Desk) -> Decimal:
    found = free_now(desk.book)
    assert found is not None
    return found


def trade(desk: Desk, *, asked: bool) -> list[Decimal]:
    """A day of entries, fills, profits, losses and exits: how far the estimate is off each time."""
    off: list[Decimal] = []
    steps: list[Any] = [
        desk.signal,
        lambda: desk.signal(symbol="ETHUSDT.P", side="sell"),
        lambda: desk.move("99"),
        lambda: desk.move("101", ETH),
        lambda: desk.signal(price="99"),
        lambda: desk.move("104"),
        lambda: desk.signal("short", kind="exit", symbol="ETHUSDT.P", price=None),
        lambda: desk.signal("long", kind="exit", price=None),
    ]
    for step in steps:
        step()
        off.append(desk.core.free - estimate(desk))
        if asked:
            seen(desk)
    return off


@pytest.mark.parametrize("asked", [False, True])
def test_the_estimate_follows_the_venue_and_is_never_the_higher(*, asked: bool) -> None:
    desk = Desk(leverage=1)

    off = trade(desk, asked=asked)

    # Fees as taker are kept back of up to 3 000 that rest, where the venue keeps a maker's or none.
    assert all(D(0) <= each < D("1.5") for each in off), off
    assert desk.book.open_groups() == ()
    assert off[-1] == D(0)


def test_with_leverage_the_margin_is_a_part_of_the_cost() -> None:
    capital = msgspec.structs.replace(PROMPT.capital, leverage=5)
    desk = Desk(msgspec.structs.replace(PROMPT, capital=capital), leverage=5)

    off = trade(desk, asked=False)

    assert all(D(0) <= each < D(1) for each in off), off


def test_an_order_the_venue_may_not_have_yet_is_still_to_be_deducted() -> None:
    desk = Desk(leverage=1)
    free = desk.core.free
    desk.handle(desk.received())

    desk.handle(BalanceSeen(currency="USDT", total=free, free=free))

    assert margin_seen(desk.book) == D(0)
    assert margin_held(desk.book) == D("999.85") + D("0.499925")
    assert estimate(desk) == free - margin_held(desk.book)


def test_an_account_that_only_knows_its_starting_balance_trades_on_what_is_left() -> None:
    capital = msgspec.structs.replace(PROMPT.capital, group_budget=D(2_000_000))
    risk = msgspec.structs.replace(PROMPT.risk, max_committed_capital=None)
    desk = Desk(msgspec.structs.replace(PROMPT, capital=capital, risk=risk), leverage=1)

    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    assert desk.outcome()[0] == "admitted"
    desk.signal(symbol="SOLUSDT.P")

    assert desk.outcome() == ("queued", "free_balance")


def test_an_account_whose_balance_was_written_down_without_our_books_waits_for_the_next() -> None:
    desk = Desk()
    stream = desk.book.stream_of("holdings", "")
    known = desk.book.state(stream)
    # As a log of an earlier release leaves it.
    bare = msgspec.structs.replace(known.balances["USDT"], margin=None, realized=None)
    without = msgspec.structs.replace(known, balances={"USDT": bare})
    desk.book._states[stream] = without

    desk.signal()
    assert desk.outcome() == ("queued", "free_balance")

    seen(desk)
    assert len(of(desk.wait(seconds=10), RiskApproved)) == 1


def test_the_same_balance_is_written_down_once() -> None:
    desk = Desk(leverage=1)
    desk.signal()
    seen(desk)

    assert of(desk.recorded, BalanceRecorded)[-1].margin == margin_seen(desk.book)
    before = len(desk.recorded)
    seen(desk)

    assert len(desk.recorded) == before
    assert desk.now == MORNING


def test_on_spot_the_whole_cost_is_spent() -> None:
    desk = Desk(markets=SPOT, kind="spot", leverage=1)

    desk.signal(symbol="BTCUSDT")
    desk.move("99", "BTC/USDT")
    after = desk.core.free - estimate(desk)
    desk.signal("long", kind="exit", symbol="BTCUSDT", price=None)

    assert D(0) <= after < D(1)
    assert abs(desk.core.free - estimate(desk)) < D(1)
