"""What the gate reads of the Book: marks, money, orders and the position an entry would join."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.processes.day_loss import day_loss
from application.processes.equity import worth_of
from application.processes.margin import free_now, leverage_of
from application.processes.positions import SIDES, baseline_of, dust_of, foreign_quantity
from domain.day_loss import DayLoss
from domain.dca_leg import DCALeg
from domain.gate import EntryProposal, GateFacts, MarketRules
from domain.gate_limits import rests_a_stop
from domain.instrument import Instrument
from domain.liquidation import Stake
from domain.money import ZERO
from domain.position_group import PositionGroup
from domain.settings import resolve


class MoneyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the account as a whole is worth, lost and has free; no refusal changes it."""

    day_loss: DayLoss
    equity: Decimal | None
    peak: Decimal | None
    free_balance: Decimal | None


def money_facts(book: Book) -> MoneyFacts:
    """The same for whatever proposal is judged next."""
    worth = worth_of(book)
    return MoneyFacts(
        day_loss=day_loss(book),
        equity=worth.equity if worth is not None else None,
        peak=book.equity.peak_of(worth) if worth is not None else None,
        free_balance=free_now(book),
    )


def gate_facts(
    book: Book, proposal: EntryProposal, now: datetime, money: MoneyFacts | None = None
) -> GateFacts:
    """What the gate reads beside the risk engine's own state.

    `money`: known from the proposal that was judged before; none = to be found out.
    """
    settings, symbol = book.account.settings, proposal.symbol
    instrument, group = book.instrument(symbol), book.group(proposal.group_id)
    bound = resolve(settings, symbol, proposal.timeframe)
    known = money or money_facts(book)
    groups = [group for group in book.open_groups() if group.opened.symbol == symbol]
    stakes = _stakes(book, proposal, groups)
    return GateFacts(
        risk=settings.risk,
        pool=settings.pool,
        currency=book.account.opened.currency,
        settle=instrument.settle if instrument is not None else "",
        leverage=bound.capital.leverage,
        mark=book.marks.get(symbol),
        now=now,
        has_discrepancy=bool(book.holdings.disputes(symbol)),
        foreign=foreign_quantity(book, symbol),
        instrument=instrument,
        day_loss=known.day_loss,
        equity=known.equity,
        peak=known.peak,
        free_balance=known.free_balance,
        last_loss_at=book.risk.last_losses.get(symbol),
        orders=_orders(book, symbol, groups),
        position=sum((stake.quantity for stake in stakes), _apart(book, symbol)),
        stakes=stakes,
        exits=group.opened.exits if group is not None else bound.exits,
        stop_loss=group.opened.stop_loss if group is not None else proposal.stop_loss,
        best=group.best if group is not None else None,
        hedge_mode=settings.capital.hedge_mode,
        market_rules=_market_rules(instrument),
        held=book.brakes.trading_state,
        reserved_leverage=leverage_of(book, proposal.group_id) if group is not None else None,
    )


def _market_rules(instrument: Instrument | None) -> MarketRules:
    if instrument is None or not instrument.is_complete:
        return "missing"
    return "fallback" if instrument.fallback else "venue"


def _apart(book: Book, symbol: str) -> Decimal:
    """Contracts of a symbol that are in no lot: dust and what is foreign, by either side."""
    held = [(symbol, side) for side in SIDES]
    return sum((abs(dust_of(book, each)) + abs(baseline_of(book, each)) for each in held), ZERO)


def _orders(book: Book, symbol: str, groups: list[PositionGroup]) -> int:
    """Working orders of a symbol, with every order that its lots and entries may still need.

    A leg may have an entry and an exit at the venue at once, a group a stop beside them; one
    that is just being replaced will be back.
    """
    working = [o.request.purpose for o in book.working_orders() if o.request.symbol == symbol]
    legs = [leg for group in groups for leg in book.legs_of(group)]
    entering = [leg for leg in legs if leg.resting_quantity > ZERO]
    leaving = [leg for leg in legs if leg.resting_quantity > ZERO or leg.lot.quantity > ZERO]
    entries, stops = working.count("entry"), working.count("stop")
    opened = [group.opened for group in groups]
    guarded = [each for each in opened if rests_a_stop(each.exits, each.stop_loss)]
    return (
        max(entries, len(entering))
        + max(stops, len(guarded))
        + max(len(working) - entries - stops, len(leaving))
    )


def _stakes(book: Book, proposal: EntryProposal, groups: list[PositionGroup]) -> tuple[Stake, ...]:
    """The lots and resting entries of the position that the proposal would enlarge."""
    same = [group for group in groups if group.opened.side == proposal.side]
    return tuple(
        stake
        for group in same
        for leg in book.legs_of(group)
        for stake in _of_leg(leg, leverage_of(book, group.opened.group_id))
    )


def _of_leg(leg: DCALeg, leverage: int) -> Iterator[Stake]:
    plan, held = leg.plan, leg.lot.quantity
    if held > ZERO:
        price = leg.lot.cost / (held * plan.contract_size)
        yield Stake(group_id=plan.group_id, price=price, quantity=held, leverage=leverage)
    if leg.resting_quantity > ZERO:
        yield Stake(
            group_id=plan.group_id,
            price=plan.price,
            quantity=leg.resting_quantity,
            leverage=leverage,
        )
