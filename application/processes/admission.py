"""A signal is read, judged, and sent its way: to the gate, to the closing, to the queue."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from application.book import Book
from application.inputs import OperatorActed, SignalReceived
from application.journal import Recorded
from application.processes.gate_facts import gate_facts
from application.processes.ledger import judge
from application.processes.missed_alerts import missed_alerts
from application.processes.opposing import against, closed_for, turns, until_flat
from application.processes.proposals import EntryWish, NoProposal, propose
from application.processes.reducing_signal import reduced, reduced_by_operator
from application.processes.waiting import (
    enqueue,
    is_beyond,
    own_stop,
    waiting_proposal,
    waiting_read,
)
from domain.instrument import PositionSide
from domain.message import Command
from domain.money import plain
from domain.position_group import ClosePositionGroup, PositionGroup, PositionGroupOpened
from domain.queue import QueuedSignal, RemoveQueuedSignal
from domain.risk_engine import AssessEntry, RiskDenied
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
        case RiskDenied(proposal=proposal, transient=True, reason=reason):
            if not proposal.promoted and not proposal.is_pyramid:
                yield enqueue(book, waiting_proposal(book, proposal, reason, recorded.at))
        case OperatorActed(action="reduce_group") as acted:
            yield from reduced_by_operator(book, acted, recorded.at)
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
        amount=signal.amount,
        amount_unit=signal.amount_unit or "",
        share=signal.reduced_part,
        prev_market_position=signal.prev_market_position or "",
        prev_market_position_size=signal.prev_market_position_size,
        stop_loss=signal.stop_loss,
        take_profit=signal.take_profit,
        max_slippage_percent=signal.max_slippage_percent,
        received_at=received.received_at,
    )
    window = book.account.settings.signals.duplicate_window_seconds
    yield ReadSignal(read=read, window=window, now=now)


def _send_on(book: Book, read: SignalRead, now: datetime) -> Iterator[Command]:
    """Spec §2, in its order: exit, reduce, then what may open something."""
    if read.duplicate:
        yield judge(read.signal_id, "duplicate", "a resend of a signal already taken in")
        return
    stale = _stale(book, read, now)
    if stale:
        # What TradingView believed so long ago is no sign of an alert missed since.
        yield judge(read.signal_id, "rejected", stale)
        return

    yield from missed_alerts(book, read)
    if read.kind == "exit":
        yield from _exit(book, read, now)
    elif read.kind == "reduce":
        yield from reduced(book, read, now)
    else:
        yield from _enter(book, read, now)


def _stale(book: Book, read: SignalRead, now: datetime) -> str:
    """Why it is too old by its own time, empty if it is not; an exit never is.

    Few alerts bear a time: what may enter also ages while it waits here, as in an outage.
    """
    limit = book.account.settings.signals.max_age_seconds
    if limit is None or read.kind == "exit":
        return ""
    age = timedelta(seconds=limit)
    if read.sent_at is not None and now - read.sent_at > age:
        return f"stale: sent at {read.sent_at}"
    enters, received_at = read.kind != "reduce", read.received_at
    if enters and received_at is not None and now - received_at > age:
        return f"stale: received at {received_at}"
    return ""


def _exit(book: Book, read: SignalRead, now: datetime) -> Iterator[Command]:
    """Exits work in every trading state; what waits for the same key is called off too."""
    meant = [group for group in book.open_groups() if _concerns(read, group.opened)]
    closing = [group for group in meant if group.is_open]
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
    elif meant:
        yield judge(read.signal_id, "no_effect", "already closing", meant[0].opened.group_id)
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
    """A reverse, a pyramid, or a new entry; what stands against a reverse is closed first."""
    side = cast("PositionSide", read.side)
    refusal = _refused_outright(book, read, side)
    if refusal:
        yield judge(read.signal_id, "rejected", refusal)
        return

    if turns(book, read):
        yield from closed_for(book, read, side, now)
        if _own_group(book, read, side) is None and against(book, read, side):
            yield until_flat(book, read, side)
            return
    yield from _propose(book, read, side, now)


def _refused_outright(book: Book, read: SignalRead, side: PositionSide) -> str:
    if side == "short" and book.account.opened.market_kind == "spot":
        return "a spot account cannot go short"
    opposite = [group for group in against(book, read, side) if group.is_open]
    if read.kind == "entry" and book.account.settings.signals.opposite == "reject" and opposite:
        return "the symbol is open in the opposite direction"
    stop, price = own_stop(book, read), _price(book, read)
    if stop is not None and price is not None and is_beyond(stop, price, side):
        return (
            f"risk.stop_loss was {plain(stop)}, on the wrong side of the entry price"
            f" {plain(price)} of a {side}"
        )
    return ""


def _propose(book: Book, read: SignalRead, side: PositionSide, now: datetime) -> Iterator[Command]:
    own, price = _own_group(book, read, side), _price(book, read)
    if own is not None and len(own.pyramid_ids) >= own.opened.grid.max_pyramids:
        yield judge(read.signal_id, "refused", "max_pyramids", own.opened.group_id)
        return
    if price is None:
        yield _without_a_mark(book, read, side, own)
        return
    wish = EntryWish(
        signal_id=read.signal_id,
        symbol=read.symbol,
        timeframe=read.timeframe,
        side=side,
        price=price,
        group=own,
        stop_loss=own_stop(book, read),
        max_slippage_percent=read.max_slippage_percent,
    )
    proposal = propose(book, wish)
    if isinstance(proposal, NoProposal):
        rejected = judge(read.signal_id, "rejected", proposal.reason)
        yield _without_a_mark(book, read, side, own) if proposal.transient else rejected
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


def _price(book: Book, read: SignalRead) -> Decimal | None:
    """The signal's own, else the mark."""
    mark = book.marks.get(read.symbol)
    return read.price or (mark.price if mark is not None else None)


def _without_a_mark(
    book: Book, read: SignalRead, side: PositionSide, own: PositionGroup | None
) -> Command:
    """A price that is needed is not known: a pyramid is refused, an entry waits for it."""
    if own is not None:
        return judge(read.signal_id, "refused", "mark_fresh", own.opened.group_id)
    return enqueue(book, waiting_read(book, read, side, "mark_fresh"))
