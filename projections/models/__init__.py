"""The read models, one a file: each a pure function from an event to changes of its rows."""

from projections.models import (
    accounts,
    alerts,
    audit_log,
    brakes,
    equity,
    exits,
    holdings,
    legs,
    offset_watch,
    offsets,
    orders,
    performance,
    positions,
    queue,
    risk,
    signals,
)
from projections.rows import ReadModel, Table

MODELS: tuple[ReadModel, ...] = (
    accounts.MODEL,
    positions.MODEL,
    legs.MODEL,
    exits.MODEL,
    orders.MODEL,
    queue.MODEL,
    signals.MODEL,
    risk.MODEL,
    brakes.MODEL,
    equity.MODEL,
    offset_watch.MODEL,
    offsets.MODEL,
    holdings.MODEL,
    alerts.MODEL,
    performance.MODEL,
    audit_log.MODEL,
)
TABLES: dict[str, Table] = {table.name: table for model in MODELS for table in model.tables}
VIEWS_OF: dict[str, frozenset[str]] = {
    table.name: model.views for model in MODELS for table in model.tables
}
