"""Whether a losing trade may be paid down: every condition with its value and its limit."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal

from application.book import Book
from application.processes.entry import ENTRY_ATTEMPTS_MAX, entry_of
from application.processes.freshness import is_fresh, mark_age
from application.processes.offset_trades import trade_of
from domain.dca_leg import DCALeg
from domain.money import ZERO, plain
from domain.offset_plan import loss_percent, net_gain
from domain.offset_terms import Criterion, CriterionName
from domain.position_group import PositionGroup

# An entry refused as post-only is tried again beside those that could not be sent.
_ATTEMPTS_MAX = ENTRY_ATTEMPTS_MAX + 1
_MINUTE = timedelta(minutes=1)
_SHOWN = Decimal("0.0001")


def eligibility(book: Book, group: PositionGroup, now: datetime) -> tuple[Criterion, ...]:
    """Every condition of spec §6 that a loser must meet."""
    return tuple(_criteria(book, group, now))


def is_eligible(
    book: Book, group: PositionGroup, now: datetime, ignoring: AbstractSet[str] = frozenset()
) -> bool:
    """Whether all conditions are met, but for those ignored; asks no further than needed."""
    return all(each.passed or each.name in ignoring for each in _criteria(book, group, now))


def required_pyramids(book: Book, group: PositionGroup) -> int | None:
    """Spec §6: min(`required_pyramids`, `max_pyramids` of the trade itself); none = not asked."""
    rules = book.account.settings.risk.offset
    if not rules.require_full_pyramids:
        return None
    return min(rules.required_pyramids, group.opened.grid.max_pyramids)


def is_full(book: Book, group: PositionGroup) -> bool:
    """Whether it has the pyramids required; where none are, whether it holds anything."""
    required = required_pyramids(book, group)
    if required is None:
        return holds_lots(book, group)
    return len(group.pyramid_ids) >= required


def is_ready(book: Book, group: PositionGroup) -> bool:
    """Whether the trade has come as far as `timer_start` asks before its timer runs."""
    if not is_full(book, group):
        return False
    match book.account.settings.risk.offset.timer_start:
        case "pyramids_full":
            return True
        case "all_legs_submitted":
            legs = _laid_out(book, group)
            return bool(legs) and all(_is_submitted(book, leg) for leg in legs)
        case "all_legs_filled":
            legs = _laid_out(book, group)
            return bool(legs) and all(_is_filled(leg) for leg in legs)


def holds_lots(book: Book, group: PositionGroup) -> bool:
    """Whether any leg has bought something that is not sold."""
    return any(leg.lot.quantity > ZERO for leg in book.legs_of(group))


def gain_of(book: Book, group: PositionGroup, now: datetime) -> Decimal | None:
    """The net gain by a fresh mark, zero without lots; None while it cannot be told.

    That is without a fresh mark, without the market's rules, and while all of it is being sold.
    """
    if not holds_lots(book, group):
        return ZERO
    if not is_fresh(book, group.opened.symbol, now):
        return None
    trade = trade_of(book, group)
    return net_gain(trade) if trade is not None else None


def due_at(book: Book, group_id: str) -> datetime | None:
    """When the wait of a trade is over; None while its timer does not run."""
    started = book.offset_watch.timers.get(group_id)
    wait = book.account.settings.risk.offset.post_full_wait_minutes
    return started + wait * _MINUTE if started is not None else None


def _criteria(book: Book, group: PositionGroup, now: datetime) -> Iterator[Criterion]:
    """The cheapest first: most trades fail by one of them."""
    is_open, is_reducing = group.is_open, bool(group.reducing)
    is_blocked = book.offset_watch.barred.get(group.opened.group_id) == "blocked"
    yield _flag("open", "open" if is_open else "closing", "open", passed=is_open)
    selling = "a part is being sold" if is_reducing else "no part is being sold"
    yield _flag("not_reducing", selling, "no part is being sold", passed=not is_reducing)
    barred = "blocked" if is_blocked else "not blocked"
    yield _flag("not_blocked", barred, "not blocked", passed=not is_blocked)
    yield _full(book, group)
    yield _timer(book, group, now)
    yield _min_age(book, group, now)
    yield _mark(book, group, now)
    yield _loss(book, group)


def _flag(name: CriterionName, value: str, limit: str, *, passed: bool) -> Criterion:
    return Criterion(name=name, value=value, limit=limit, passed=passed)


def _full(book: Book, group: PositionGroup) -> Criterion:
    required = required_pyramids(book, group)
    return Criterion(
        name="full",
        value=str(len(group.pyramid_ids)),
        limit=str(required) if required is not None else None,
        passed=is_full(book, group),
    )


def _timer(book: Book, group: PositionGroup, now: datetime) -> Criterion:
    """In whole minutes; a wait that has not begun is none."""
    started = book.offset_watch.timers.get(group.opened.group_id)
    due = due_at(book, group.opened.group_id)
    return Criterion(
        name="timer",
        value=str((now - started) // _MINUTE) if started is not None else "not started",
        limit=str(book.account.settings.risk.offset.post_full_wait_minutes),
        passed=due is not None and now >= due,
    )


def _min_age(book: Book, group: PositionGroup, now: datetime) -> Criterion:
    limit, age = book.account.settings.risk.offset.min_age_minutes, now - group.opened.opened_at
    return Criterion(
        name="min_age",
        value=str(age // _MINUTE),
        limit=str(limit) if limit is not None else None,
        passed=limit is None or age >= limit * _MINUTE,
    )


def _mark(book: Book, group: PositionGroup, now: datetime) -> Criterion:
    age, limit = mark_age(book, group.opened.symbol, now), _mark_limit(book)
    return Criterion(
        name="mark_fresh",
        value=str(age // timedelta(seconds=1)) if age is not None else None,
        limit=str(limit) if limit is not None else None,
        passed=is_fresh(book, group.opened.symbol, now),
    )


def _mark_limit(book: Book) -> int | None:
    return book.account.settings.risk.max_mark_age_seconds


def _loss(book: Book, group: PositionGroup) -> Criterion:
    """Spec §6: net of exit fees, in percent of what the open lots cost; reached is enough."""
    trade = trade_of(book, group)
    percent = loss_percent(trade) if trade is not None else None
    limit = book.account.settings.risk.offset.loss_threshold_percent
    return Criterion(
        name="loss",
        value=plain(percent.quantize(_SHOWN)) if percent is not None else None,
        limit=plain(limit),
        passed=percent is not None and percent <= limit,
    )


def _laid_out(book: Book, group: PositionGroup) -> tuple[DCALeg, ...]:
    """Every leg of every pyramid; none while one still waits for its market's rules."""
    for pyramid_id in group.pyramid_ids:
        awaited = book.waiting_entry(pyramid_id)
        is_given_up = awaited is not None and not awaited.waits
        if book.pyramid(pyramid_id) is None and not is_given_up:
            return ()
    return book.legs_of(group)


def _is_submitted(book: Book, leg: DCALeg) -> bool:
    """The venue showed to have an order of it, or it will have none any more."""
    if not leg.entry_open or leg.entry_filled > ZERO:
        return True
    attempts = range(1, _ATTEMPTS_MAX + 1)
    orders = (entry_of(book, leg.plan.leg_id, attempt) for attempt in attempts)
    return any(order is not None and order.has_existed for order in orders)


def _is_filled(leg: DCALeg) -> bool:
    """It bought all it was to buy, or as much as it ever will; a leg that bought nothing is none.

    So a ladder of which a leg was called off unfilled is never "all filled": its trade is
    smaller than the one its operator meant.
    """
    is_whole = leg.entry_filled >= leg.plan.quantity
    return is_whole or (not leg.entry_open and leg.entry_filled > ZERO)
