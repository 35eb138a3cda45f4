"""The gate's decisions as rows: every answer, with every rule's value and limit."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.journal import Recorded
from domain.gate import EntryProposal, RuleCheck
from domain.risk_engine import RiskApproved, RiskDenied


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `reserve` is what it would commit, notional in the capital currency.

    `receipt` is JSON: a list of {rule, value, limit, passed}, the passed ones included.
    """

    at: datetime
    account: str
    signal_id: str
    group: str
    symbol: str
    timeframe: str
    side: str
    pyramid: int
    promoted: bool
    entry_price: Decimal
    reserve: Decimal
    approved: bool
    reason: str
    transient: bool
    receipt: str
    event_id: str


_RECEIPT = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def decisions_between(
    events: Iterable[Recorded], start: datetime, end: datetime
) -> Iterator[DecisionRecord]:
    """The decisions recorded within [start, end), in the order of the log."""
    for recorded in events:
        event = recorded.event
        if not start <= recorded.at < end:
            continue
        if isinstance(event, RiskApproved):
            yield _row(recorded, event.proposal, event.receipt, None)
        elif isinstance(event, RiskDenied):
            yield _row(recorded, event.proposal, event.receipt, event)


def _row(
    recorded: Recorded,
    proposal: EntryProposal,
    receipt: tuple[RuleCheck, ...],
    denied: RiskDenied | None,
) -> DecisionRecord:
    return DecisionRecord(
        at=recorded.at,
        account=recorded.account,
        signal_id=proposal.signal_id,
        group=proposal.group_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
        pyramid=proposal.index,
        promoted=proposal.promoted,
        entry_price=proposal.entry_price,
        reserve=proposal.reserve,
        approved=denied is None,
        reason="" if denied is None else denied.reason,
        transient=denied is not None and denied.transient,
        receipt=_RECEIPT.encode(receipt).decode(),
        event_id=recorded.event_id,
    )
