"""What an entry would be if it were approved now: its price, its ladder, its capital."""

from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from domain.gate import EntryProposal, GateFacts, ProposedLeg
from domain.grid import PlannedLeg, PlanRequest, ladder_of, plan_legs, pyramid_capital
from domain.identity import group_id, leg_id, pyramid_id
from domain.instrument import Instrument, PositionSide, notional
from domain.money import plain
from domain.position_group import PositionGroup
from domain.settings import Bound, resolve


class EntryWish(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to enter at `price`; `group` is the open group a pyramid would join."""

    signal_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    price: Decimal
    group: PositionGroup | None = None
    promoted: bool = False


class NoProposal(msgspec.Struct, frozen=True, kw_only=True):
    """No ladder can be laid out for this wish, and why."""

    reason: str


def propose(book: Book, wish: EntryWish) -> EntryProposal | NoProposal:
    """Lay out the ladder a wish would get. Nothing is decided yet."""
    instrument = book.instrument(wish.symbol)
    if instrument is None:
        return NoProposal(reason=f"no market rules are known for {wish.symbol}")
    bound = bound_settings(book, wish)
    index = len(wish.group.pyramid_ids) if wish.group is not None else 0
    capital = pyramid_capital(
        bound.capital,
        bound.grid,
        book.risk.balance_total,
        book.account.settings.pool.max_open_groups,
        index,
    )
    plan = plan_legs(
        PlanRequest(
            instrument=instrument,
            side=wish.side,
            entry_price=wish.price,
            pyramid_capital=capital,
            legs=ladder_of(bound.grid, index),
            undersized_leg=bound.grid.undersized_leg,
        )
    )
    if not plan.legs:
        return NoProposal(reason=_too_small(capital, plan.smallest_budget))
    group = _group_id(book, wish)
    pyramid = pyramid_id(group, index)
    return EntryProposal(
        signal_id=wish.signal_id,
        group_id=group,
        pyramid_id=pyramid,
        index=index,
        symbol=wish.symbol,
        timeframe=wish.timeframe,
        side=wish.side,
        entry_price=wish.price,
        capital=capital,
        contract_size=instrument.contract_size,
        legs=tuple(_leg(book, instrument, wish, pyramid, leg) for leg in plan.legs),
        skipped=plan.skipped,
        promoted=wish.promoted,
    )


def bound_settings(book: Book, wish: EntryWish) -> Bound:
    """An open group's own settings, else today's for its symbol and timeframe."""
    if wish.group is None:
        return resolve(book.account.settings, wish.symbol, wish.timeframe)
    opened = wish.group.opened
    return Bound(grid=opened.grid, exits=opened.exits, capital=opened.capital)


def gate_facts(book: Book, proposal: EntryProposal, now: datetime) -> GateFacts:
    """What the gate reads beside the risk engine's own state."""
    settings = book.account.settings
    instrument = book.instrument(proposal.symbol)
    bound = resolve(settings, proposal.symbol, proposal.timeframe)
    return GateFacts(
        risk=settings.risk,
        pool=settings.pool,
        currency=book.account.opened.currency,
        settle=instrument.settle if instrument is not None else "",
        leverage=bound.capital.leverage,
        mark=book.marks.get(proposal.symbol),
        now=now,
    )


def _group_id(book: Book, wish: EntryWish) -> str:
    if wish.group is not None:
        return wish.group.opened.group_id
    return group_id(book.account_name, wish.signal_id)


def _leg(
    book: Book, instrument: Instrument, wish: EntryWish, pyramid: str, leg: PlannedLeg
) -> ProposedLeg:
    """A short may fill above its limit: its reservation counts at the mark if that is higher."""
    mark = book.marks.get(wish.symbol)
    reserve_price = leg.price
    if wish.side == "short" and mark is not None:
        reserve_price = max(leg.price, mark.price)
    return ProposedLeg(
        leg_id=leg_id(pyramid, leg.index),
        leg=leg,
        reserve_price=reserve_price,
        reserve=notional(instrument, reserve_price, leg.quantity),
    )


def _too_small(capital: Decimal, smallest: Decimal | None) -> str:
    remedy = f"give it at least {plain(smallest)}" if smallest is not None else "no budget would do"
    return f"every leg is undersized with a pyramid capital of {plain(capital)}: {remedy}"
