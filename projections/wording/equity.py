"""Equity, drawdown and the emergency stop in words."""

from decimal import Decimal

from domain.equity import (
    BalanceJumped,
    BalanceJumpSuspected,
    BalanceMatched,
    CapitalTransferred,
    DrawdownBreached,
    DrawdownRecovered,
    EmergencyEnded,
    EmergencyStopped,
    EquityOpened,
    EquitySampled,
)
from projections.description import Description, amount, because, describe

_SHOWN = Decimal("0.01")


@describe.register
def _(event: EquityOpened) -> Description:
    peak = event.state.peak
    shown = "none yet" if peak is None else amount(peak)
    return Description(
        kind="risk", severity="debug", text=f"Equity of the day opened, its peak {shown}"
    )


@describe.register
def _(event: EquitySampled) -> Description:
    return Description(
        kind="risk",
        severity="debug",
        text=f"Equity {amount(event.equity)}, its peak {amount(event.peak)}",
    )


@describe.register
def _(event: DrawdownBreached) -> Description:
    return Description(
        kind="risk",
        severity="critical",
        text=(
            f"Equity {amount(event.equity)} is {_percent(event.drawdown_percent)} below its peak"
            f" of {amount(event.peak)}: the limit is {_percent(event.limit_percent)}, a second"
            " look decides"
        ),
    )


@describe.register
def _(event: DrawdownRecovered) -> Description:
    return Description(
        kind="risk",
        text=f"Equity {amount(event.equity)} is within the drawdown allowed again",
    )


@describe.register
def _(event: EmergencyStopped) -> Description:
    figures = ""
    if event.drawdown_percent is not None and event.equity is not None:
        figures = f": {_percent(event.drawdown_percent)} below the peak at {amount(event.equity)}"
    return Description(
        kind="risk",
        severity="critical",
        text=f"Emergency stop, by {event.actor}{because(event.reason)}{figures}",
    )


@describe.register
def _(event: EmergencyEnded) -> Description:
    peak = "the next sample" if event.peak is None else amount(event.peak)
    return Description(
        kind="risk",
        severity="warning",
        text=(
            f"Emergency stop ended by {event.actor}, drawdown counts from {peak}"
            f"{because(event.reason)}"
        ),
    )


@describe.register
def _(event: CapitalTransferred) -> Description:
    return Description(
        kind="risk",
        text=(
            f"Transfer of {amount(event.amount)} recorded by {event.actor},"
            f" {amount(event.total)} in all{because(event.reason)}"
        ),
    )


@describe.register
def _(event: BalanceMatched) -> Description:
    rest = f", {amount(event.unsettled)} still unexplained" if event.unsettled else ""
    return Description(
        kind="account",
        severity="debug",
        text=f"Balance of {amount(event.sight.total)} is as the books explain it{rest}",
    )


@describe.register
def _(event: BalanceJumpSuspected) -> Description:
    return Description(
        kind="account",
        severity="warning",
        text=(
            f"Balance of {amount(event.sight.total)} is {amount(event.amount)} beyond what the"
            " books explain: a second look decides"
        ),
    )


@describe.register
def _(event: BalanceJumped) -> Description:
    return Description(
        kind="account",
        severity="critical",
        text=(
            f"Balance of {amount(event.sight.total)} moved by {amount(event.amount)} without a"
            " trade, a fee, funding or a recorded transfer"
        ),
    )


def _percent(value: Decimal) -> str:
    return f"{value.quantize(_SHOWN)} %"
