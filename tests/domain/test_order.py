"""One order at a venue: unknown is a state, a trade counts once, nothing is sent twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain import order
from domain.message import Command, Event
from domain.order import (
    OrderAccepted,
    OrderCancelRequested,
    OrderEnded,
    OrderExpired,
    OrderFilled,
    OrderMissed,
    OrderRejected,
    OrderRequested,
    OrderResent,
    OrderUnknown,
    RecordOrderAccepted,
    RecordOrderEnded,
    RecordOrderFill,
    RecordOrderNotFound,
    RecordOrderNotSent,
    RecordOrderRejected,
    RecordOrderUnknown,
    RequestOrder,
    RequestOrderCancel,
)
from domain.order_terms import OrderStatus
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ID = "Pabcd1234"


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


IN_A_MINUTE = after(60)


def requested(*, send_before: datetime | None = IN_A_MINUTE) -> OrderRequested:
    return OrderRequested(
        client_order_id=ID,
        purpose="entry",
        symbol="BTC/USDT:USDT",
        side="buy",
        quantity=D(10),
        price=D(100),
        time_in_force="gtc",
        reduce_only=False,
        group_id="g1",
        pyramid_id="g1-p0",
        leg_id="g1-p0-l0",
        signal_id="s1",
        attempt=1,
        requested_at=NOON,
        send_before=send_before,
    )


REQUESTED = requested()
ACCEPTED = OrderAccepted(client_order_id=ID, venue_order_id="7")
UNKNOWN = OrderUnknown(client_order_id=ID, detail="timed out", since=NOON)
CANCEL_REQUESTED = OrderCancelRequested(client_order_id=ID, reason="closing")
REJECTED = OrderRejected(client_order_id=ID, code="-2019", message="no margin")
EXPIRED = OrderExpired(client_order_id=ID)


def ended(status: Any = "cancelled", filled: str = "0") -> OrderEnded:
    return OrderEnded(client_order_id=ID, status=status, filled=D(filled))


def trade(number: int, quantity: str) -> dict[str, Any]:
    return {
        "client_order_id": ID,
        "trade_id": f"t{number}",
        "price": D(100),
        "quantity": D(quantity),
        "fee": D("0.1"),
        "fee_asset": "USDT",
        "liquidity": "maker",
        "traded_at": after(number),
    }


def filled(number: int, quantity: str, total: str) -> OrderFilled:
    return OrderFilled(**trade(number, quantity), filled=D(total))


def fill(number: int, quantity: str) -> RecordOrderFill:
    return RecordOrderFill(**trade(number, quantity))


def missed(count: int, seconds: float) -> OrderMissed:
    return OrderMissed(client_order_id=ID, asked_at=after(seconds), count=count)


def not_found(seconds: float, *, handled: float | None = None) -> RecordOrderNotFound:
    now = after(seconds if handled is None else handled)
    return RecordOrderNotFound(client_order_id=ID, asked_at=after(seconds), now=now)


def report_unknown() -> RecordOrderUnknown:
    return RecordOrderUnknown(client_order_id=ID, detail="timed out", now=NOON)


def report_accepted() -> RecordOrderAccepted:
    return RecordOrderAccepted(client_order_id=ID, venue_order_id="7")


def report_rejected() -> RecordOrderRejected:
    return RecordOrderRejected(client_order_id=ID, code="-2019", message="no margin")


def report_ended(status: Any, total: str) -> RecordOrderEnded:
    return RecordOrderEnded(client_order_id=ID, status=status, filled=D(total))


def cancel() -> RequestOrderCancel:
    return RequestOrderCancel(client_order_id=ID, reason="closing")


def not_sent() -> RecordOrderNotSent:
    return RecordOrderNotSent(client_order_id=ID)


def test_a_wish_is_in_the_log_before_anything_else() -> None:
    state = given(order).when(RequestOrder(client_order_id=ID, requested=REQUESTED)).then(REQUESTED)

    assert state.status is OrderStatus.REQUESTED
    assert not state.is_final


@pytest.mark.parametrize("command", [report_accepted(), fill(1, "1"), cancel(), not_found(0)])
def test_an_order_never_requested_is_a_programmers_error(command: Command) -> None:
    with pytest.raises(AssertionError, match="was never requested"):
        given(order).when(command)


def test_the_first_event_of_an_order_is_the_wish() -> None:
    with pytest.raises(AssertionError, match="first event is OrderRequested"):
        fold(order, [ACCEPTED])


def test_an_accepted_order_is_open_under_the_venues_id() -> None:
    state = given(order, REQUESTED).when(report_accepted()).then(ACCEPTED)

    assert (state.status, state.venue_order_id) == (OrderStatus.OPEN, "7")


@pytest.mark.parametrize("final", [ended(), REJECTED, EXPIRED, filled(1, "10", "10")])
def test_what_is_final_is_not_accepted_any_more(final: Event) -> None:
    given(order, REQUESTED, final).when(report_accepted()).then_nothing()


def test_a_refused_order_is_final() -> None:
    state = given(order, REQUESTED).when(report_rejected()).then(REJECTED)

    assert state.is_final


def test_a_refusal_of_an_order_known_to_be_open_is_ignored() -> None:
    given(order, REQUESTED, ACCEPTED).when(report_rejected()).then_nothing()


def test_a_refusal_of_an_order_that_was_open_before_it_got_lost_is_ignored() -> None:
    given(order, REQUESTED, ACCEPTED, UNKNOWN).when(report_rejected()).then_nothing()


def test_a_refusal_of_an_order_that_has_traded_is_ignored() -> None:
    given(order, REQUESTED, filled(1, "1", "1"), UNKNOWN).when(report_rejected()).then_nothing()


def test_a_refusal_that_arrives_after_the_answer_was_lost_resolves_it() -> None:
    given(order, REQUESTED, UNKNOWN).when(report_rejected()).then(REJECTED)


def test_a_lost_answer_makes_it_unknown() -> None:
    state = given(order, REQUESTED).when(report_unknown()).then(UNKNOWN)

    assert (state.status, state.unknown_since) == (OrderStatus.UNKNOWN, NOON)


def test_an_open_order_can_get_lost_too() -> None:
    given(order, REQUESTED, ACCEPTED).when(report_unknown()).then(UNKNOWN)


@pytest.mark.parametrize("final", [ended(), REJECTED, EXPIRED, filled(1, "10", "10")])
def test_what_is_final_does_not_get_lost(final: Event) -> None:
    given(order, REQUESTED, final).when(report_unknown()).then_nothing()


def test_unknown_then_found() -> None:
    state = given(order, REQUESTED, UNKNOWN, missed(1, 0)).when(report_accepted()).then(ACCEPTED)

    assert (state.status, state.missed, state.unknown_since) == (OrderStatus.OPEN, 0, None)


def test_unknown_then_a_trade_shows_that_it_works() -> None:
    state = given(order, REQUESTED, UNKNOWN).when(fill(1, "3")).then(filled(1, "3", "3"))

    assert (state.status, state.unknown_since) == (OrderStatus.OPEN, None)


def test_an_empty_answer_is_counted() -> None:
    given(order, REQUESTED, UNKNOWN).when(not_found(0)).then(missed(1, 0))


def test_only_an_unknown_order_can_be_missed() -> None:
    given(order, REQUESTED, ACCEPTED).when(not_found(0)).then_nothing()
    given(order, REQUESTED).when(not_found(0)).then_nothing()


def test_the_same_empty_answer_reported_again_is_not_counted_again() -> None:
    given(order, REQUESTED, UNKNOWN, missed(1, 0), missed(2, 31)).when(not_found(31)).then_nothing()


def test_an_older_empty_answer_that_comes_late_is_not_counted() -> None:
    given(order, REQUESTED, UNKNOWN, missed(1, 10)).when(not_found(5)).then_nothing()


def test_three_empty_answers_within_29_seconds_do_not_prove_absence() -> None:
    given(order, REQUESTED, UNKNOWN, missed(1, 0), missed(2, 15)).when(not_found(29)).then(
        missed(3, 29)
    )


def test_two_empty_answers_far_apart_do_not_prove_absence() -> None:
    given(order, REQUESTED, UNKNOWN, missed(1, 0)).when(not_found(59)).then(missed(2, 59))


def test_three_empty_answers_over_30_seconds_send_it_again_under_the_same_id() -> None:
    state = (
        given(order, REQUESTED, UNKNOWN, missed(1, 0), missed(2, 15))
        .when(not_found(30))
        .then(missed(3, 30), OrderResent(client_order_id=ID, sending=1))
    )

    assert (state.status, state.sending, state.missed) == (OrderStatus.REQUESTED, 1, 0)


def test_empty_answers_prove_nothing_while_the_position_disagrees() -> None:
    past = (REQUESTED, UNKNOWN, missed(1, 0), missed(2, 15))
    disagrees = msgspec.structs.replace(not_found(30), agreed=False)

    state = given(order, *past).when(disagrees).then(missed(3, 30))
    assert state.status is OrderStatus.UNKNOWN
    given(order, *past, missed(3, 30)).when(not_found(31)).then(
        missed(4, 31), OrderResent(client_order_id=ID, sending=1)
    )


def test_what_was_to_trade_at_once_is_not_sent_again_but_given_up() -> None:
    at_once = msgspec.structs.replace(REQUESTED, time_in_force="ioc", send_before=None)

    given(order, at_once, UNKNOWN, missed(1, 0), missed(2, 15)).when(not_found(30)).then(
        missed(3, 30), OrderExpired(client_order_id=ID)
    )


def test_what_is_not_wanted_any_more_is_not_sent_again_but_given_up() -> None:
    unwanted = msgspec.structs.replace(not_found(30), wanted=False)

    given(order, REQUESTED, UNKNOWN, missed(1, 0), missed(2, 15)).when(unwanted).then(
        missed(3, 30), OrderExpired(client_order_id=ID)
    )
    given(order, REQUESTED, UNKNOWN, missed(1, 0)).when(unwanted).then(missed(2, 30))


def test_the_second_resend_is_counted_and_needs_a_proof_of_its_own() -> None:
    resent = OrderResent(client_order_id=ID, sending=1)
    lost_again = (REQUESTED, UNKNOWN, missed(1, 0), missed(2, 15), missed(3, 30), resent, UNKNOWN)

    given(order, *lost_again).when(not_found(40)).then(missed(1, 40))
    given(order, *lost_again, missed(1, 31), missed(2, 45)).when(not_found(61, handled=50)).then(
        missed(3, 61), OrderResent(client_order_id=ID, sending=2)
    )


def test_an_order_once_accepted_is_never_sent_again() -> None:
    past = (REQUESTED, ACCEPTED, UNKNOWN, missed(1, 0), missed(2, 15))

    given(order, *past).when(not_found(30)).then(missed(3, 30), ended("lost"))


def test_an_order_that_has_traded_is_never_sent_again() -> None:
    past = (REQUESTED, filled(1, "4", "4"), UNKNOWN, missed(1, 0), missed(2, 15))

    given(order, *past).when(not_found(30)).then(missed(3, 30), ended("lost", "4"))


def test_an_absent_order_whose_time_has_passed_expires() -> None:
    past = (requested(send_before=after(30)), UNKNOWN, missed(1, 0), missed(2, 15))

    given(order, *past).when(not_found(30)).then(missed(3, 30), EXPIRED)


def test_an_absent_exit_never_expires() -> None:
    past = (requested(send_before=None), UNKNOWN, missed(1, 0), missed(2, 15))

    given(order, *past).when(not_found(9_999)).then(
        missed(3, 9_999), OrderResent(client_order_id=ID, sending=1)
    )


def test_an_absent_order_that_was_called_off_expires() -> None:
    past = (REQUESTED, UNKNOWN, CANCEL_REQUESTED, missed(1, 0), missed(2, 15))

    given(order, *past).when(not_found(30)).then(missed(3, 30), EXPIRED)


@pytest.mark.parametrize("last", [REQUESTED, ACCEPTED, UNKNOWN, filled(1, "1", "1")])
def test_a_working_order_can_be_taken_back_once(last: Event) -> None:
    past = (REQUESTED,) if last is REQUESTED else (REQUESTED, last)

    given(order, *past).when(cancel()).then(CANCEL_REQUESTED)


@pytest.mark.parametrize("final", [ended(), REJECTED, EXPIRED, filled(1, "10", "10")])
def test_a_final_order_cannot_be_taken_back(final: Event) -> None:
    given(order, REQUESTED, final).when(cancel()).then_nothing()


def test_an_order_that_was_never_sent_expires() -> None:
    state = given(order, REQUESTED).when(not_sent()).then(EXPIRED)

    assert state.is_final


@pytest.mark.parametrize("last", [ACCEPTED, UNKNOWN, filled(1, "1", "1"), ended(), REJECTED])
def test_an_order_that_may_have_been_sent_never_counts_as_unsent(last: Event) -> None:
    given(order, REQUESTED, last).when(not_sent()).then_nothing()
