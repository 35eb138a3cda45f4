"""A free slot goes to the best queued signal the gate lets through, in the same transaction."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.proposals import EntryWish, NoProposal, gate_facts, propose
from domain.gate import EntryProposal
from domain.identity import trade_key
from domain.message import Command
from domain.queue import (
    ExpireQueuedSignal,
    PromoteQueuedSignal,
    QueuedSignal,
    QueuedSignalPromoted,
    RankContext,
    Ranked,
    RemoveQueuedSignal,
    ranked,
)
from domain.risk_engine import (
    AssessEntry,
    DiscrepancyCleared,
    RiskApproved,
    SlotFreed,
    TradingStateChanged,
    assessment,
)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Walk the ranking whenever something may have become possible."""
    match recorded.event:
        case RiskApproved(proposal=proposal):
            yield from _promote(book, proposal) if proposal.promoted else _overtake(book, proposal)
        case (
            SlotFreed()
            | TradingStateChanged(state="active")
            | DiscrepancyCleared()
            | QueuedSignalPromoted()
        ):
            yield from _walk(book, current_ranking(book), recorded.at)
        case ClockTicked(promotion=promotion):
            expired = _expired(book, recorded.at)
            yield from (ExpireQueuedSignal(signal_id=entry.signal_id) for entry in expired)
            if promotion:
                fresh = [r for r in current_ranking(book) if r.entry not in expired]
                yield from _walk(book, fresh, recorded.at)
        case OperatorActed(action="promote_signal", subject=signal_id):
            wanted = [r for r in current_ranking(book) if r.entry.signal_id == signal_id]
            yield from _walk(book, wanted, recorded.at)
        case OperatorActed(action="remove_signal") as acted:
            yield RemoveQueuedSignal(signal_id=acted.subject, reason=f"operator: {acted.reason}")
        case _:
            return


def current_ranking(book: Book, *, without_group: str = "") -> list[Ranked]:
    """The queue, best first, by today's rules, marks and open groups."""
    open_groups = (group.opened for group in book.open_groups())
    groups = [opened for opened in open_groups if opened.group_id != without_group]
    context = RankContext(
        marks={symbol: book.marks[symbol].price for symbol in sorted(book.marks)},
        continued_keys=tuple(trade_key(g.symbol, g.timeframe, g.side) for g in groups),
    )
    return list(ranked(book.queue, book.account.settings.queue.rules, context))


def _walk(book: Book, ranking: list[Ranked], now: datetime) -> Iterator[Command]:
    """The first that passes goes before the gate, and so do changed refusals on the way."""
    for candidate in ranking:
        proposal = _proposal(book, candidate.entry)
        if proposal is None:
            continue
        facts = gate_facts(book, proposal, now)
        verdict = assessment(book.risk, proposal, facts)
        yield AssessEntry(proposal=proposal, facts=facts)
        if verdict.passed:
            return


def _proposal(book: Book, entry: QueuedSignal) -> EntryProposal | None:
    """None while no ladder can be laid out: the signal keeps its place."""
    mark = book.marks.get(entry.symbol)
    anchor = book.account.settings.queue.anchor
    price = entry.price
    if mark is not None and (price is None or anchor == "better"):
        better = min if entry.side == "long" else max
        price = mark.price if price is None else better(price, mark.price)
    if price is None:
        return None
    wish = EntryWish(
        signal_id=entry.signal_id,
        symbol=entry.symbol,
        timeframe=entry.timeframe,
        side=entry.side,
        price=price,
        promoted=True,
    )
    proposal = propose(book, wish)
    return None if isinstance(proposal, NoProposal) else proposal


def _promote(book: Book, proposal: EntryProposal) -> Iterator[Command]:
    """With the rank that chose it: the group it has just opened continues nothing."""
    ranking = current_ranking(book, without_group=proposal.group_id)
    rank = next((r.rank for r in ranking if r.entry.signal_id == proposal.signal_id), ())
    yield PromoteQueuedSignal(signal_id=proposal.signal_id, group_id=proposal.group_id, rank=rank)


def _overtake(book: Book, proposal: EntryProposal) -> Iterator[Command]:
    """An older signal of the same key would open the same trade again, long after its time."""
    older = book.queue.with_key(proposal.key)
    if older is not None:
        reason = f"overtaken by {proposal.signal_id}"
        yield RemoveQueuedSignal(signal_id=older.signal_id, reason=reason)


def _expired(book: Book, now: datetime) -> list[QueuedSignal]:
    minutes = book.account.settings.queue.max_age_minutes
    if minutes is None:
        return []
    age = timedelta(minutes=minutes)
    return [entry for entry in book.queue.waiting if now - entry.queued_at >= age]
