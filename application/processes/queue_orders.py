"""What an operator asks of the queue; what cannot be done is told in an alert."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from application.book import Book
from application.inputs import OperatorActed
from application.processes.candidates import proposal_of
from application.processes.gate_facts import gate_facts
from application.processes.opposing import still_closing
from application.processes.proposals import NoProposal
from domain.gate import Assessment
from domain.message import Command
from domain.queue import QueuedSignal, RemoveQueuedSignal
from domain.risk_engine import AssessEntry, assessment
from domain.trading_day import AlertRaised, RaiseAlert


def ordered(book: Book, acted: OperatorActed, now: datetime) -> Iterator[Command]:
    """Promote, force in or remove one waiting signal."""
    if acted.action not in ("promote_signal", "force_add_signal", "remove_signal"):
        return
    entry = book.queue.find(acted.subject)
    if entry is None:
        yield _refusal(acted.subject, "it does not wait in the queue")
    elif acted.action == "remove_signal":
        yield RemoveQueuedSignal(signal_id=acted.subject, reason=f"operator: {acted.reason}")
    elif acted.action == "force_add_signal" and not acted.reason.strip():
        yield _refusal(acted.subject, "to force it in over the limit of slots, give a reason")
    else:
        forced = acted.action == "force_add_signal"
        yield from _brought_in(book, entry, now, forced=forced)


def _brought_in(
    book: Book, entry: QueuedSignal, now: datetime, *, forced: bool
) -> Iterator[Command]:
    """Before the gate out of its turn; `forced` skips the limit of slots, and that alone."""
    closing = still_closing(book, entry)
    if closing:
        reason = f"what it reverses is not flat yet: {', '.join(closing)}"
        yield _refusal(entry.signal_id, reason)
        return
    proposal = proposal_of(book, entry)
    if isinstance(proposal, NoProposal):
        yield _refusal(entry.signal_id, proposal.reason)
        return
    facts = msgspec.structs.replace(gate_facts(book, proposal, now), forced=forced)
    yield AssessEntry(proposal=proposal, facts=facts)
    verdict = assessment(book.risk, proposal, facts)
    if not verdict.passed:
        yield _refusal(entry.signal_id, _why(verdict))


def _why(verdict: Assessment) -> str:
    """The rule that decided, with its value and limit."""
    check = next(check for check in verdict.receipt if check.rule == verdict.reason)
    return f"{check.rule} was {check.value or 'unknown'}, the limit is {check.limit}"


def _refusal(signal_id: str, text: str) -> RaiseAlert:
    alert = AlertRaised(kind="queue", severity="warning", subject=signal_id, text=text)
    return RaiseAlert(alert=alert)
