"""What an entry would be if it were approved now: its price, its ladder, its capital."""

from decimal import Decimal

import msgspec

from application.book import Book
from application.processes.equity import equity_of
from domain.gate import EntryProposal, ProposedLeg
from domain.grid import AtMarket, LegPlan, PlannedLeg, PlanRequest, plan_legs, pyramid_capital
from domain.identity import group_id, leg_id, pyramid_id
from domain.instrument import Instrument, PositionSide, entry_side, notional
from domain.ladders import ladder_of
from domain.money import ZERO, plain
from domain.position_group import PositionGroup
from domain.settings import Bound, resolve
from domain.touch import taking_bound
from domain.waiting_entry import EntryAwaited


class EntryWish(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to enter at `price`; `group` is the open group a pyramid would join.

    `waited`: it was let in before the market's rules were known.
    """

    signal_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    price: Decimal
    group: PositionGroup | None = None
    waited: EntryAwaited | None = None
    promoted: bool = False
    stop_loss: Decimal | None = None
    max_slippage_percent: Decimal | None = None

    @property
    def index(self) -> int:
        """The number of its pyramid within the group, from 0."""
        if self.waited is not None:
            return self.waited.index
        return len(self.group.pyramid_ids) if self.group is not None else 0


class NoProposal(msgspec.Struct, frozen=True, kw_only=True):
    """No ladder can be laid out for this wish, and why; a `transient` reason may pass."""

    reason: str
    transient: bool = False


NO_MARK = NoProposal(reason="mark_fresh", transient=True)


def propose(book: Book, wish: EntryWish) -> EntryProposal | NoProposal:
    """Lay out the ladder a wish would get. Nothing is decided yet.

    Without the market's rules nothing can be laid out: the proposal then has no legs, and
    asks to wait for the rules with its whole capital reserved.
    """
    instrument = book.instrument(wish.symbol)
    if instrument is None:
        return NoProposal(reason=f"no market rules are known for {wish.symbol}")
    bound = bound_settings(book, wish)
    capital = _capital(book, wish, bound)
    if capital is None:
        return NO_MARK
    if not instrument.is_complete and capital > ZERO:
        return _proposal(book, wish, capital, LegPlan(legs=()))
    at_market = _at_market(book, wish, bound, instrument)
    if isinstance(at_market, NoProposal):
        return at_market
    plan = plan_legs(
        PlanRequest(
            instrument=instrument,
            side=wish.side,
            entry_price=wish.price,
            pyramid_capital=capital,
            legs=ladder_of(bound.grid, wish.index),
            undersized_leg=bound.grid.undersized_leg,
            at_market=at_market,
        )
    )
    if not plan.legs:
        return NoProposal(reason=_too_small(capital, plan.smallest_budget, bound))
    return _proposal(book, wish, capital, plan)


def _proposal(book: Book, wish: EntryWish, capital: Decimal, plan: LegPlan) -> EntryProposal:
    instrument = book.instrument(wish.symbol)
    assert instrument is not None, f"an entry in {wish.symbol} was laid out without a market"
    group = _group_id(book, wish)
    pyramid = pyramid_id(group, wish.index)
    return EntryProposal(
        signal_id=wish.signal_id,
        group_id=group,
        pyramid_id=pyramid,
        index=wish.index,
        symbol=wish.symbol,
        timeframe=wish.timeframe,
        side=wish.side,
        entry_price=wish.price,
        capital=capital,
        contract_size=instrument.contract_size,
        legs=tuple(_leg(book, instrument, wish, pyramid, leg) for leg in plan.legs),
        skipped=plan.skipped,
        promoted=wish.promoted,
        stop_loss=wish.stop_loss,
        max_slippage_percent=wish.max_slippage_percent,
    )


def _capital(book: Book, wish: EntryWish, bound: Bound) -> Decimal | None:
    """What the pyramid may commit; None while a share of the equity cannot be told.

    An entry that waited keeps the capital it reserved.
    """
    if wish.waited is not None:
        return wish.waited.capital
    by_equity = bound.capital.group_budget_rule == "equity_share"
    is_listed = isinstance(bound.capital.pyramid_capital, tuple)
    equity = equity_of(book) if by_equity and not is_listed else None
    if by_equity and not is_listed and equity is None:
        return None
    slots = book.account.settings.pool.max_open_groups
    return pyramid_capital(bound.capital, bound.grid, equity, slots, wish.index)


def _at_market(
    book: Book, wish: EntryWish, bound: Bound, instrument: Instrument
) -> AtMarket | NoProposal | None:
    """How legs without a gap enter at once, if they do: bounded by the slippage allowed.

    A bounded limit instead of a market order: no gap in the book can ever make the leg cost
    more than was reserved. The signal's own slippage may only tighten the settings'.
    """
    if bound.grid.entry_order != "market":
        return None
    mark = book.marks.get(wish.symbol)
    if mark is None:
        return NO_MARK
    allowed, own = bound.exits.max_slippage_percent, wish.max_slippage_percent
    slippage = allowed if own is None else max(ZERO, min(allowed, own))
    price = taking_bound(instrument, mark, entry_side(wish.side), slippage)
    return AtMarket(bound=price, cost=price if wish.side == "long" else max(price, mark.price))


def bound_settings(book: Book, wish: EntryWish) -> Bound:
    """An open group's own settings, else today's for its symbol and timeframe."""
    if wish.group is None:
        return resolve(book.account.settings, wish.symbol, wish.timeframe)
    opened = wish.group.opened
    return Bound(grid=opened.grid, exits=opened.exits, capital=opened.capital)


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


def _too_small(capital: Decimal, smallest: Decimal | None, bound: Bound) -> str:
    remedy = f"give it at least {plain(smallest)}" if smallest is not None else "no budget would do"
    split = bound.capital.pyramid_capital == "split"
    part = f", a group's budget split by {bound.grid.max_pyramids}" if split else ""
    return f"every leg is undersized with a pyramid capital of {plain(capital)}{part}: {remedy}"
