"""What lasts too long is told: orders of unknown fate, closings that never end."""

from datetime import timedelta

from application.inputs import AnswerLost, OrderReported
from domain.day_terms import AlertKind
from domain.trading_day import AlertRaised
from tests.application.desk import Desk, of


def told(desk: Desk, kind: AlertKind) -> list[AlertRaised]:
    return [alert for alert in of(desk.recorded, AlertRaised) if alert.kind == kind]


def test_an_order_of_unknown_fate_is_told_after_a_minute_and_once() -> None:
    desk = Desk()
    desk.signal()
    identity = desk.working("entry")[0].request.client_order_id
    lost = OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out"))
    desk.feed(lost)

    desk.wait_quietly(seconds=60)
    assert told(desk, "order_unknown") == []
    for _ in range(3):
        desk.wait_quietly(seconds=1)

    (alert,) = told(desk, "order_unknown")
    assert (alert.severity, alert.subject) == ("critical", identity)


def test_an_order_that_was_found_again_is_not_told() -> None:
    desk = Desk()
    desk.signal()
    identity = desk.working("entry")[0].request.client_order_id
    desk.feed(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))
    desk.ask()

    desk.wait_quietly(seconds=90)

    assert told(desk, "order_unknown") == []


def test_a_closing_that_does_not_end_is_told_after_five_minutes_and_again_the_next_day() -> None:
    desk = Desk()
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))
    desk.errands.clear()
    group_id = desk.group().opened.group_id

    desk.wait_quietly(minutes=5)
    assert told(desk, "closing_stuck") == []
    for _ in range(3):
        desk.wait_quietly(seconds=1)

    (alert,) = told(desk, "closing_stuck")
    assert (alert.severity, alert.subject) == ("critical", group_id)
    desk.now += timedelta(days=1)
    desk.wait_quietly(seconds=1)
    assert len(told(desk, "closing_stuck")) == 2
