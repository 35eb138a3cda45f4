"""Attacks on the holds: entries on their way as one is placed, and what an older log knew of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.book import Book
from application.engine import AccountEngine
from application.inputs import (
    BalanceSeen,
    ClockTicked,
    OperatorActed,
    OrderReported,
    ReconciliationSeen,
    SendWindowMissed,
)
from domain.brakes import HoldLifted, HoldPlaced
from domain.identity import aggregate_of
from domain.message import Event
from domain.order import OrderCancelRequested, OrderUnknown
from tests.application.desk import ACCOUNT, Desk, of
from tests.application.invariants import check_record
from tests.application.test_attacks import FailingLog, House, until

YOUNGER = ("brakes", "equity", "offset_watch")


def missed(desk: Desk, identity: str) -> None:
    """The order was never sent, and never will be."""
    desk.feed(OrderReported(client_order_id=identity, report=SendWindowMissed()))


@pytest.mark.parametrize("action", ["pause", "halt"])
def test_an_entry_that_is_not_known_to_rest_is_called_off_as_an_operator_holds(action: Any) -> None:
    desk = Desk()
    desk.handle(desk.received())
    asked = [order.request.client_order_id for order in desk.working("entry")]
    desk.errands.clear()

    happened = desk.handle(_acted(action))

    assert [each.client_order_id for each in of(happened, OrderCancelRequested)] == asked
    desk.errands.clear()
    for identity in asked:
        missed(desk, identity)
    assert desk.book.open_groups() == ()
    assert desk.book.risk.committed() == 0
    check_record(desk)


def test_an_entry_that_could_not_be_sent_is_called_off_as_contact_is_lost() -> None:
    desk = Desk()
    desk.handle(desk.received())
    asked = [order.request.client_order_id for order in desk.working("entry")]
    heard_at = desk.now
    desk.now += timedelta(seconds=61)

    happened = desk.handle(ClockTicked(due_at=desk.now, contact_at=heard_at))

    assert [each.client_order_id for each in of(happened, OrderCancelRequested)] == asked


def test_what_rests_goes_on_as_an_operator_holds() -> None:
    desk = Desk()
    desk.signal()
    resting = desk.working("entry")

    happened = desk.operator("halt")

    assert of(happened, OrderCancelRequested) == []
    assert desk.working("entry") == resting


def test_exits_on_their_way_go_on_as_an_operator_holds() -> None:
    desk = Desk()
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))
    before = {o.request.client_order_id for o in desk.working("close")}

    happened = desk.operator("halt")

    cancelled = {each.client_order_id for each in of(happened, OrderCancelRequested)}
    assert not cancelled & before
    assert desk.book.open_groups() == ()


@pytest.mark.parametrize("hours", [1, 17])
@pytest.mark.parametrize(("action", "state"), [("halt", "halted"), ("pause", "reducing")])
def test_what_an_operator_held_under_an_earlier_release_is_held_until_a_resume(
    action: Any, state: str, hours: int
) -> None:
    desk = Desk()
    desk.operator(action)
    book = Book(ACCOUNT)
    for recorded in desk.recorded:
        if aggregate_of(recorded.stream) not in YOUNGER:
            book.apply(recorded)
    engine = AccountEngine(book)
    desk.now += timedelta(hours=hours)
    engine.start("1", "hash", desk.now)
    assert book.brakes.trading_state == state
    heard_at = desk.now

    for seconds in (61, 62):
        now = heard_at + timedelta(seconds=seconds)
        contact_at = heard_at if seconds == 61 else now
        engine.handle(ClockTicked(due_at=now, contact_at=contact_at), now, {})

    assert book.risk.trading_state == state
    engine.handle(_acted("resume"), desk.now + timedelta(seconds=63), {})
    assert book.risk.trading_state == "active"


def test_contact_is_not_back_before_what_was_compared_is_handled_also_when_much_waits() -> None:
    desk = Desk()
    desk.signal()
    heard_at = desk.now
    desk.now += timedelta(seconds=61)
    desk.handle(ClockTicked(due_at=desk.now, contact_at=heard_at))
    house = House(desk)
    house.log = FailingLog(desk.log)
    # While the writer is busy: a tick, a whole comparison that misses orders, and a tick again.
    house.submit(ClockTicked(due_at=desk.now))
    asked_at = desk.now + timedelta(seconds=1)
    house.submit(ReconciliationSeen(asked_at=asked_at, open_client_order_ids=(), positions=()))
    house.submit(ClockTicked(due_at=desk.now, contact_at=desk.now))

    with house:
        until(lambda: bool(house.log.events(HoldLifted)))

    kinds = [type(event) for event in house.log.events(Event)]
    assert kinds.index(OrderUnknown) < kinds.index(HoldLifted)


def test_entries_on_their_way_are_called_off_where_an_input_could_not_be_handled() -> None:
    desk = Desk()
    desk.handle(desk.received())
    asked = [order.request.client_order_id for order in desk.working("entry")]
    nothing = Decimal("sNaN")

    happened = desk.handle(BalanceSeen(currency="USDT", total=nothing, free=nothing))

    assert [each.hold.cause for each in of(happened, HoldPlaced)] == ["failed_input"]
    assert [each.client_order_id for each in of(happened, OrderCancelRequested)] == asked


def _acted(action: Any) -> OperatorActed:
    return OperatorActed(action=action, subject="", actor="ann", reason="because")
