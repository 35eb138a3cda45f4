"""Alerts: what an operator was told, as it was told."""

from application.journal import Recorded
from domain.trading_day import AlertRaised
from projections.rows import (
    Append,
    ReadModel,
    RowChange,
    Table,
    count,
    moment,
    same,
    text,
)

ALERTS = Table(
    name="alerts",
    kind="appended",
    key=("account", "position"),
    columns=(
        text("account"),
        count("position"),
        moment("at"),
        text("kind"),
        text("severity"),
        text("subject"),
        text("text"),
        text("correlation_id"),
    ),
)


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """A row each."""
    if not isinstance(recorded.event, AlertRaised):
        return ()
    values = {
        **same(recorded, "account", "at", "correlation_id"),
        **same(recorded.event, "kind", "severity", "subject", "text"),
        "position": position,
    }
    return (Append(table="alerts", values=values),)


MODEL = ReadModel(tables=(ALERTS,), project=project, views=frozenset({"overview"}))
