"""Every signal has exactly one current outcome: the ledger that must balance."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.day_terms import Outcome
from domain.message import Command
from domain.queue import (
    QueuedSignalExpired,
    QueuedSignalRemoved,
    QueuedSignalReplaced,
    QueueRefused,
    SignalQueued,
)
from domain.risk_engine import RiskApproved, RiskDenied
from domain.trading_day import JudgeSignal, SignalJudged


def react(_: Book, recorded: Recorded) -> Iterator[Command]:
    """Note what became of a signal beyond admission's own judgement."""
    match recorded.event:
        case RiskApproved(proposal=proposal):
            reason = "promoted from the queue" if proposal.promoted else "approved"
            yield judge(proposal.signal_id, "admitted", reason, proposal.group_id)
        case RiskDenied() as denied:
            yield from _denied(denied)
        case SignalQueued(entry=entry):
            yield judge(entry.signal_id, "queued", entry.reason)
        case QueuedSignalReplaced() as replaced:
            newer = replaced.entry
            yield judge(replaced.replaced_signal_id, "replaced", f"by {newer.signal_id}")
            yield judge(newer.signal_id, "queued", newer.reason)
        case QueuedSignalRemoved(signal_id=signal_id, reason=reason, rejected=rejected):
            yield judge(signal_id, "rejected" if rejected else "removed", reason)
        case QueuedSignalExpired(signal_id=signal_id):
            yield judge(signal_id, "expired", "it waited longer than queue.max_age_minutes")
        case QueueRefused(signal_id=signal_id, reason=reason):
            yield judge(signal_id, "refused", reason)
        case _:
            return


def _denied(denied: RiskDenied) -> Iterator[Command]:
    """A queued candidate keeps its place; a new entry that may pass later is queued."""
    proposal = denied.proposal
    if proposal.promoted:
        return
    if not denied.transient:
        yield judge(proposal.signal_id, "rejected", denied.reason)
    elif proposal.is_pyramid:
        yield judge(proposal.signal_id, "refused", denied.reason, proposal.group_id)


def judge(signal_id: str, outcome: Outcome, reason: str, group_id: str = "") -> JudgeSignal:
    """Give a signal its outcome; `group_id` is the group it concerns, if any."""
    return JudgeSignal(
        judged=SignalJudged(signal_id=signal_id, outcome=outcome, reason=reason, group_id=group_id)
    )
