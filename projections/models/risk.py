"""Risk: what every leg commits, what the gate answered, where venue and books disagree."""

import msgspec

from application.journal import Recorded
from domain.gate import EntryProposal, RuleCheck
from domain.holdings import DiscrepancyCleared, DiscrepancyFound, PositionAdopted
from domain.money import ZERO
from domain.risk_engine import (
    CommitmentChanged,
    RiskApproved,
    RiskDenied,
)
from projections.rows import (
    Append,
    Put,
    ReadModel,
    Remove,
    Row,
    RowChange,
    Table,
    count,
    flag,
    moment,
    number,
    same,
    text,
)

COMMITMENTS = Table(
    name="commitments",
    kind="current",
    key=("account", "leg_id"),
    columns=(
        text("account"),
        text("leg_id"),
        text("group_id"),
        text("symbol"),
        number("resting", ZERO),
        number("open_cost", ZERO),
    ),
    indexes=(("account", "group_id"),),
)
DISCREPANCIES = Table(
    name="discrepancies",
    kind="current",
    key=("account", "symbol", "side"),
    columns=(
        text("account"),
        text("symbol"),
        text("side"),
        number("expected", ZERO),
        number("seen", ZERO),
        text("detail"),
        moment("found_at"),
    ),
)
DECISIONS = Table(
    name="decisions",
    kind="appended",
    key=("account", "position"),
    columns=(
        text("account"),
        count("position"),
        moment("at"),
        text("signal_id"),
        text("group_id"),
        text("symbol"),
        flag("approved"),
        text("reason"),
        flag("transient"),
        flag("promoted"),
        text("receipt", "[]"),
    ),
)

_RECEIPT = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """Commitments and discrepancies as they stand; decisions as they fell."""
    event, account = recorded.event, recorded.account
    match event:
        case RiskApproved():
            yes: Row = {"approved": True}
            decision = _decision(recorded, position, event.proposal, event.receipt, yes)
            return (decision, *_reserved(account, event.proposal))
        case RiskDenied():
            no = same(event, "reason", "transient")
            return (_decision(recorded, position, event.proposal, event.receipt, no),)
        case CommitmentChanged():
            return (_commitment(account, event),)
        case DiscrepancyFound(discrepancy=found):
            difference = {**same(found, "expected", "seen", "detail"), "found_at": recorded.at}
            key = (account, found.symbol, found.side)
            return (Put(table="discrepancies", key=key, values=difference),)
        case DiscrepancyCleared() | PositionAdopted():
            return (Remove(table="discrepancies", key=(account, event.symbol, event.side)),)
        case _:
            return ()


def _decision(
    recorded: Recorded,
    position: int,
    proposal: EntryProposal,
    receipt: tuple[RuleCheck, ...],
    values: Row,
) -> RowChange:
    about = same(proposal, "signal_id", "group_id", "symbol", "promoted")
    known: Row = {
        "account": recorded.account,
        "position": position,
        "at": recorded.at,
        "receipt": _RECEIPT.encode(receipt).decode(),
    }
    return Append(table="decisions", values={**about, **known, **values})


def _reserved(account: str, proposal: EntryProposal) -> tuple[RowChange, ...]:
    """A row each leg, or one for the pyramid as long as it waits for its market's rules."""
    about = same(proposal, "group_id", "symbol")
    return tuple(
        Put(table="commitments", key=(account, part), values={**about, "resting": held.resting})
        for part, held in sorted(proposal.commitments.items())
    )


def _commitment(account: str, event: CommitmentChanged) -> RowChange:
    key = (account, event.leg_id)
    if event.resting == ZERO and event.open_cost == ZERO:
        return Remove(table="commitments", key=key)
    values = same(event, "group_id", "symbol", "resting", "open_cost")
    return Put(table="commitments", key=key, values=values)


MODEL = ReadModel(
    tables=(COMMITMENTS, DISCREPANCIES, DECISIONS),
    project=project,
    views=frozenset({"overview", "groups", "risk", "refusals"}),
)
