"""Spot: what the venue keeps of a purchase cannot be sold, and its dust holds no slot."""

from decimal import Decimal

from domain.dca_leg import LegDustWrittenOff
from domain.order import OrderRejected, OrderRequested
from domain.position_group import PositionGroupClosed
from tests.application.desk import Desk, market, of

D = Decimal
SPOT = "BTC/USDT"


def spot_desk(price: str = "100") -> Desk:
    listed = market("BTC", symbol=SPOT, kind="spot")
    return Desk(markets=(listed,), kind="spot", leverage=1, price=price)


def test_a_lot_is_what_was_received_and_its_exit_can_be_carried_out() -> None:
    desk = spot_desk()

    happened = desk.signal(symbol="BTCUSDT")

    assert of(happened, OrderRejected) == []
    lot = desk.legs()[0].lot
    assert (lot.quantity, lot.cost, lot.entry_fee) == (D("1.999"), D("199.9"), D("0.1"))
    (exit_order,) = desk.working("take_profit")
    assert exit_order.request.quantity == D("1.999")
    assert not exit_order.request.reduce_only


def test_a_group_with_nothing_but_dust_left_is_flat_and_closes() -> None:
    desk = spot_desk()
    desk.signal(symbol="BTCUSDT")
    desk.move("99.5", SPOT)  # 2.01 less 0.02 % leaves 2.009598: the last digits are dust
    assert len(desk.working("take_profit")) == 2

    desk.move("101", SPOT)

    assert desk.book.open_groups() == ()
    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.reason == "took profit on every lot"
    (dust,) = of(desk.recorded, LegDustWrittenOff)
    assert dust.quantity == D("0.000598")
    assert desk.core.position(SPOT).quantity == dust.quantity


def test_an_exit_sells_all_that_can_be_sold() -> None:
    desk = spot_desk()
    desk.signal(symbol="BTCUSDT")
    desk.move("99.5", SPOT)

    happened = desk.signal("long", kind="exit", symbol="BTCUSDT", price=None)

    closes = [order for order in of(happened, OrderRequested) if order.purpose == "close"]
    assert [order.quantity for order in closes] == [D("4.008")]
    assert desk.book.open_groups() == ()
    assert desk.book.risk.committed() == D(0)
