"""Alerts in words: one by one, or many after an outage as one digest."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from adapters.notifying.notifier import SEVERITIES, Alert
from domain.day_terms import AlertSeverity

# So many that wait are sent one by one; more are one digest, which is no flood.
SINGLES_MAX = 3
# Most services take a message of this length whole; longer ones are cut into several.
DIGEST_CHARACTERS_MAX = 3_000
LINE_CHARACTERS_MAX = 300

_TIME = "%Y-%m-%d %H:%M:%S UTC"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, as plain text, and the last alert it speaks of."""

    title: str
    body: str
    severity: AlertSeverity
    upto: int
    alerts: int = 1


def next_message(waiting: Sequence[Alert]) -> Message:
    """The oldest of a few, or all of many. `waiting` is in the order of the log, never empty."""
    if len(waiting) <= SINGLES_MAX:
        return single(waiting[0])
    return digest(waiting)


def single(alert: Alert) -> Message:
    """One alert."""
    lines = (
        alert.text,
        "",
        f"subject: {alert.subject}",
        f"account: {alert.account}",
        f"time: {alert.at.strftime(_TIME)}",
    )
    return Message(
        title=f"[Plimsoll {alert.account}] {alert.severity.upper()} {alert.kind}",
        body="\n".join(lines),
        severity=alert.severity,
        upto=alert.position,
    )


def digest(alerts: Sequence[Alert]) -> Message:
    """All of them: counted, then a line each, the most severe first, as far as there is room."""
    ranked = sorted(alerts, key=lambda alert: (-SEVERITIES.index(alert.severity), alert.position))
    worst = ranked[0].severity
    accounts = sorted({alert.account for alert in alerts})
    counts = Counter((alert.severity, alert.kind) for alert in ranked)
    head = [
        f"From {alerts[0].at.strftime(_TIME)} to {alerts[-1].at.strftime(_TIME)}:",
        *(f"{count} x {severity} {kind}" for (severity, kind), count in counts.items()),
        "",
    ]
    lines = _as_fit(ranked, DIGEST_CHARACTERS_MAX - sum(len(line) + 1 for line in head))
    left = len(alerts) - len(lines)
    if left:
        lines.append(f"{left} more stand in the log: see the dashboard's Log page")
    return Message(
        title=f"[Plimsoll {', '.join(accounts)}] {worst.upper()} {len(alerts)} alerts",
        body="\n".join(head + lines),
        severity=worst,
        upto=alerts[-1].position,
        alerts=len(alerts),
    )


def _as_fit(ranked: Sequence[Alert], room: int) -> list[str]:
    lines: list[str] = []
    for alert in ranked:
        line = (
            f"{alert.at.strftime(_TIME)} {alert.account} {alert.severity.upper()}"
            f" {alert.kind} {alert.subject}: {alert.text}"
        )[:LINE_CHARACTERS_MAX]
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return lines
