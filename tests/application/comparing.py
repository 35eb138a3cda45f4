"""The engine's Book laid beside the naive model: any difference is a defect of one of them."""

from collections import Counter
from decimal import Decimal

from application.book import Book
from application.processes.positions import expected_positions
from domain.dca_leg import DCALeg
from tests.application.naive_model import NaiveModel
from tests.application.naive_trades import NaiveLeg

# Shares of cost and fees are cut far below this; whole lots come out exact.
TINY = Decimal("1e-9")


def compare(model: NaiveModel, book: Book) -> None:
    """After any input, whatever is still on its way."""
    _compare_trades(model, book)
    _compare_orders(model, book)
    _compare_money(model, book)
    _compare_signals(model, book)


def _compare_trades(model: NaiveModel, book: Book) -> None:
    """The same trades are open, each with the same lots; no key twice, a slot for each."""
    groups = model.open_groups()
    assert set(book.risk.slots) == set(groups), "slots are not the open trades"
    keys = [group.key for group in groups.values()]
    assert len(keys) == len(set(keys)), f"two open trades share a key: {keys}"

    for group_id, group in groups.items():
        known = book.group(group_id)
        assert known is not None
        assert (known.is_open, known.holds_slot) == (not group.closing, True), group_id
        _near(known.funding, group.funding, f"funding of {group_id}")
        legs = {leg.plan.leg_id: leg for leg in book.legs_of(known)}
        assert list(legs) == list(group.legs), f"legs of {group_id}"
        for leg_id, leg in legs.items():
            _compare_leg(group.legs[leg_id], leg)


def _compare_leg(naive: NaiveLeg, leg: DCALeg) -> None:
    name = leg.plan.leg_id
    assert leg.entry_filled == naive.bought, f"{name} bought {leg.entry_filled}"
    assert leg.lot.quantity == naive.held, f"{name} holds {leg.lot.quantity}"
    _near(leg.lot.cost, naive.cost, f"cost of {name}")
    _near(leg.lot.entry_fee, naive.entry_fee, f"entry fee of {name}")
    _near(leg.realized, naive.realized, f"realized of {name}")
    _near(leg.fees, naive.fees, f"fees of {name}")


def _compare_orders(model: NaiveModel, book: Book) -> None:
    """The same orders work, with the same fills; no trade offers more than it holds."""
    working = {o.request.client_order_id: o for o in book.working_orders()}
    open_ids = {name for name, order in model.orders.items() if not order.is_final}
    assert set(working) == open_ids, f"working orders: {sorted(set(working) ^ open_ids)}"
    for name, order in working.items():
        naive = model.orders[name]
        assert (order.filled, str(order.status)) == (naive.filled, naive.state), name

    for group_id, group in model.open_groups().items():
        exits = [o for o in model.working(group_id) if o.asked.purpose not in ("entry", "stop")]
        offered = sum((order.rest for order in exits), Decimal(0))
        is_within = offered <= group.held or model.was_stopped(group_id)
        assert is_within, f"{group_id} offers {offered} of {group.held}"
        profits = [o.asked.covers for o in exits if o.asked.purpose == "take_profit"]
        twice = [leg for leg, times in Counter(sum(profits, ())).items() if times > 1]
        assert twice == [], f"legs with two working exits: {twice}"


def _compare_money(model: NaiveModel, book: Book) -> None:
    """Reserved, realized, and what the venue should hold."""
    reserved = {
        leg_id: (commitment.resting, commitment.open_cost)
        for leg_id, commitment in book.risk.commitments.items()
    }
    expected = model.reservations()
    assert set(reserved) == set(expected), f"reserved: {sorted(set(reserved) ^ set(expected))}"
    for leg_id, (resting, cost) in reserved.items():
        _near(resting, expected[leg_id][0], f"reserved for {leg_id}")
        _near(cost, expected[leg_id][1], f"open cost of {leg_id}")
        assert resting >= 0
        assert cost >= 0
    _near(book.risk.realized_total, model.realized(), "realized in all")
    held = {key: quantity for key, quantity in expected_positions(book).items() if quantity}
    assert held == model.positions(), "the position the venue should hold"


def _compare_signals(model: NaiveModel, book: Book) -> None:
    """Every signal has one outcome; the queue holds the queued ones, each key once."""
    assert set(model.received) == set(model.outcomes), "a signal without an outcome"
    queued = {e.signal_id: (e.symbol, e.timeframe, e.side) for e in book.queue.waiting}
    assert queued == model.queued
    assert set(queued) == {s for s, outcome in model.outcomes.items() if outcome == "queued"}
    assert len(set(queued.values())) == len(queued), f"a key waits twice: {queued}"
    duplicates = {s for s, outcome in model.outcomes.items() if outcome == "duplicate"}
    assert duplicates == model.resends, "resends and duplicates"


def _near(ours: Decimal, naive: Decimal, what: str) -> None:
    assert abs(ours - naive) < TINY, f"{what} was {ours}, on paper {naive}"
