"""A signal is read, judged, and sent its way: to the gate, to the closing, to the queue."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from application.book import Book
from application.inputs import SignalReceived
from application.journal import Recorded
from application.processes.ledger import judge
from application.processes.proposals import EntryWish, NoProposal, gate_facts, propose
from domain.gate import EntryProposal
from domain.instrument import PositionSide
from domain.message import Command
from domain.money import HUNDRED, ZERO
from domain.position_group import ClosePositionGroup, PositionGroup, PositionGroupOpened
from domain.queue import EnqueueSignal, QueuedSignal, RemoveQueuedSignal
from domain.risk_engine import AssessEntry, RiskDenied
from domain.settings import resolve
from domain.signal import BodyProblem, Signal, read_signal
from domain.symbol import SymbolProblem, resolve_symbol
from domain.trading_day import ReadSignal, SignalRead
from domain.webhook_body import BodyRefused, parse_body


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Judge a signal as far as it can be judged before the gate."""
    match recorded.event:
        case SignalReceived() as received:
            yield from _read(book, received, recorded.at)
        case SignalRead() as read:
            yield from _send_on(book, read, recorded.at)
        case RiskDenied(proposal=proposal, transient=True) as denied:
            if not proposal.promoted and not proposal.is_pyramid:
                yield _enqueue(book, _waiting(book, proposal, denied.reason, recorded.at))
        case _:
            return


def symbol_of(book: Book, received: SignalReceived) -> str:
    """The unified symbol a signal names, empty if it names none we know."""
    understood = _understood(book, received)
    return understood[1] if isinstance(understood, tuple) else ""


def _understood(book: Book, received: SignalReceived) -> tuple[Signal, str] | str:
    """The signal and its symbol, or why it is none."""
    try:
        signal = read_signal(parse_body(received.body))
    except BodyRefused as refused:
        return str(refused)
    if isinstance(signal, BodyProblem):
        return str(signal)
    symbol = resolve_symbol(
        signal.symbol, book.account.instruments, book.account.opened.market_kind
    )
    return str(symbol) if isinstance(symbol, SymbolProblem) else (signal, symbol)


def _read(book: Book, received: SignalReceived, now: datetime) -> Iterator[Command]:
    understood = _understood(book, received)
    if not isinstance(understood, tuple):
        yield judge(received.signal_id, "rejected", understood)
        return
    signal, symbol = understood
    read = SignalRead(
        signal_id=received.signal_id,
        kind=signal.kind,
        symbol=symbol,
        timeframe=signal.timeframe or "",
        side=signal.side or "",
        price=signal.price,
        sent_at=signal.timestamp,
        body_hash=received.body_hash,
        idempotency_key=signal.idempotency_key or "",
        read_at=now,
    )
    window = book.account.settings.signals.duplicate_window_seconds
    yield ReadSignal(read=read, window=window, now=now)


def _send_on(book: Book, read: SignalRead, now: datetime) -> Iterator[Command]:
    if read.duplicate:
        yield judge(read.signal_id, "duplicate", "a resend of a signal already taken in")
    elif read.kind == "exit":
        yield from _exit(book, read, now)
    elif _is_stale(book, read, now):
        yield judge(read.signal_id, "rejected", f"stale: sent at {read.sent_at}")
    elif read.kind == "reduce":
        yield judge(read.signal_id, "rejected", "reduce signals are not carried out yet")
    else:
        yield from _enter(book, read, now)


def _is_stale(book: Book, read: SignalRead, now: datetime) -> bool:
    limit = book.account.settings.signals.max_age_seconds
    if limit is None or read.sent_at is None:
        return False
    return now - read.sent_at > timedelta(seconds=limit)


def _exit(book: Book, read: SignalRead, now: datetime) -> Iterator[Command]:
    """Exits work in every trading state; what waits for the same key is called off too."""
    groups = (group for group in book.open_groups() if group.is_open)
    closing = [group for group in groups if _concerns(read, group.opened)]
    waiting = [entry for entry in book.queue.waiting if _concerns(read, entry)]
    for entry in waiting:
        yield RemoveQueuedSignal(signal_id=entry.signal_id, reason=f"exit {read.signal_id}")
    for group in closing:
        yield ClosePositionGroup(
            group_id=group.opened.group_id,
            reason="exit signal",
            signal_id=read.signal_id,
            now=now,
        )
    if closing or waiting:
        group_id = closing[0].opened.group_id if closing else ""
        yield judge(read.signal_id, "admitted", _told(len(closing), len(waiting)), group_id)
    else:
        yield judge(read.signal_id, "no_effect", "there was nothing to close")


def _told(closing: int, waiting: int) -> str:
    return f"closes {closing} group(s), calls off {waiting} queued signal(s)"


def _concerns(read: SignalRead, trade: PositionGroupOpened | QueuedSignal) -> bool:
    """Whether an exit means this trade, open or waiting: what it leaves out means all."""
    return (
        trade.symbol == read.symbol
        and read.timeframe in ("", trade.timeframe)
        and read.side in ("", trade.side)
    )


def _enter(book: Book, read: SignalRead, now: datetime) -> Iterator[Command]:
    side = cast("PositionSide", read.side)
    refusal = _refused_outright(book, read, side)
    if refusal:
        yield judge(read.signal_id, "rejected", refusal)
        return
    if read.kind == "reverse" or book.account.settings.signals.opposite == "reverse":
        for group in _against(book, read, side):
            yield ClosePositionGroup(
                group_id=group.opened.group_id,
                reason="reverse signal",
                signal_id=read.signal_id,
                now=now,
            )
    yield from _propose(book, read, side, now)


def _refused_outright(book: Book, read: SignalRead, side: PositionSide) -> str:
    if side == "short" and book.account.opened.market_kind == "spot":
        return "a spot account cannot go short"
    opposite = book.account.settings.signals.opposite
    if read.kind == "entry" and opposite == "reject" and _against(book, read, side):
        return "the symbol is open in the opposite direction"
    return ""


def _against(book: Book, read: SignalRead, side: PositionSide) -> list[PositionGroup]:
    return [
        group
        for group in book.open_groups()
        if group.opened.symbol == read.symbol and group.opened.side != side and group.is_open
    ]


def _propose(book: Book, read: SignalRead, side: PositionSide, now: datetime) -> Iterator[Command]:
    own = _own_group(book, read, side)
    if own is not None and len(own.pyramid_ids) >= own.opened.grid.max_pyramids:
        yield judge(read.signal_id, "refused", "max_pyramids", own.opened.group_id)
        return
    price = read.price or _mark_price(book, read.symbol)
    if price is None:
        yield from _wait_for_a_mark(book, read, side, own, now)
        return
    wish = EntryWish(
        signal_id=read.signal_id,
        symbol=read.symbol,
        timeframe=read.timeframe,
        side=side,
        price=price,
        group=own,
    )
    proposal = propose(book, wish)
    if isinstance(proposal, NoProposal):
        yield judge(read.signal_id, "rejected", proposal.reason)
        return
    yield AssessEntry(proposal=proposal, facts=gate_facts(book, proposal, now))


def _own_group(book: Book, read: SignalRead, side: PositionSide) -> PositionGroup | None:
    """The open group of the same key; one that closes takes no further entry."""
    key = (read.symbol, read.timeframe, side)
    for group in book.open_groups():
        opened = group.opened
        if group.is_open and (opened.symbol, opened.timeframe, opened.side) == key:
            return group
    return None


def _mark_price(book: Book, symbol: str) -> Decimal | None:
    mark = book.marks.get(symbol)
    return mark.price if mark is not None else None


def _wait_for_a_mark(
    book: Book, read: SignalRead, side: PositionSide, own: PositionGroup | None, now: datetime
) -> Iterator[Command]:
    if own is not None:
        yield judge(read.signal_id, "refused", "mark_fresh", own.opened.group_id)
        return
    entry = QueuedSignal(
        signal_id=read.signal_id,
        symbol=read.symbol,
        timeframe=read.timeframe,
        side=side,
        price=None,
        waiting_since=now,
        queued_at=now,
        number=book.day.inputs,
        reason="mark_fresh",
        expected_profit=_expected_profit(book, read.symbol, read.timeframe),
    )
    yield _enqueue(book, entry)


def _waiting(book: Book, proposal: EntryProposal, reason: str, now: datetime) -> QueuedSignal:
    return QueuedSignal(
        signal_id=proposal.signal_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
        price=proposal.entry_price,
        waiting_since=now,
        queued_at=now,
        number=book.day.inputs,
        reason=reason,
        expected_profit=_expected_profit(book, proposal.symbol, proposal.timeframe),
    )


def _expected_profit(book: Book, symbol: str, timeframe: str) -> Decimal:
    """Spec §5: the sum of weight x take-profit over the legs, in percent of the capital."""
    grid = resolve(book.account.settings, symbol, timeframe).grid
    return sum((leg.weight_percent * leg.take_profit_percent / HUNDRED for leg in grid.legs), ZERO)


def _enqueue(book: Book, entry: QueuedSignal) -> EnqueueSignal:
    settings = book.account.settings.queue
    return EnqueueSignal(entry=entry, limit=settings.limit, replace=settings.replace)
