"""Entries a venue refuses: makers that would take, pyramids without funds, and single legs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.inputs import (
    AnswerLost,
    NotFound,
    OperatorActed,
    OrderReported,
    Refused,
    SendWindowMissed,
)
from application.work_list import works_of
from domain.dca_leg import LegEntryEnded
from domain.order import OrderCancelRequested, OrderRejected, OrderRequested, OrderResent
from domain.position_group import PositionGroupClosed
from domain.pyramid import PyramidEntriesHalted
from domain.settings import GridSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, PROMPT, Desk, of

D = Decimal
MAKER = msgspec.structs.replace(PROMPT, grid=GridSettings(post_only=True))


def refuse(desk: Desk, order: OrderRequested, kind: Any) -> None:
    """The venue's definite no to one order."""
    report = Refused(code="-1", message="no", kind=kind)
    desk.handle(OrderReported(client_order_id=order.client_order_id, report=report))


def requested(desk: Desk) -> list[OrderRequested]:
    """One entry, of which the venue has heard nothing yet: its orders, by leg."""
    orders = of(desk.handle(desk.received()), OrderRequested)
    desk.errands.clear()
    return sorted(orders, key=lambda order: order.leg_id)


def entries(desk: Desk, leg_id: str) -> list[OrderRequested]:
    return [
        order.request
        for order in desk.book.orders()
        if order.request.leg_id == leg_id and order.request.purpose == "entry"
    ]


def ended(desk: Desk) -> dict[str, str]:
    return {event.leg_id[-2:]: event.reason for event in of(desk.recorded, LegEntryEnded)}


def touching(desk: Desk, **touch: str) -> None:
    """From now on the venue tells its touch too."""
    marks = desk.marks
    known = {name: D(price) for name, price in touch.items()}

    def with_touch() -> Any:
        seen = marks()
        return {**seen, BTC: msgspec.structs.replace(seen[BTC], **known)}

    desk.marks = with_touch  # type: ignore[method-assign]


def test_a_makers_entries_are_post_only() -> None:
    orders = requested(Desk(MAKER, price="101"))

    assert [order.time_in_force for order in orders] == ["post_only"] * 5


def test_a_maker_that_would_take_rests_once_more_a_tick_under_the_mark() -> None:
    desk = Desk(MAKER, price="99.7")

    happened = desk.signal()

    (refused,) = of(happened, OrderRejected)
    assert refused.kind == "post_only"
    leg_id = desk.legs()[0].plan.leg_id
    first, second = sorted(entries(desk, leg_id), key=lambda order: order.attempt)
    assert (first.price, second.price) == (D(100), D("99.6"))
    assert (second.attempt, second.time_in_force, second.quantity) == (2, "post_only", D(2))
    assert desk.legs()[0].entry_open
    assert len(desk.working("entry")) == 5
    desk.move("99.6")
    assert desk.legs()[0].entry_filled == D(2)


@pytest.mark.parametrize(
    ("side", "price", "touch", "again"),
    [
        ("buy", "99.7", {"bid": "99.8", "ask": "99.9"}, "99.8"),
        ("sell", "100.3", {"bid": "100.1", "ask": "100.2"}, "100.2"),
        ("sell", "100.3", {}, "100.4"),
    ],
)
def test_a_known_touch_of_its_own_side_is_where_it_rests(
    side: str, price: str, touch: dict[str, str], again: str
) -> None:
    desk = Desk(MAKER, price=price)
    touching(desk, **touch)
    first = of(desk.handle(desk.received(side)), OrderRequested)[0]

    refuse(desk, first, "post_only")

    assert {order.price for order in entries(desk, first.leg_id)} == {first.price, D(again)}


def test_it_never_rests_at_a_worse_price_than_its_leg() -> None:
    desk = Desk(MAKER, price="101")
    first = requested(desk)[0]

    refuse(desk, first, "post_only")

    assert [order.price for order in entries(desk, first.leg_id)] == [D(100), D(100)]


def test_a_short_that_rests_higher_than_reserved_sells_so_much_less() -> None:
    desk = Desk(MAKER, price="100")
    first = of(desk.handle(desk.received("sell")), OrderRequested)[0]
    desk.errands.clear()
    before = desk.book.risk.committed()
    touching(desk, bid="102.9", ask="103")

    refuse(desk, first, "post_only")

    (again,) = [order for order in entries(desk, first.leg_id) if order.attempt == 2]
    assert (again.price, again.quantity) == (D(103), D("1.941"))
    assert again.quantity * D(103) <= D(200)
    assert desk.book.risk.committed() == before


def test_refused_a_second_time_the_leg_is_skipped_and_its_capital_is_free() -> None:
    desk = Desk(MAKER, price="101")
    first = requested(desk)[0]
    before = desk.book.risk.committed()
    refuse(desk, first, "post_only")
    (again,) = [order for order in entries(desk, first.leg_id) if order.attempt == 2]
    assert desk.book.risk.committed() == before

    refuse(desk, again, "post_only")

    assert len(entries(desk, first.leg_id)) == 2
    assert ended(desk) == {"l0": "skipped: it would have taken"}
    assert desk.book.risk.committed() == before - D(200)
    assert desk.group().is_open


def test_an_expired_second_try_is_not_tried_a_third_time_by_a_refusal() -> None:
    desk = Desk(MAKER, price="101")
    first = requested(desk)[0]
    refuse(desk, first, "post_only")
    second = next(order for order in entries(desk, first.leg_id) if order.attempt == 2)
    report = SendWindowMissed()
    desk.handle(OrderReported(client_order_id=second.client_order_id, report=report))
    third = next(order for order in entries(desk, first.leg_id) if order.attempt == 3)

    refuse(desk, third, "post_only")

    assert len(entries(desk, first.leg_id)) == 3
    assert ended(desk) == {"l0": "skipped: it would have taken"}


@pytest.mark.parametrize("against", ["pause", "close", "no mark"])
def test_a_maker_is_not_tried_again_once_it_is_not_wanted_or_no_price_is_known(
    against: str,
) -> None:
    desk = Desk(MAKER, price="101")
    first = requested(desk)[0]
    if against == "no mark":
        desk.marks = dict  # type: ignore[method-assign]
        desk.start()
    elif against == "pause":
        desk.operator("pause")
    else:
        acted = desk.group().opened.group_id
        desk.handle(OperatorActed(action="close_group", subject=acted, actor="ann", reason="now"))

    refuse(desk, first, "post_only")

    assert len(entries(desk, first.leg_id)) == 1


def test_a_refused_leg_frees_its_capital_and_the_group_goes_on() -> None:
    desk = Desk(price="101")
    first, *others = requested(desk)
    before = desk.book.risk.committed()

    refuse(desk, first, "other")

    assert desk.book.risk.committed() == before - D(200)
    assert ended(desk) == {"l0": "rejected"}
    assert len(desk.working("entry")) == len(others)
    assert desk.group().is_open


def test_a_group_whose_every_entry_is_refused_closes_at_once() -> None:
    desk = Desk(price="101")

    for order in requested(desk):
        refuse(desk, order, "other")

    assert desk.book.open_groups() == ()
    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.reason == "no entry could fill"


def without_funds() -> tuple[Desk, list[OrderRequested]]:
    """Two of five rest, the third was refused for want of funds."""
    desk = Desk(price="101")
    orders = requested(desk)
    for order in orders[:2]:
        for report in desk.core.place(_ticket(desk, order), desk.now):
            desk.handle(report)
    refuse(desk, orders[2], "insufficient_funds")
    return desk, orders


def _ticket(desk: Desk, order: OrderRequested) -> Any:
    works = {work.client_order_id: work.ticket for work in works_of(desk.book)}
    return works[order.client_order_id]


def test_without_funds_the_rest_of_the_pyramid_is_called_off_and_what_rests_goes_on() -> None:
    desk, orders = without_funds()

    (halted,) = of(desk.recorded, PyramidEntriesHalted)
    assert halted.reason == "insufficient_funds"
    called_off = {event.client_order_id for event in of(desk.recorded, OrderCancelRequested)}
    assert called_off == {order.client_order_id for order in orders[3:]}
    resting = {order.client_order_id for order in desk.core.open_orders()}
    assert resting == {order.client_order_id for order in orders[:2]}
    assert ended(desk) == {"l2": "insufficient_funds"}
    assert desk.group().is_open


def test_the_operator_is_told_of_missing_funds_once() -> None:
    desk, orders = without_funds()
    refuse(desk, orders[3], "insufficient_funds")

    (alert,) = of(desk.recorded, AlertRaised)
    assert (alert.kind, alert.subject) == ("insufficient_funds", orders[2].pyramid_id)
    assert BTC in alert.text


def test_a_venue_that_runs_out_of_funds_halts_the_pyramid() -> None:
    desk = Desk(price="101", leverage=1)
    desk.core.restore(msgspec.structs.replace(desk.core.state(), balance=D(500)))

    desk.signal()

    assert len(of(desk.recorded, PyramidEntriesHalted)) == 1
    assert [order.request.price for order in desk.working("entry")] != []
    assert len(desk.working("entry")) == 2
    assert desk.book.risk.committed() == sum(
        (o.request.price or D(0)) * o.request.quantity for o in desk.working("entry")
    )


def test_what_was_called_off_unsent_is_not_asked_for_again() -> None:
    desk, orders = without_funds()

    report = SendWindowMissed()
    desk.handle(OrderReported(client_order_id=orders[3].client_order_id, report=report))

    assert len(entries(desk, orders[3].leg_id)) == 1
    assert ended(desk)["l3"] == "expired"


def test_an_unknown_order_of_a_halted_pyramid_is_not_sent_again() -> None:
    desk = Desk(price="101")
    orders = requested(desk)
    lost = OrderReported(
        client_order_id=orders[0].client_order_id, report=AnswerLost(detail="timed out")
    )
    desk.handle(lost)
    refuse(desk, orders[1], "insufficient_funds")

    for seconds in (0, 10, 31):
        asked_at = desk.now + timedelta(seconds=seconds)
        absent = NotFound(asked_at=asked_at, position=D(0))
        desk.handle(OrderReported(client_order_id=orders[0].client_order_id, report=absent))

    assert of(desk.recorded, OrderResent) == []
    assert ended(desk)["l0"] == "expired"


@pytest.mark.parametrize("held_at", [0, 1, 2])
def test_an_unknown_entry_is_not_sent_again_while_an_operator_holds_trading(held_at: int) -> None:
    """However late the hold: what counts is the moment at which its absence is proven."""
    desk = Desk(price="101")
    orders = requested(desk)
    identity = orders[0].client_order_id
    desk.handle(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))

    for number, seconds in enumerate((0, 10, 31)):
        if number == held_at:
            desk.handle(
                OperatorActed(action="pause", subject="", actor="ann", reason="I am unsure")
            )
        absent = NotFound(asked_at=desk.now + timedelta(seconds=seconds), position=D(0))
        desk.handle(OrderReported(client_order_id=identity, report=absent))

    assert of(desk.recorded, OrderResent) == []
    assert ended(desk)["l0"] == "expired"
    assert len(entries(desk, orders[0].leg_id)) == 1


def test_a_maker_of_a_halted_pyramid_is_not_tried_again() -> None:
    desk = Desk(MAKER, price="101")
    orders = requested(desk)
    lost = OrderReported(
        client_order_id=orders[0].client_order_id, report=AnswerLost(detail="timed out")
    )
    desk.handle(lost)
    refuse(desk, orders[1], "insufficient_funds")

    refuse(desk, orders[0], "post_only")

    assert len(entries(desk, orders[0].leg_id)) == 1
    assert ended(desk)["l0"] == "skipped: it would have taken"


def test_a_later_pyramid_may_have_its_funds() -> None:
    desk, _ = without_funds()

    desk.handle(desk.received(price="99"))

    assert desk.outcome() == ("admitted", "approved")
    assert len(desk.group().pyramid_ids) == 2


def test_in_hedge_mode_an_entry_names_the_side_of_its_position() -> None:
    hedged = msgspec.structs.replace(PROMPT.capital, hedge_mode=True)
    settings: Settings = msgspec.structs.replace(PROMPT, capital=hedged)

    for side, expected in (("buy", "long"), ("sell", "short")):
        desk = Desk(settings)
        orders = of(desk.handle(desk.received(side)), OrderRequested)
        assert {order.position_side for order in orders} == {expected}
    one_way = of(Desk().handle(Desk().received()), OrderRequested)
    assert {order.position_side for order in one_way} == {"both"}
