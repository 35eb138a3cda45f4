"""A loser is paid down by winners: the saga, one step after another, resumable anywhere."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.freshness import is_fresh
from application.processes.offset_counting import (
    counted,
    realized_of,
    sales_since,
    unvalued_fees,
    waits_for_fee,
)
from application.processes.offset_settling import (
    LOSER_ATTEMPTS,
    RECOVERED,
    exhausted,
    obstacle,
    over,
    rest_of,
    settlement,
)
from application.processes.offset_trades import trade_of
from domain.dca_leg import LegExitFilled, LegFeeValued
from domain.holdings import FeeValued
from domain.message import Command
from domain.money import ZERO
from domain.offset import (
    EndLoser,
    EndWinner,
    LoserOutcome,
    Offset,
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetRealized,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
    PlannedWinner,
    StartLoser,
    StartWinner,
    WinnerOutcome,
)
from domain.offset_plan import OffsetTrade, loser_part, net_gain, winner_part
from domain.offset_watch import OffsetBarred
from domain.position_group import (
    CloseAttempted,
    PositionGroup,
    PositionGroupClosed,
    PositionGroupClosing,
    ReductionEnded,
    ReductionStarted,
    StartReduction,
)
from domain.risk_engine import TradingStateChanged


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Go on with every fact that may end a step, count what sales realized, end the whole.

    What is to be done next is derived from the Book each time: after a crash it just goes on.
    """
    offset = book.offset
    if offset is None:
        return
    match recorded.event:
        case (
            OffsetPlanned()
            | OffsetWinnerEnded()
            | OffsetLoserEnded()
            | OffsetRealized()
            | OffsetBarred()
            | ReductionEnded()
            | CloseAttempted()
            | PositionGroupClosing()
            | PositionGroupClosed()
            | TradingStateChanged()
            | ClockTicked()
        ):
            yield from _carried_on(book, offset, recorded.at)
        case (LegExitFilled() | LegFeeValued() | FeeValued()) as told:
            yield from counted(book, offset, told)
        case OffsetSettled() as settled:
            yield from over(book, offset, settled)
        case _:
            return


def _carried_on(book: Book, offset: Offset, now: datetime) -> Iterator[Command]:
    """One step at a time: the next begins when what the last one sold is known."""
    if offset.settled is not None:
        return
    if offset.winner is not None:
        yield from _winner_over(book, offset.winner, now)
    elif offset.loser is not None:
        yield from _loser_over(book, offset, offset.loser, now)
    else:
        yield from _next_step(book, offset, now)


def _next_step(book: Book, offset: Offset, now: datetime) -> Iterator[Command]:
    """The next winner, then the loser, unless the whole is over.

    It waits while a fee has no value, the loser is sold otherwise, or its price is too old.
    """
    if book.brakes.trading_state == "halted":
        yield settlement(offset, "trading was halted", now, halted=True)
        return
    if waits_for_fee(book, offset):
        return
    loser, reason = book.group(offset.planned.loser.group_id), obstacle(book, offset)
    if loser is None or reason:
        yield settlement(offset, reason, now)
        return
    trade = trade_of(book, loser)
    if loser.reducing or trade is None or not is_fresh(book, trade.symbol, now):
        return
    winner, needed = offset.next_winner, -net_gain(trade)
    if needed <= ZERO:
        yield settlement(offset, RECOVERED, now)
    elif winner is not None:
        yield from _winner_turn(book, offset, (winner, needed - offset.earned), now)
    else:
        yield from _loser_turn(book, offset, (loser, trade), now)


def _winner_turn(
    book: Book, offset: Offset, turn: tuple[PlannedWinner, Decimal], now: datetime
) -> Iterator[Command]:
    """Sell what earns the need that is left, by the prices of now."""
    winner, need = turn
    group = book.group(winner.group_id)
    passed = _passed_over(book, winner, need)
    if passed is not None or group is None:
        yield _passing(offset, winner, passed or "gone", now)
        return
    trade = trade_of(book, group)
    if group.reducing or trade is None or not is_fresh(book, trade.symbol, now):
        return
    least = book.account.settings.risk.offset.min_close_notional
    part = winner_part(trade, need, least)
    if not part.parts:
        why: WinnerOutcome = "no_profit" if net_gain(trade) <= ZERO else "unsold"
        yield _passing(offset, winner, why, now)
        return
    started = OffsetWinnerStarted(
        offset_id=offset.planned.offset_id,
        group_id=winner.group_id,
        need=need,
        parts=part.parts,
        realized_before=realized_of(book, group),
        started_at=now,
        bound=part.bound,
    )
    yield StartWinner(offset_id=started.offset_id, started=started)
    yield _reduction(started, f"offset {started.offset_id}: earns for a loser")


def _passed_over(book: Book, winner: PlannedWinner, need: Decimal) -> WinnerOutcome | None:
    """Why a winner's turn passes without a sale; None: it may pay."""
    group = book.group(winner.group_id)
    if group is None or group.closed is not None:
        return "gone"
    if not group.is_open:
        return "closing"
    if book.offset_watch.barred.get(winner.group_id) == "blocked":
        return "blocked"
    if need <= ZERO:
        return "not_needed"
    return None if rest_of(book, group) > ZERO else "unsold"


def _passing(
    offset: Offset, winner: PlannedWinner, outcome: WinnerOutcome, now: datetime
) -> EndWinner:
    ended = OffsetWinnerEnded(
        offset_id=offset.planned.offset_id,
        group_id=winner.group_id,
        earned=ZERO,
        outcome=outcome,
        ended_at=now,
    )
    return EndWinner(offset_id=ended.offset_id, ended=ended)


def _loser_turn(
    book: Book, offset: Offset, turn: tuple[PositionGroup, OffsetTrade], now: datetime
) -> Iterator[Command]:
    """Sell what the profit pays for, by the prices of now, and no worse than it pays for."""
    group, trade = turn
    attempt = offset.loser_attempts + 1
    part = loser_part(trade, offset.budget)
    if attempt > LOSER_ATTEMPTS or not part.parts:
        yield settlement(offset, exhausted(offset), now)
        return
    started = OffsetLoserStarted(
        offset_id=offset.planned.offset_id,
        group_id=trade.group_id,
        attempt=attempt,
        budget=offset.budget,
        parts=part.parts,
        bound=part.bound,
        realized_before=realized_of(book, group),
        started_at=now,
    )
    yield StartLoser(offset_id=started.offset_id, started=started)
    reason = f"offset {started.offset_id}: winners pay for it, attempt {attempt}"
    yield _reduction(started, reason)


def _reduction(started: OffsetWinnerStarted | OffsetLoserStarted, reason: str) -> StartReduction:
    reduction = ReductionStarted(
        group_id=started.group_id,
        reason=reason,
        signal_id="",
        parts=started.parts,
        started_at=started.started_at,
        bound=started.bound,
    )
    return StartReduction(group_id=reduction.group_id, started=reduction)


def _winner_over(book: Book, started: OffsetWinnerStarted, now: datetime) -> Iterator[Command]:
    """What its own exits, stop or close sell meanwhile counts: it is over when all is known."""
    group = book.group(started.group_id)
    is_known = group is None or group.closed is not None or not group.reducing
    if group is not None and not group.is_open and group.closed is None:
        is_known = rest_of(book, group) == ZERO
    if not is_known:
        return
    earned = ZERO if group is None else realized_of(book, group) - started.realized_before
    ended = OffsetWinnerEnded(
        offset_id=started.offset_id,
        group_id=started.group_id,
        earned=earned,
        outcome=_winner_outcome(book, group, started),
        ended_at=now,
        trades=tuple(trade for sale in sales_since(book, started) for trade in sale.trade_ids),
        unvalued=() if group is None else unvalued_fees(book, group),
    )
    yield EndWinner(offset_id=started.offset_id, ended=ended)


def _loser_over(
    book: Book, offset: Offset, started: OffsetLoserStarted, now: datetime
) -> Iterator[Command]:
    """Over once its reduction has ended and every order that kept the bound is final."""
    group = book.group(started.group_id)
    if group is not None and (group.bound is not None or _is_in_flight(book, group)):
        return
    ended = OffsetLoserEnded(
        offset_id=started.offset_id,
        group_id=started.group_id,
        realized=offset.sold_so_far,
        outcome=_loser_outcome(book, group, started),
        ended_at=now,
    )
    yield EndLoser(offset_id=started.offset_id, ended=ended)


def _is_in_flight(book: Book, group: PositionGroup) -> bool:
    orders = (book.order(identity) for identity in group.bounded_sales)
    last = group.last_attempt
    # Decided a moment ago, its order follows within the same input.
    is_asked = last is not None and last.client_order_id in group.bounded_sales
    is_coming = is_asked and last is not None and book.order(last.client_order_id) is None
    return is_coming or any(order is not None and not order.is_final for order in orders)


def _winner_outcome(
    book: Book, group: PositionGroup | None, started: OffsetWinnerStarted
) -> WinnerOutcome:
    """What the winner's own exits sold of its parts is sold as well."""
    if group is None:
        return "gone"
    planned, sold = _planned(started), _sold(book, started)
    if sold < planned and not group.is_open:
        return "closing"
    legs = {part.leg_id: book.leg(part.leg_id) for part in started.parts}
    for part in started.parts:
        leg = legs[part.leg_id]
        planned -= leg.sold - part.sold_before if leg is not None else ZERO
    if planned <= ZERO:
        return "sold"
    return "part_sold" if planned < _planned(started) else "unsold"


def _loser_outcome(
    book: Book, group: PositionGroup | None, started: OffsetLoserStarted
) -> LoserOutcome:
    """What the step's own sales made of it."""
    if group is None:
        return "gone"
    sold = _sold(book, started)
    if sold >= _planned(started):
        return "closed" if rest_of(book, group) == ZERO else "sold"
    if not group.is_open:
        return "closing"
    return "part_sold" if sold > ZERO else "unsold"


def _planned(started: OffsetWinnerStarted | OffsetLoserStarted) -> Decimal:
    return sum((part.quantity for part in started.parts), ZERO)


def _sold(book: Book, started: OffsetWinnerStarted | OffsetLoserStarted) -> Decimal:
    """Contracts that the sales of a step sold."""
    return sum((order.filled for order in sales_since(book, started)), ZERO)
