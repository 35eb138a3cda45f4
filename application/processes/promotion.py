"""A free slot goes to the best queued signal the gate lets through, in the same transaction."""

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.candidates import current_ranking, proposal_of
from application.processes.gate_facts import gate_facts, money_facts
from application.processes.opposing import still_closing
from application.processes.proposals import NoProposal
from application.processes.queue_orders import ordered
from domain.gate import EntryProposal
from domain.holdings import (
    BaselineTaken,
    DiscrepancyCleared,
    PositionAdopted,
)
from domain.message import Command
from domain.queue import (
    DenyReversal,
    ExpireQueuedSignal,
    PromoteQueuedSignal,
    QueuedSignal,
    QueuedSignalPromoted,
    RemoveQueuedSignal,
)
from domain.risk_engine import (
    AssessEntry,
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
            | PositionAdopted()
            | BaselineTaken()
            | QueuedSignalPromoted()
        ):
            yield from _walk(book, (), recorded.at)
        case ClockTicked(promotion=promotion):
            expired = _expired(book, recorded.at)
            yield from (ExpireQueuedSignal(signal_id=signal_id) for signal_id in expired)
            if promotion:
                yield from _walk(book, expired, recorded.at)
        case OperatorActed() as acted:
            yield from ordered(book, acted, recorded.at)
        case _:
            return


def _walk(book: Book, expired: tuple[str, ...], now: datetime) -> Iterator[Command]:
    """The first that passes goes before the gate, and so do changed refusals on the way.

    A reversal whose groups are flat comes before all others: their slot is its own.
    """
    waiting = [entry for entry in book.queue.waiting if entry.signal_id not in expired]
    turned = [entry for entry in waiting if entry.reverses and not still_closing(book, entry)]
    for entry in sorted(turned, key=lambda entry: entry.number):
        passed = yield from _turn(book, entry, now)
        if passed:
            return

    ranking = current_ranking(book)
    # A refusal changes nothing of it, and with the first that passes the walk is over.
    money = money_facts(book) if ranking else None
    for candidate in ranking:
        entry = candidate.entry
        if entry.reverses or entry.signal_id in expired:
            continue
        proposal = proposal_of(book, entry)
        if isinstance(proposal, NoProposal):
            continue
        facts = gate_facts(book, proposal, now, money)
        yield AssessEntry(proposal=proposal, facts=facts)
        if assessment(book.risk, proposal, facts).passed:
            return


def _turn(book: Book, entry: QueuedSignal, now: datetime) -> Generator[Command, None, bool]:
    """Before the gate once flat: in, denied and queued like any other, or rejected for good.

    Returns whether it got in.
    """
    proposal = proposal_of(book, entry)
    if isinstance(proposal, NoProposal):
        reason = proposal.reason
        if proposal.transient:
            yield DenyReversal(signal_id=entry.signal_id, reason=reason)
        else:
            yield RemoveQueuedSignal(signal_id=entry.signal_id, reason=reason, rejected=True)
        return False
    facts = gate_facts(book, proposal, now)
    verdict = assessment(book.risk, proposal, facts)
    yield AssessEntry(proposal=proposal, facts=facts)
    if not verdict.passed and verdict.transient:
        yield DenyReversal(signal_id=entry.signal_id, reason=verdict.reason)
    elif not verdict.passed:
        reason = verdict.reason
        yield RemoveQueuedSignal(signal_id=entry.signal_id, reason=reason, rejected=True)
    return verdict.passed


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


def _expired(book: Book, now: datetime) -> tuple[str, ...]:
    minutes = book.account.settings.queue.max_age_minutes
    if minutes is None:
        return ()
    age = timedelta(minutes=minutes)
    return tuple(e.signal_id for e in book.queue.waiting if now - e.queued_at >= age)
