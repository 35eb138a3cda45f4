"""A signal or an operator closes a part of what is open: how much of which trade."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.inputs import OperatorActed
from application.processes.ledger import judge
from application.processes.parts import free_quantity, parts_of
from domain.instrument import Instrument
from domain.message import Command
from domain.money import HUNDRED, ONE, ZERO, plain
from domain.position_group import PositionGroup, ReductionPart, ReductionStarted, StartReduction
from domain.trading_day import AlertRaised, RaiseAlert, SignalRead


class Reduction(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be closed of one trade."""

    group: PositionGroup
    parts: tuple[ReductionPart, ...]

    @property
    def quantity(self) -> Decimal:
        """In contracts."""
        return sum((part.quantity for part in self.parts), ZERO)


def reduced(book: Book, read: SignalRead, now: datetime) -> Iterator[Command]:
    """An amount goes over the groups it means, oldest first; a share applies to each."""
    meant = [group for group in book.open_groups() if _concerns(read, group)]
    groups = [group for group in meant if group.is_open]
    if not groups:
        reason = "already closing" if meant else "there was nothing to reduce"
        yield judge(read.signal_id, "no_effect", reason, _first_id(meant))
        return

    wanted = _contracts(book, read)
    if isinstance(wanted, str):
        yield judge(read.signal_id, "refused", wanted, _first_id(groups))
        return

    share = read.share if read.share is not None else ONE
    started = tuple(
        _over(book, groups, wanted) if wanted is not None else _each(book, groups, share)
    )
    for reduction in started:
        yield _start(reduction, "reduce signal", read.signal_id, now)
    if started:
        told = f"closes {_told(started)}"
        yield judge(read.signal_id, "admitted", told, started[0].group.opened.group_id)
    else:
        reason = _nothing(book, groups)
        yield judge(read.signal_id, "no_effect", reason, _first_id(groups))


def reduced_by_operator(book: Book, acted: OperatorActed, now: datetime) -> Iterator[Command]:
    """Close `percent` of a group's open quantity; what keeps it from that is told in an alert."""
    group = book.group(acted.subject)
    refusal = _refused(group, acted.percent)
    if group is not None and acted.percent is not None and not refusal:
        found = tuple(_each(book, [group], acted.percent / HUNDRED))
        for reduction in found:
            yield _start(reduction, f"operator: {acted.reason}", "", now)
        refusal = "" if found else _nothing(book, [group])
    if refusal:
        alert = AlertRaised(
            kind="reduction_refused", severity="warning", subject=acted.subject, text=refusal
        )
        yield RaiseAlert(alert=alert)


def _refused(group: PositionGroup | None, percent: Decimal | None) -> str:
    if group is None or group.closed is not None:
        return "there is no open group of this id"
    if not group.is_open:
        return "already closing"
    if percent is None or not percent.is_finite() or not ZERO < percent <= HUNDRED:
        return f"percent was {percent}: give more than 0 and at most 100"
    return ""


def _over(book: Book, groups: list[PositionGroup], quantity: Decimal) -> Iterator[Reduction]:
    left = quantity
    for group in groups:
        if left <= ZERO:
            return
        reduction = Reduction(group=group, parts=parts_of(book, group, left))
        if reduction.parts:
            yield reduction
        left -= reduction.quantity


def _each(book: Book, groups: list[PositionGroup], share: Decimal) -> Iterator[Reduction]:
    for group in groups:
        parts = parts_of(book, group, free_quantity(book, group) * share)
        if parts:
            yield Reduction(group=group, parts=parts)


def _contracts(book: Book, read: SignalRead) -> Decimal | str | None:
    """The amount in contracts, none if the signal means a share, or why it cannot be told."""
    instrument = book.instrument(read.symbol)
    if read.amount is None:
        return None
    if instrument is None:
        return f"no market rules are known for {read.symbol}"
    if read.amount_unit == "base":
        return read.amount / instrument.contract_size
    if read.amount_unit == "quote":
        return _of_quote(book, read, read.amount, instrument)
    return read.amount


def _of_quote(
    book: Book, read: SignalRead, amount: Decimal, instrument: Instrument
) -> Decimal | str:
    """At the mark, else at the signal's own price."""
    mark = book.marks.get(read.symbol)
    price = mark.price if mark is not None else read.price
    if price is None or price <= ZERO:
        return f"mark_fresh: {plain(amount)} {instrument.quote} needs a price of {read.symbol}"
    return amount / (price * instrument.contract_size)


def _concerns(read: SignalRead, group: PositionGroup) -> bool:
    """What a reduce leaves out means all."""
    opened = group.opened
    return (
        opened.symbol == read.symbol
        and read.timeframe in ("", opened.timeframe)
        and read.side in ("", opened.side)
    )


def _start(reduction: Reduction, reason: str, signal_id: str, now: datetime) -> StartReduction:
    started = ReductionStarted(
        group_id=reduction.group.opened.group_id,
        reason=reason,
        signal_id=signal_id,
        parts=reduction.parts,
        started_at=now,
    )
    return StartReduction(group_id=started.group_id, started=started)


def _nothing(book: Book, groups: list[PositionGroup]) -> str:
    """Why groups that are open give nothing to sell."""
    held = sum((free_quantity(book, group) for group in groups), ZERO)
    if held == ZERO:
        return "nothing is held that is not being sold already"
    symbol = groups[0].opened.symbol
    instrument = book.instrument(symbol)
    least = f", the least is {plain(instrument.min_quantity)}" if instrument is not None else ""
    return f"the part of {plain(held)} {symbol} is too small to be sold{least}"


def _told(started: tuple[Reduction, ...]) -> str:
    return ", ".join(f"{plain(each.quantity)} of {each.group.opened.group_id}" for each in started)


def _first_id(groups: list[PositionGroup]) -> str:
    return groups[0].opened.group_id if groups else ""
