"""What must hold at any moment of any day, recomputed from the legs up."""

from decimal import Decimal

from application.book import Book
from application.inputs import SignalReceived
from application.loading import load_book
from application.processes.exit_plan import wanted_exits
from application.processes.positions import apart, dust_of, held_by
from application.processes.protection import unprotected_legs
from application.replay import replay_day
from domain.dca_leg import DCALeg
from domain.holding_terms import Held
from domain.money import ZERO
from domain.pnl import unrealized
from domain.position_group import PositionGroup
from domain.trading_day import InputFailed, SignalJudged
from tests.application.desk import ACCOUNT, Desk, of

CENT_FRACTION = Decimal("1e-9")
START = Decimal(1_000_000)


def check_always(desk: Desk) -> None:
    """Whatever is still on its way."""
    assert of(desk.recorded, InputFailed) == []
    _check_commitments(desk.book)
    _check_slots(desk.book)
    _check_exits(desk.book)
    _check_ledger(desk)


def check_settled(desk: Desk) -> None:
    """Once every request is carried out and every report heard, and nothing is dust."""
    check_standing(desk)
    _check_money(desk)


def check_standing(desk: Desk) -> None:
    """The same but for the money, which dust and its funding are a part of."""
    check_always(desk)
    _check_positions(desk)
    _check_protection(desk)


def check_record(desk: Desk) -> None:
    """The log alone gives the same Book, and each of its days comes out the same again."""
    book = desk.book
    again = load_book(desk.log, ACCOUNT)
    assert again.state_hash() == book.state_hash()
    assert (again.head, again.date, again.last_at) == (book.head, book.date, book.last_at)
    days = sorted({each.stream for each in desk.recorded if each.stream.startswith("trading_day")})
    for stream in days:
        report = replay_day(desk.log, ACCOUNT, stream.rpartition(":")[2])
        assert report.identical, report.difference


def legs_of(book: Book) -> list[tuple[PositionGroup, DCALeg]]:
    """Every leg of every open group."""
    return [(group, leg) for group in book.open_groups() for leg in book.legs_of(group)]


def _check_commitments(book: Book) -> None:
    expected = {
        leg.plan.leg_id: (
            max(ZERO, leg.resting_quantity) * leg.plan.reserve_price * leg.plan.contract_size,
            leg.lot.cost,
        )
        for _, leg in legs_of(book)
    }
    known = {
        leg_id: (commitment.resting, commitment.open_cost)
        for leg_id, commitment in book.risk.commitments.items()
    }
    assert known == {leg: pair for leg, pair in expected.items() if pair != (ZERO, ZERO)}
    assert all(resting >= ZERO and cost >= ZERO for resting, cost in known.values())


def _check_slots(book: Book) -> None:
    open_groups = book.open_groups()
    assert set(book.risk.slots) == {group.opened.group_id for group in open_groups}
    taken = [(g.opened.symbol, g.opened.timeframe, g.opened.side) for g in open_groups]
    assert len(taken) == len(set(taken)), f"two open groups share a key: {taken}"
    sides = {(g.opened.symbol, g.opened.side) for g in open_groups}
    if book.account.settings.capital.hedge_mode:
        return
    assert len(sides) == len({symbol for symbol, _ in sides}), f"both directions at once: {sides}"


def _check_exits(book: Book) -> None:
    """Resting plus closing exits never exceed what a group holds.

    But once its stop traded at the venue, where a stop needs no quantity of its own: what the
    others still offer is being cancelled.
    """
    offered: dict[str, Decimal] = {}
    stopped: set[str] = set()
    for order in book.orders():
        request = order.request
        if request.purpose == "stop" and order.filled > ZERO:
            stopped.add(request.group_id)
        if request.purpose not in ("entry", "stop") and not order.is_final:
            rest = request.quantity - order.filled
            offered[request.group_id] = offered.get(request.group_id, ZERO) + rest
    for group in book.open_groups():
        held = sum((leg.lot.quantity for leg in book.legs_of(group)), ZERO)
        group_id = group.opened.group_id
        assert offered.get(group_id, ZERO) <= held or group_id in stopped


def _check_ledger(desk: Desk) -> None:
    received = [signal.signal_id for signal in of(desk.recorded, SignalReceived)]
    current = {judged.signal_id: judged.outcome for judged in of(desk.recorded, SignalJudged)}
    assert sorted(received) == sorted(current)
    waiting = {entry.signal_id for entry in desk.book.queue.waiting}
    assert waiting == {signal for signal, outcome in current.items() if outcome == "queued"}


def _check_positions(desk: Desk) -> None:
    """Lots and dust are what the venue holds, by symbol and, in hedge mode, by side."""
    held = {position: quantity for position, quantity in _dust(desk.book).items() if quantity}
    for group, leg in legs_of(desk.book):
        signed = leg.lot.quantity if group.opened.side == "long" else -leg.lot.quantity
        position = held_by(group)
        held[position] = held.get(position, ZERO) + signed
    at_venue = {(each.symbol, each.side): each.quantity for each in desk.core.held()}
    assert {position: quantity for position, quantity in held.items() if quantity} == at_venue


def _dust(book: Book) -> dict[Held, Decimal]:
    return {held: dust_of(book, held) for held in apart(book)}


def _check_protection(desk: Desk) -> None:
    """A lot that no exit offers or watches is dust; what works is what is wanted."""
    for group in desk.book.open_groups():
        assert unprotected_legs(desk.book, group) == (), "a lot is unprotected"
        wanted = wanted_exits(desk.book, group, desk.now)
        for exit_id, known in desk.book.exits_of(group):
            if known.working is None or not group.is_open:
                continue
            order = desk.book.order(known.working.client_order_id)
            assert order is not None
            assert not order.is_final
            rest = order.request.quantity - order.filled
            assert order.cancel_requested or wanted[exit_id].quantity == rest


def _check_money(desk: Desk) -> None:
    """Equity at the venue = start + realized + unrealized of every lot."""
    floating = ZERO
    for group, leg in legs_of(desk.book):
        price = desk.core.price(leg.plan.symbol)
        assert price is not None
        floating += unrealized(leg.lot, price, group.opened.side, leg.plan.contract_size)
    ours = START + desk.book.risk.realized_total + floating
    assert abs(desk.core.equity - ours) < CENT_FRACTION
