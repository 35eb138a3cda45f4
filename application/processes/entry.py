"""An approved entry becomes a group, a pyramid, its legs and their orders, all at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.journal import Recorded
from domain.dca_leg import LegEntryFilled, LegPlanned, PlanLeg
from domain.gate import EntryProposal, ProposedLeg, loss_allows
from domain.identity import client_order_id, installation_prefix
from domain.instrument import entry_side
from domain.message import Command
from domain.money import ZERO
from domain.order import Order, OrderExpired, OrderRequested, RequestOrder, RequestOrderCancel
from domain.order_terms import OrderStatus
from domain.position_group import (
    AdmitPyramid,
    OpenPositionGroup,
    PositionGroupOpened,
    PyramidAdmitted,
)
from domain.pyramid import PlanPyramid, PyramidPlanned
from domain.risk_engine import RiskApproved
from domain.settings import resolve

# An entry that could not be sent for this long belongs to a market that has moved on: it is
# decided anew, this often in all.
SEND_WITHIN = timedelta(seconds=60)
ENTRY_ATTEMPTS_MAX = 3


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Lay out what the gate approved, and ask for each leg's order."""
    match recorded.event:
        case RiskApproved(proposal=proposal):
            yield from _lay_out(book, proposal, recorded.at)
        case LegPlanned() as plan:
            yield _request(_entry_order(book, plan, 1, plan.planned_at))
        case LegEntryFilled(leg_id=leg_id):
            yield from _call_off_excess(book, leg_id)
        case OrderExpired(client_order_id=client_order_id):
            order = book.order(client_order_id)
            if order is not None and is_wanted_again(book, order):
                leg = book.leg(order.request.leg_id)
                assert leg is not None, f"order {client_order_id} serves an unknown leg"
                attempt = order.request.attempt + 1
                yield _request(_entry_order(book, leg.plan, attempt, recorded.at))
        case _:
            return


def is_wanted_again(book: Book, order: Order) -> bool:
    """Whether an entry that never reached the venue is to be tried once more.

    Its reservation still stands. Nothing is tried against a closing, a pause, a discrepancy or
    the day's loss, or once it was called off.
    """
    group = book.group(order.request.group_id)
    is_unsent = order.status is OrderStatus.EXPIRED and not order.cancel_requested
    return (
        order.request.purpose == "entry"
        and is_unsent
        and order.request.attempt < ENTRY_ATTEMPTS_MAX
        and group is not None
        and group.is_open
        and book.risk.trading_state == "active"
        and order.request.symbol not in book.risk.discrepancies
        and loss_allows(book.risk.realized_today, book.account.settings.risk.max_daily_loss)
    )


def _call_off_excess(book: Book, leg_id: str) -> Iterator[Command]:
    """An entry given up for absent that filled after all leaves no room for its successor."""
    leg = book.leg(leg_id)
    assert leg is not None, f"leg {leg_id} spoke without being planned"
    orders = [order for order in book.working_orders() if order.request.leg_id == leg_id]
    entries = [order for order in orders if order.request.purpose == "entry"]
    resting = sum((order.request.quantity - order.filled for order in entries), ZERO)
    if leg.entry_filled + resting > leg.plan.quantity:
        for order in entries:
            yield RequestOrderCancel(
                client_order_id=order.request.client_order_id,
                reason="its leg would buy more than planned",
            )


def _request(requested: OrderRequested) -> RequestOrder:
    return RequestOrder(client_order_id=requested.client_order_id, requested=requested)


def order_prefix(book: Book) -> str:
    """What every client order id of this account begins with."""
    return installation_prefix(book.account.opened.installation, book.account_name)


def _lay_out(book: Book, proposal: EntryProposal, now: datetime) -> Iterator[Command]:
    if not proposal.is_pyramid:
        yield _open_group(book, proposal, now)
    admitted = PyramidAdmitted(
        group_id=proposal.group_id,
        pyramid_id=proposal.pyramid_id,
        index=proposal.index,
        signal_id=proposal.signal_id,
    )
    yield AdmitPyramid(group_id=proposal.group_id, admitted=admitted)
    yield PlanPyramid(pyramid_id=proposal.pyramid_id, plan=_pyramid(proposal, now))
    for leg in proposal.legs:
        yield PlanLeg(leg_id=leg.leg_id, plan=_leg(proposal, leg, now))


def _open_group(book: Book, proposal: EntryProposal, now: datetime) -> OpenPositionGroup:
    bound = resolve(book.account.settings, proposal.symbol, proposal.timeframe)
    opened = PositionGroupOpened(
        group_id=proposal.group_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
        signal_id=proposal.signal_id,
        grid=bound.grid,
        exits=bound.exits,
        capital=bound.capital,
        settings_version=book.account.settings_version,
        opened_at=now,
    )
    return OpenPositionGroup(group_id=proposal.group_id, opened=opened)


def _pyramid(proposal: EntryProposal, now: datetime) -> PyramidPlanned:
    return PyramidPlanned(
        pyramid_id=proposal.pyramid_id,
        group_id=proposal.group_id,
        index=proposal.index,
        signal_id=proposal.signal_id,
        symbol=proposal.symbol,
        side=proposal.side,
        entry_price=proposal.entry_price,
        capital=proposal.capital,
        leg_ids=tuple(leg.leg_id for leg in proposal.legs),
        skipped=proposal.skipped,
        planned_at=now,
    )


def _leg(proposal: EntryProposal, proposed: ProposedLeg, now: datetime) -> LegPlanned:
    leg = proposed.leg
    return LegPlanned(
        leg_id=proposed.leg_id,
        group_id=proposal.group_id,
        pyramid_id=proposal.pyramid_id,
        index=leg.index,
        signal_id=proposal.signal_id,
        symbol=proposal.symbol,
        side=proposal.side,
        price=leg.price,
        quantity=leg.quantity,
        gap_percent=leg.gap_percent,
        weight_percent=leg.weight_percent,
        take_profit_percent=leg.take_profit_percent,
        contract_size=proposal.contract_size,
        reserve_price=proposed.reserve_price,
        planned_at=now,
    )


def _entry_order(book: Book, plan: LegPlanned, attempt: int, now: datetime) -> OrderRequested:
    return OrderRequested(
        client_order_id=client_order_id(order_prefix(book), plan.leg_id, "entry", attempt),
        purpose="entry",
        symbol=plan.symbol,
        side=entry_side(plan.side),
        quantity=plan.quantity,
        price=plan.price,
        time_in_force="gtc",
        reduce_only=False,
        group_id=plan.group_id,
        pyramid_id=plan.pyramid_id,
        leg_id=plan.leg_id,
        signal_id=plan.signal_id,
        attempt=attempt,
        requested_at=now,
        send_before=now + SEND_WITHIN,
    )
