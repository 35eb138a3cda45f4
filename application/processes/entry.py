"""An approved entry becomes a group, a pyramid, its legs and their orders, all at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.journal import Recorded
from domain.dca_leg import LegPlanned, PlanLeg
from domain.gate import EntryProposal, ProposedLeg
from domain.identity import client_order_id, installation_prefix
from domain.instrument import entry_side
from domain.message import Command
from domain.order import OrderRequested, RequestOrder
from domain.position_group import AdmitPyramid, OpenPositionGroup
from domain.pyramid import PlanPyramid, PyramidPlanned
from domain.risk_engine import RiskApproved
from domain.settings import resolve

# An entry that could not be sent for this long belongs to a market that has moved on.
SEND_WITHIN = timedelta(seconds=60)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Lay out what the gate approved, and ask for each leg's order."""
    match recorded.event:
        case RiskApproved(proposal=proposal):
            yield from _lay_out(book, proposal, recorded.at)
        case LegPlanned() as plan:
            requested = _entry_order(book, plan)
            yield RequestOrder(client_order_id=requested.client_order_id, requested=requested)
        case _:
            return


def order_prefix(book: Book) -> str:
    """What every client order id of this account begins with."""
    return installation_prefix(book.account.opened.installation, book.account_name)


def _lay_out(book: Book, proposal: EntryProposal, now: datetime) -> Iterator[Command]:
    if not proposal.is_pyramid:
        yield _open_group(book, proposal, now)
    yield AdmitPyramid(
        group_id=proposal.group_id,
        pyramid_id=proposal.pyramid_id,
        index=proposal.index,
        signal_id=proposal.signal_id,
    )
    yield PlanPyramid(pyramid_id=proposal.pyramid_id, plan=_pyramid(proposal, now))
    for leg in proposal.legs:
        yield PlanLeg(leg_id=leg.leg_id, plan=_leg(proposal, leg, now))


def _open_group(book: Book, proposal: EntryProposal, now: datetime) -> OpenPositionGroup:
    bound = resolve(book.account.settings, proposal.symbol, proposal.timeframe)
    return OpenPositionGroup(
        group_id=proposal.group_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
        signal_id=proposal.signal_id,
        grid=bound.grid,
        exits=bound.exits,
        capital=bound.capital,
        settings_version=book.account.settings_version,
        now=now,
    )


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


def _entry_order(book: Book, plan: LegPlanned) -> OrderRequested:
    return OrderRequested(
        client_order_id=client_order_id(order_prefix(book), plan.leg_id, "entry", 1),
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
        attempt=1,
        requested_at=plan.planned_at,
        send_before=plan.planned_at + SEND_WITHIN,
    )
