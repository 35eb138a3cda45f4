"""The projected offset: who would be paid down next, by whom, and what keeps the others out."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

import msgspec

from application.book import Book
from application.processes.freshness import mark_age
from application.processes.offset_choosing import drawn, may_pay, next_turn, obstacle
from application.processes.offset_criteria import due_at, eligibility, is_eligible
from application.processes.offset_orders import WAIVED
from application.processes.offset_trades import losing, trade_of
from domain.holds import TradingState
from domain.instrument import PositionSide
from domain.message import MarkSeen
from domain.money import DECISION_CONTEXT, ZERO
from domain.offset import Offset, OffsetTrigger
from domain.offset_plan import OffsetTrade, Plan, loss_percent, net_gain
from domain.offset_terms import Criterion
from domain.offset_watch import Bar
from domain.position_group import PositionGroup


class GroupOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """One open trade as offsets see it. Money in the capital currency, net of exit fees.

    `price` is the touch it would be sold to, else the mark, as old as `mark_age_seconds`; no
    price: not known, or nothing of it is free. `due_at` is when its wait is over. `may_pay`: it
    would be a winner. `declined` is why nothing was done for it the last time.
    """

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    opened_at: datetime
    quantity: Decimal
    price: Decimal | None
    mark_age_seconds: int | None
    net_gain: Decimal | None
    loss_percent: Decimal | None
    timer_started_at: datetime | None
    due_at: datetime | None
    barred: Bar | None
    declined: str
    is_eligible: bool
    may_pay: bool
    criteria: tuple[Criterion, ...]


class WinnerOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """What a winner would sell, in contracts, asked to earn `need`, and earn by that."""

    group_id: str
    symbol: str
    side: PositionSide
    price: Decimal
    gain: Decimal
    need: Decimal
    quantity: Decimal
    expected: Decimal


class PlanOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """What would be done for a loser by the marks of now.

    `trigger` rule: it is due. `operator`: nobody is due, an operator could run this. `needed`
    closes it whole; `loser_quantity` of it is what the winners pay for, no worse than at
    `loser_bound`. `reason` is why it would not be done; empty: it would.
    """

    trigger: OffsetTrigger
    loser_group_id: str
    loser_symbol: str
    needed: Decimal
    expected: Decimal
    is_covered: bool
    is_feasible: bool
    reason: str
    loser_quantity: Decimal
    loser_bound: Decimal
    winners: tuple[WinnerOutlook, ...]


class OffsetOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """The offsets of an account as they stand at `as_of`; prices move, and the plan with them.

    `obstacle` is why none may begin at all now. `passed_over`: losers whose turn would come and
    go once. `plan` none: no trade in loss could be paid down. `under_way` is the saga's own
    state, with every step it took.
    """

    account: str
    as_of: datetime
    enabled: bool
    trading_state: TradingState
    obstacle: str
    groups: tuple[GroupOutlook, ...]
    passed_over: tuple[str, ...]
    plan: PlanOutlook | None
    under_way: Offset | None


def outlook_of(book: Book, now: datetime) -> OffsetOutlook:
    """What the rules make of the Book and its marks at `now`. It decides nothing."""
    with localcontext(DECISION_CONTEXT):
        turn = next_turn(book, now)
        projected = _plan(turn.plan, "rule") if turn.plan is not None else _on_order(book, now)
        return OffsetOutlook(
            account=book.account_name,
            as_of=now,
            enabled=book.account.settings.risk.offset.enabled,
            trading_state=book.brakes.trading_state,
            obstacle=obstacle(book),
            groups=tuple(_group(book, group, now) for group in book.open_groups()),
            passed_over=turn.passed_over,
            plan=projected,
            under_way=book.offset,
        )


def see_marks(book: Book, live: Iterable[MarkSeen]) -> None:
    """Look at the Book by marks as they pass, where they are newer than those the log holds."""
    newer = {mark.symbol: mark for mark in live if _is_newer(book, mark)}
    book.marks = {**book.marks, **newer}


def is_watched(book: Book) -> bool:
    """Whether an engine that offsets losers has worked this account; before, there is no plan."""
    return book.is_opened and book.state(book.stream_of("offset_watch", "")) is not None


def _is_newer(book: Book, mark: MarkSeen) -> bool:
    known = book.marks.get(mark.symbol)
    return known is None or known.at < mark.at


def _on_order(book: Book, now: datetime) -> PlanOutlook | None:
    """What an operator's run would begin; the trade in loss it would take, feasible or not."""
    groups = (group for group in book.open_groups() if is_eligible(book, group, now, WAIVED))
    trades = (trade_of(book, group) for group in groups)
    losers = losing(trade for trade in trades if trade is not None)
    barred = book.offset_watch.barred
    loser = next((each for each in losers if each.group_id not in barred), None)
    return _plan(drawn(book, loser, now), "operator") if loser is not None else None


def _group(book: Book, group: PositionGroup, now: datetime) -> GroupOutlook:
    opened, watch = group.opened, book.offset_watch
    trade = trade_of(book, group)
    age = mark_age(book, opened.symbol, now)
    gain = net_gain(trade) if trade is not None else None
    criteria = eligibility(book, group, now)
    return GroupOutlook(
        group_id=opened.group_id,
        symbol=opened.symbol,
        timeframe=opened.timeframe,
        side=opened.side,
        opened_at=opened.opened_at,
        quantity=_quantity(trade),
        price=trade.price if trade is not None else None,
        mark_age_seconds=age // timedelta(seconds=1) if age is not None else None,
        net_gain=gain,
        loss_percent=loss_percent(trade) if trade is not None else None,
        timer_started_at=watch.timers.get(opened.group_id),
        due_at=due_at(book, opened.group_id),
        barred=watch.barred.get(opened.group_id),
        declined=watch.declined.get(opened.group_id, ""),
        is_eligible=all(each.passed for each in criteria),
        may_pay=gain is not None and gain > ZERO and may_pay(book, group, "", now),
        criteria=criteria,
    )


def _quantity(trade: OffsetTrade | None) -> Decimal:
    return trade.quantity if trade is not None else ZERO


def _plan(made: Plan, trigger: OffsetTrigger) -> PlanOutlook:
    return PlanOutlook(
        trigger=trigger,
        loser_group_id=made.loser.group_id,
        loser_symbol=made.loser.symbol,
        needed=made.needed,
        expected=made.expected,
        is_covered=made.is_covered,
        is_feasible=made.is_feasible,
        reason=made.reason,
        loser_quantity=made.reduction.quantity,
        loser_bound=made.reduction.bound,
        winners=tuple(
            WinnerOutlook(
                group_id=winner.trade.group_id,
                symbol=winner.trade.symbol,
                side=winner.trade.side,
                price=winner.trade.price,
                gain=net_gain(winner.trade),
                need=winner.need,
                quantity=winner.part.quantity,
                expected=winner.part.expected,
            )
            for winner in made.winners
        ),
    )
