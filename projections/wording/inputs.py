"""What came from outside in words."""

from application.inputs import (
    Accepted,
    AccountRegistered,
    AnswerLost,
    BalanceSeen,
    CancelRefused,
    ClockTicked,
    Ended,
    Found,
    FundingReported,
    InstrumentsSeen,
    MarkMoved,
    NotFound,
    OperatorActed,
    OrderReported,
    ReconciliationSeen,
    Refused,
    Report,
    SendWindowMissed,
    SettingsSubmitted,
    SignalReceived,
    Traded,
)
from projections.description import Description, amount, because, clock, describe


@describe.register
def _(event: AccountRegistered) -> Description:
    paper = "paper " if event.paper else ""
    return Description(
        kind="operator",
        text=f"{event.actor} added the account on {paper}{event.venue} {event.market_kind}",
    )


@describe.register
def _(event: SettingsSubmitted) -> Description:
    return Description(
        kind="operator", text=f"{event.actor} submitted settings{because(event.reason)}"
    )


@describe.register
def _(event: SignalReceived) -> Description:
    return Description(kind="signal", text=f"Signal {event.signal_id} received from {event.source}")


@describe.register
def _(event: OrderReported) -> Description:
    return Description(
        kind="order",
        severity="debug",
        text=f"Report on order {event.client_order_id}: {report_text(event.report)}",
    )


@describe.register
def _(event: InstrumentsSeen) -> Description:
    count = len(event.instruments)
    return Description(
        kind="account", severity="debug", text=f"The venue told the rules of {count} markets"
    )


@describe.register
def _(event: BalanceSeen) -> Description:
    return Description(
        kind="account",
        severity="debug",
        text=(
            f"The venue told a balance of {amount(event.total)} {event.currency},"
            f" {amount(event.free)} free"
        ),
    )


@describe.register
def _(event: ReconciliationSeen) -> Description:
    return Description(
        kind="order",
        severity="debug",
        text=(
            f"Asked at {clock(event.asked_at)}, the venue holds"
            f" {len(event.open_client_order_ids)} orders of ours"
            f" and {len(event.positions)} positions"
        ),
    )


@describe.register
def _(event: MarkMoved) -> Description:
    return Description(
        kind="engine",
        severity="debug",
        symbol=event.symbol,
        text=f"The mark of {event.symbol} moved to a watched level",
    )


@describe.register
def _(event: FundingReported) -> Description:
    return Description(
        kind="order",
        symbol=event.symbol,
        text=(
            f"The venue settled funding {event.funding_id} of {event.symbol}:"
            f" {amount(event.amount)} {event.asset}"
        ),
    )


@describe.register
def _(event: ClockTicked) -> Description:
    return Description(
        kind="engine", severity="debug", text=f"The clock passed {clock(event.due_at)}"
    )


@describe.register
def _(event: OperatorActed) -> Description:
    action = event.action.replace("_", " ")
    subject = f" {event.subject}" if event.subject else ""
    part = "" if event.percent is None else f" by {amount(event.percent)} %"
    return Description(
        kind="operator", text=f"{event.actor}: {action}{subject}{part}{because(event.reason)}"
    )


def report_text(report: Report) -> str:
    """What a venue, or our own sender, said of an order."""
    match report:
        case Accepted():
            return f"accepted as {report.venue_order_id}"
        case Traded():
            return f"trade {report.trade_id}, {amount(report.quantity)} at {amount(report.price)}"
        case Ended():
            return f"ended {report.status} with {amount(report.filled)} filled"
        case Found():
            return f"found working with {amount(report.filled)} filled"
        case _:
            return _silence_text(report)


def _silence_text(
    report: Refused | AnswerLost | NotFound | CancelRefused | SendWindowMissed,
) -> str:
    match report:
        case Refused():
            return f"refused ({report.code}): {report.message}"
        case AnswerLost():
            return f"the answer was lost: {report.detail}"
        case NotFound():
            return f"not found, asked at {clock(report.asked_at)}"
        case CancelRefused():
            return f"nothing to cancel ({report.code}): {report.message}"
        case SendWindowMissed():
            return "never sent, its time had passed"
