"""Entries in a market whose rules are not known yet: they hold slot and capital, and wait."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.gate_facts import gate_facts
from application.processes.ledger import judge
from application.processes.proposals import EntryWish, NoProposal, propose
from domain.account import InstrumentsChanged, SettingsChanged
from domain.brakes import BreakerTripped
from domain.day_terms import Outcome
from domain.gate import EntryProposal
from domain.message import Command
from domain.money import ZERO
from domain.position_group import ClosePositionGroup, PositionGroupClosing
from domain.risk_engine import (
    AdjustCommitment,
    AssessEntry,
    CommitmentChanged,
    RiskApproved,
    assessment,
)
from domain.waiting_entry import AwaitEntry, EndAwait, EntryAwaited, EntryAwaitEnded

LATE = "the venue gave no market rules within precision.wait_seconds"


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Begin to wait, try again whenever rules may have come, and give up in time."""
    match recorded.event:
        case RiskApproved(proposal=proposal):
            yield from _approved(book, proposal, recorded.at)
        case InstrumentsChanged() | SettingsChanged():
            for awaited in _waiting(book):
                yield from _try_again(book, awaited, recorded.at)
        case ClockTicked():
            for awaited in _waiting(book):
                yield from _on_tick(book, awaited, recorded.at)
        case BreakerTripped():
            yield from _none_waits_on(book)
        case PositionGroupClosing(group_id=group_id, reason=reason):
            yield from _ended_with(book, group_id, reason)
        case EntryAwaitEnded() as ended:
            yield _released(ended)
            yield from _close_if_empty(book, ended, recorded.at)
        case _:
            return


def _none_waits_on(book: Book) -> Iterator[Command]:
    """The breaker takes no new exposure, so what it stopped must not hold capital either."""
    for awaited in _waiting(book):
        yield from _given_up(awaited, "refused", "max_daily_loss")


def _ended_with(book: Book, group_id: str, reason: str) -> Iterator[Command]:
    for awaited in _waiting(book):
        if awaited.group_id == group_id:
            yield EndAwait(pyramid_id=awaited.pyramid_id, laid_out=False, reason=reason)


def _waiting(book: Book) -> Iterator[EntryAwaited]:
    """What waits now, in the order in which groups opened and pyramids joined."""
    for group in book.open_groups():
        for pyramid_id in group.pyramid_ids:
            entry = book.waiting_entry(pyramid_id)
            if entry is not None and entry.waits:
                yield entry.awaited


def _approved(book: Book, proposal: EntryProposal, now: datetime) -> Iterator[Command]:
    """Without legs it waits; with legs it may have waited, and does no more."""
    if proposal.waits_for_rules:
        yield AwaitEntry(pyramid_id=proposal.pyramid_id, awaited=_awaited(proposal, now))
    elif book.waiting_entry(proposal.pyramid_id) is not None:
        yield EndAwait(pyramid_id=proposal.pyramid_id, laid_out=True, reason="market rules came")


def _awaited(proposal: EntryProposal, now: datetime) -> EntryAwaited:
    return EntryAwaited(
        pyramid_id=proposal.pyramid_id,
        group_id=proposal.group_id,
        index=proposal.index,
        signal_id=proposal.signal_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
        entry_price=proposal.entry_price,
        capital=proposal.capital,
        max_slippage_percent=proposal.max_slippage_percent,
        waiting_since=now,
    )


def _on_tick(book: Book, awaited: EntryAwaited, now: datetime) -> Iterator[Command]:
    patience = timedelta(seconds=book.account.settings.precision.wait_seconds)
    if now - awaited.waiting_since >= patience:
        yield from _given_up(awaited, "expired", LATE)
    else:
        yield from _try_again(book, awaited, now)


def _try_again(book: Book, awaited: EntryAwaited, now: datetime) -> Iterator[Command]:
    """Through the gate again once the rules are there; what is not known yet decides nothing."""
    instrument = book.instrument(awaited.symbol)
    if instrument is None or not instrument.is_complete:
        return
    proposal = propose(book, _wish(book, awaited))
    if isinstance(proposal, NoProposal):
        if not proposal.transient:
            yield from _given_up(awaited, "rejected", proposal.reason)
        return
    facts = gate_facts(book, proposal, now)
    verdict = assessment(book.risk, proposal, facts)
    if verdict.is_undecided:
        return
    yield AssessEntry(proposal=proposal, facts=facts)
    if not verdict.passed:
        outcome: Outcome = "refused" if verdict.transient else "rejected"
        yield from _given_up(awaited, outcome, verdict.reason)


def _wish(book: Book, awaited: EntryAwaited) -> EntryWish:
    """As the signal once wished it, with the capital it reserved; no queue takes it again."""
    return EntryWish(
        signal_id=awaited.signal_id,
        symbol=awaited.symbol,
        timeframe=awaited.timeframe,
        side=awaited.side,
        price=awaited.entry_price,
        group=book.group(awaited.group_id),
        waited=awaited,
        promoted=True,
        max_slippage_percent=awaited.max_slippage_percent,
    )


def _given_up(awaited: EntryAwaited, outcome: Outcome, reason: str) -> Iterator[Command]:
    yield judge(awaited.signal_id, outcome, reason, awaited.group_id)
    yield EndAwait(pyramid_id=awaited.pyramid_id, laid_out=False, reason=reason)


def _released(ended: EntryAwaitEnded) -> AdjustCommitment:
    """Its own reservation goes; if it was laid out, its legs have theirs."""
    changed = CommitmentChanged(
        leg_id=ended.pyramid_id,
        group_id=ended.group_id,
        symbol=ended.symbol,
        resting=ZERO,
        open_cost=ZERO,
    )
    return AdjustCommitment(changed=changed)


def _close_if_empty(book: Book, ended: EntryAwaitEnded, now: datetime) -> Iterator[Command]:
    """A group that neither has legs nor waits for some is done."""
    group = book.group(ended.group_id)
    if ended.laid_out or group is None or not group.is_open or book.legs_of(group):
        return
    if all(awaited.group_id != ended.group_id for awaited in _waiting(book)):
        yield ClosePositionGroup(
            group_id=ended.group_id, reason=ended.reason, signal_id="", now=now
        )
