"""Alerts to be told, by hand and in a log."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from adapters.notifying.notifier import Alert
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from application.journal import Recorded
from domain.day_terms import AlertSeverity
from domain.trading_day import AlertRaised
from tests.log.story import DAY, day_stream, ticks, write

NIGHT = datetime(2026, 1, 5, 3, 4, 5, tzinfo=UTC)


def alert(
    position: int = 1,
    *,
    severity: AlertSeverity = "warning",
    account: str = "paper",
    text: str = "the loss of the day was 512.3, the limit is 500",
) -> Alert:
    """One, a second after the one before it."""
    return Alert(
        position=position,
        account=account,
        at=NIGHT + timedelta(seconds=position),
        kind="breaker",
        severity=severity,
        subject=f"day {position}",
        text=text,
    )


def record_alerts(
    url: str, severities: Sequence[AlertSeverity], account: str = "paper"
) -> list[int]:
    """Alerts of these severities, subjects `n1`, `n2` and so on, each after a tick; positions."""
    stream = day_stream(account, DAY)
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(account)
        known = sum(1 for _ in log.stream(stream))
        first = known // 2 + 1
        positions: list[int] = []
        for number, severity in enumerate(severities, first):
            [tick] = ticks(stream, 1, first=2 * number - 1)
            raised = AlertRaised(
                kind="breaker", severity=severity, subject=f"n{number}", text=f"loss {number}"
            )
            caused = Recorded(
                stream=stream,
                version=2 * number,
                event=raised,
                at=tick.at,
                causation_id=tick.event_id,
                correlation_id=tick.event_id,
            )
            positions.append(write(log, [tick, caused])[1])
    return positions
