"""An approved entry becomes a group, a pyramid, its legs and their orders, all at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.journal import Recorded
from application.processes.day_loss import day_loss
from application.processes.order_sides import position_side_of
from domain.dca_leg import LegEntryFilled, LegPlanned, PlanLeg, RecordLegEntryEnded
from domain.gate import EntryProposal, ProposedLeg
from domain.identity import client_order_id, installation_prefix
from domain.instrument import entry_side
from domain.message import Command
from domain.money import ZERO
from domain.order import Order, OrderExpired, OrderRequested, RequestOrder, RequestOrderCancel
from domain.order_terms import OrderStatus, TimeInForce
from domain.position_group import (
    AdmitPyramid,
    OpenPositionGroup,
    PositionGroupOpened,
    PyramidAdmitted,
)
from domain.pyramid import PlanPyramid, PyramidPlanned
from domain.risk_engine import RiskApproved
from domain.settings import GridSettings, resolve

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
            yield _first_attempt(book, plan)
        case LegEntryFilled(leg_id=leg_id):
            yield from _call_off_excess(book, leg_id)
        case OrderExpired(client_order_id=client_order_id):
            order = book.order(client_order_id)
            if order is not None and is_wanted_again(book, order):
                leg = book.leg(order.request.leg_id)
                assert leg is not None, f"order {client_order_id} serves an unknown leg"
                attempt = order.request.attempt + 1
                yield request_entry(entry_order(book, leg.plan, attempt, recorded.at))
        case _:
            return


def _first_attempt(book: Book, plan: LegPlanned) -> Command:
    """What was approved and is held back within the same input is never asked for."""
    if book.brakes.trading_state != "active":
        return RecordLegEntryEnded(leg_id=plan.leg_id, reason="trading was held back meanwhile")
    return request_entry(entry_order(book, plan, 1, plan.planned_at))


def is_wanted_again(book: Book, order: Order) -> bool:
    """Whether an entry that ended without a trade lives on in another order of its leg.

    Either it has a successor already, or it never reached the venue and is to be tried once
    more: its reservation still stands.
    """
    if order.request.purpose != "entry" or order.cancel_requested:
        return False
    if entry_of(book, order.request.leg_id, order.request.attempt + 1) is not None:
        return True
    is_unsent = order.status is OrderStatus.EXPIRED
    return (
        is_unsent
        and order.request.attempt < ENTRY_ATTEMPTS_MAX
        and may_still_enter(book, order.request)
    )


def may_still_enter(book: Book, request: OrderRequested) -> bool:
    """Whether an entry may be sent anew: nothing is, once new exposure is not wanted any more.

    That is against a closing, a halted pyramid, whatever holds trading back, a discrepancy or
    the day's loss. A hold counts from the moment it was placed.
    """
    group, pyramid = book.group(request.group_id), book.pyramid(request.pyramid_id)
    return (
        group is not None
        and group.is_open
        and pyramid is not None
        and not pyramid.halted
        and book.risk.trading_state == "active"
        and book.brakes.trading_state == "active"
        and not book.holdings.disputes(request.symbol)
        and day_loss(book).allows(book.account.settings.risk.max_daily_loss)
    )


def entry_of(book: Book, leg_id: str, attempt: int) -> Order | None:
    """The order of a leg's nth attempt to enter, if it was ever made."""
    return book.order(client_order_id(order_prefix(book), leg_id, "entry", attempt))


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


def request_entry(requested: OrderRequested) -> RequestOrder:
    """The command that asks for an order."""
    return RequestOrder(client_order_id=requested.client_order_id, requested=requested)


def order_prefix(book: Book) -> str:
    """What every client order id of this account begins with."""
    return installation_prefix(book.account.opened.installation, book.account_name)


def _lay_out(book: Book, proposal: EntryProposal, now: datetime) -> Iterator[Command]:
    """Without legs only the group and its pyramid's place: it waits for the market's rules."""
    if not proposal.is_pyramid:
        yield _open_group(book, proposal, now)
    admitted = PyramidAdmitted(
        group_id=proposal.group_id,
        pyramid_id=proposal.pyramid_id,
        index=proposal.index,
        signal_id=proposal.signal_id,
    )
    yield AdmitPyramid(group_id=proposal.group_id, admitted=admitted)
    if proposal.waits_for_rules:
        return
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
        stop_loss=proposal.stop_loss,
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


def entry_order(book: Book, plan: LegPlanned, attempt: int, now: datetime) -> OrderRequested:
    """A leg's order: a limit that rests, or one that takes at once what its bound lets it."""
    group = book.group(plan.group_id)
    assert group is not None, f"leg {plan.leg_id} enters a group that is not open"
    return OrderRequested(
        client_order_id=client_order_id(order_prefix(book), plan.leg_id, "entry", attempt),
        purpose="entry",
        symbol=plan.symbol,
        side=entry_side(plan.side),
        quantity=plan.quantity,
        price=plan.price,
        time_in_force=_time_in_force(group.opened.grid, plan),
        reduce_only=False,
        group_id=plan.group_id,
        pyramid_id=plan.pyramid_id,
        leg_id=plan.leg_id,
        signal_id=plan.signal_id,
        attempt=attempt,
        requested_at=now,
        send_before=now + SEND_WITHIN,
        position_side=position_side_of(group),
    )


def _time_in_force(grid: GridSettings, plan: LegPlanned) -> TimeInForce:
    """A leg without a gap may be told to buy at once; what rests may be told never to take."""
    if grid.entry_order == "market" and plan.gap_percent == ZERO:
        return "ioc"
    return "post_only" if grid.post_only else "gtc"
