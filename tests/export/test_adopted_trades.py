"""What was closed outside is a row of its own: nothing realized is missing from an export."""

from decimal import Decimal

from application.export import trades
from tests.application.test_adoption import holding

D = Decimal


def test_a_lot_closed_outside_is_a_row_without_an_order() -> None:
    venue = holding()
    foreign = venue.by_hand("sell", "0.5", "90")
    venue.look()
    venue.look()
    venue.signal("long", kind="exit", price=None)

    entry, adopted, close = trades(venue.recorded)

    assert (entry.purpose, close.purpose) == ("entry", "close")
    assert (adopted.purpose, adopted.client_order_id) == ("adopted", "")
    assert (adopted.trade_id, adopted.side) == (foreign.trade_id, "sell")
    assert (adopted.quantity, adopted.price, adopted.realized_pnl) == (D("0.5"), D(90), D(-5))
    assert (adopted.fifo_quantity, adopted.fifo_realized_gain) == (D("0.5"), D(-5))
    assert (adopted.group, adopted.pyramid, adopted.leg) == (entry.group, 0, 0)
    total = sum((row.realized_pnl for row in (adopted, close) if row.realized_pnl), D(0))
    assert total == venue.book.risk.realized_total
