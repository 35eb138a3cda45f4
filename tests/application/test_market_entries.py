"""Legs without a gap that enter at once: bounded, reserved at the bound, over when it is met."""

from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import Ended, OrderReported, SendWindowMissed
from domain.dca_leg import LegEntryEnded, LegPlanned
from domain.order import OrderRequested
from domain.settings import ExitSettings, GridSettings, LegSettings, Settings
from tests.application.desk import BTC, ETH, PROMPT, Desk, of

D = Decimal
AT_ONCE = msgspec.structs.replace(PROMPT, grid=GridSettings(entry_order="market"))


def at_once(**exits: Any) -> Settings:
    return msgspec.structs.replace(AT_ONCE, exits=ExitSettings(coalesce_ms=0, **exits))


def requested(desk: Desk, side: str = "buy", **signal: Any) -> list[OrderRequested]:
    """One entry, of which the venue has heard nothing yet."""
    orders = of(desk.handle(desk.received(side, **signal)), OrderRequested)
    desk.errands.clear()
    return orders


def touching(desk: Desk, **touch: str) -> None:
    """From now on the venue tells its touch too."""
    marks = desk.marks
    known = {name: D(price) for name, price in touch.items()}

    def with_touch() -> Any:
        seen = marks()
        return {**seen, BTC: msgspec.structs.replace(seen[BTC], **known)}

    desk.marks = with_touch  # type: ignore[method-assign]


def test_a_leg_without_a_gap_takes_at_once_and_the_deeper_ones_rest() -> None:
    first, *deeper = requested(Desk(AT_ONCE, price="100.2"))

    # 100.2 and 1 % is 101.202; 200 there are 1.97 contracts.
    assert (first.time_in_force, first.price, first.quantity) == ("ioc", D("101.2"), D("1.976"))
    assert {order.time_in_force for order in deeper} == {"gtc"}
    assert [order.price for order in deeper] == [D("99.5"), D(99), D("98.5"), D(98)]


def test_it_meets_the_ask_and_a_short_the_bid() -> None:
    desk = Desk(AT_ONCE)
    touching(desk, bid="99.9", ask="100.4")
    assert requested(desk)[0].price == D("101.4")

    desk = Desk(AT_ONCE)
    touching(desk, bid="99.7", ask="100.4")
    assert requested(desk, "sell")[0].price == D("98.8")


def test_the_settings_slippage_bounds_it_and_the_signals_own_only_tightens() -> None:
    assert requested(Desk(at_once(max_slippage_percent=D("0.5"))))[0].price == D("100.5")

    tighter = requested(Desk(AT_ONCE), risk={"max_slippage_percent": "0.3"})
    wider = requested(Desk(AT_ONCE), risk={"max_slippage_percent": "3"})
    assert (tighter[0].price, wider[0].price) == (D("100.3"), D(101))


def test_its_reservation_is_at_the_bound_and_within_its_share() -> None:
    desk = Desk(AT_ONCE, price="100.2")
    legs = of(desk.handle(desk.received()), LegPlanned)

    first = desk.book.risk.commitments[legs[0].leg_id]
    assert legs[0].reserve_price == D("101.2")
    assert first.resting == D("101.2") * D("1.976") <= D(200)


def test_a_short_is_reserved_at_the_mark_it_may_sell_for() -> None:
    desk = Desk(AT_ONCE, price="104")
    legs = of(desk.handle(desk.received("sell", price="100")), LegPlanned)

    # 104 less 1 % is 102.96, rounded up; 200 at 104 are 1.923 contracts.
    assert (legs[0].price, legs[0].reserve_price) == (D(103), D(104))
    assert legs[0].quantity == D("1.923")


def test_it_fills_at_the_market_and_its_target_counts_from_there() -> None:
    desk = Desk(AT_ONCE, price="100.2")

    desk.signal()

    leg = desk.legs()[0]
    assert (leg.lot.quantity, leg.lot.cost) == (D("1.976"), D("1.976") * D("100.2"))
    assert not leg.entry_open
    (exit_order,) = desk.working("take_profit")
    assert exit_order.request.price == D("101.3")


def test_what_it_leaves_unfilled_ends_the_leg_and_frees_the_rest() -> None:
    desk = Desk(AT_ONCE, price="100.2")
    desk.core.max_fill_quantity = D(1)

    happened = desk.signal()

    (over,) = of(happened, LegEntryEnded)
    leg = desk.legs()[0]
    assert (over.leg_id, leg.entry_filled, leg.entry_open) == (leg.plan.leg_id, D(1), False)
    committed = desk.book.risk.commitments[leg.plan.leg_id]
    assert (committed.resting, committed.open_cost) == (D(0), D("100.2"))


def test_a_market_that_left_the_bound_fills_nothing_and_the_ladder_stays() -> None:
    desk = Desk(AT_ONCE, price="100.2")
    first = requested(desk)[0]

    report = Ended(status="expired", filled=D(0))
    desk.handle(OrderReported(client_order_id=first.client_order_id, report=report))

    assert not desk.legs()[0].entry_open
    assert [leg.entry_open for leg in desk.legs()[1:]] == [True] * 4
    assert desk.group().is_open


def test_asked_for_again_it_keeps_the_bound_it_was_approved_with() -> None:
    desk = Desk(AT_ONCE, price="100.2")
    first = requested(desk)[0]
    desk.core.begin_move(BTC, D(110), desk.now)
    assert desk.core.next_fill() is None

    report = SendWindowMissed()
    happened = desk.handle(OrderReported(client_order_id=first.client_order_id, report=report))

    (again,) = of(happened, OrderRequested)
    assert (again.attempt, again.time_in_force) == (2, "ioc")
    assert (again.price, again.quantity) == (first.price, first.quantity)


def test_without_a_mark_to_meet_it_waits_for_one() -> None:
    desk = Desk(AT_ONCE)
    only_eth = {ETH: desk.marks()[ETH]}

    handled = desk.engine.handle(desk.received(), desk.now, only_eth)
    desk.commit(handled.stored, handled.recorded)
    assert desk.outcome() == ("queued", "mark_fresh")

    desk.wait(seconds=10)
    assert desk.outcome() == ("admitted", "promoted from the queue")


def test_every_leg_without_a_gap_takes_and_a_maker_ladder_rests_below() -> None:
    legs = tuple(
        LegSettings(gap_percent=D(gap), weight_percent=D(25), take_profit_percent=D(1))
        for gap in (0, 0, -1, -2)
    )
    grid = GridSettings(entry_order="market", post_only=True, legs=legs)
    orders = requested(Desk(msgspec.structs.replace(PROMPT, grid=grid)))

    assert [order.time_in_force for order in orders] == ["ioc", "ioc", "post_only", "post_only"]
