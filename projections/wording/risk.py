"""The risk engine in words."""

from domain.gate import RuleCheck
from domain.holds import TradingState
from domain.risk_engine import (
    CommitmentChanged,
    ProfitRecorded,
    RiskApproved,
    RiskDayBegun,
    RiskDenied,
    RiskEngineOpened,
    SlotFreed,
    TradingStateChanged,
)
from projections.description import Description, amount, because, describe
from projections.views import Severity

_STATE_SEVERITY: dict[TradingState, Severity] = {
    "active": "info",
    "reducing": "warning",
    "halted": "critical",
}


@describe.register
def _(event: RiskEngineOpened) -> Description:
    slots = len(event.state.slots)
    return Description(
        kind="risk",
        severity="debug",
        text=f"Risk engine of the day opened {event.state.trading_state}, {slots} groups open",
    )


@describe.register
def _(event: RiskDayBegun) -> Description:
    return Description(kind="risk", severity="debug", text=f"Risk of {event.date} counts from zero")


@describe.register
def _(event: TradingStateChanged) -> Description:
    return Description(
        kind="risk",
        severity=_STATE_SEVERITY[event.state],
        text=f"Trading is {event.state}, by {event.actor}{because(event.reason)}",
    )


@describe.register
def _(event: RiskApproved) -> Description:
    proposal = event.proposal
    return Description(
        kind="risk",
        symbol=proposal.symbol,
        text=(
            f"Signal {proposal.signal_id} approved: {proposal.side} {proposal.symbol} pyramid"
            f" {proposal.index} of group {proposal.group_id}, {amount(proposal.reserve)} reserved"
            f"{_by_rules(event)}"
        ),
    )


def _by_rules(event: RiskApproved) -> str:
    """Said only where the market's own rules were not to be had."""
    told = [check.value for check in event.receipt if check.rule == "market_rules"]
    if "fallback" in told:
        return ", by the fallback rules of the settings"
    return ", until its market's rules are known" if "missing" in told else ""


@describe.register
def _(event: RiskDenied) -> Description:
    proposal = event.proposal
    passing = "may pass with time" if event.transient else "for good"
    return Description(
        kind="risk",
        symbol=proposal.symbol,
        severity="info" if event.transient else "warning",
        text=(
            f"Signal {proposal.signal_id} denied: {event.reason}"
            f"{_figures(event.reason, event.receipt)}, {passing}"
        ),
    )


@describe.register
def _(event: CommitmentChanged) -> Description:
    return Description(
        kind="risk",
        symbol=event.symbol,
        severity="debug",
        text=(
            f"Leg {event.leg_id} commits {amount(event.resting)} resting and"
            f" {amount(event.open_cost)} open"
        ),
    )


@describe.register
def _(event: ProfitRecorded) -> Description:
    of_funding = f"Group {event.group_id}, by funding,"
    who = of_funding if event.leg_id == event.group_id else f"Leg {event.leg_id}"
    return Description(
        kind="risk",
        severity="debug",
        text=f"{who} realized {amount(event.amount)}, {amount(event.total)} in all",
    )


@describe.register
def _(event: SlotFreed) -> Description:
    return Description(
        kind="risk", symbol=event.symbol, text=f"Slot of group {event.group_id} is free again"
    )


def _figures(reason: str, receipt: tuple[RuleCheck, ...]) -> str:
    """The failed rule's value against its limit."""
    for check in receipt:
        if check.rule == reason:
            return f" ({check.value or 'unknown'} against {check.limit or 'none'})"
    return ""
