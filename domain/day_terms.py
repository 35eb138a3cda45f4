"""What may become of a signal, what an operator is told of, and how long resends are known."""

from datetime import timedelta
from typing import Literal

Outcome = Literal[
    "admitted",
    "queued",
    "replaced",
    "removed",
    "expired",
    "duplicate",
    "no_effect",
    "refused",
    "rejected",
]

AlertSeverity = Literal["info", "warning", "critical"]
AlertKind = Literal[
    "missed_alert",
    "insufficient_funds",
    "order_unknown",
    "exit_failing",
    "unprotected",
    "closing_stuck",
    "position_adopted",
    "fee_unvalued",
    "settings_refused",
    "queue",
    "reduction_refused",
    "breaker",
    "drawdown",
    "emergency_stop",
    "dead_man",
    "mark_stale",
    "offset",
    "balance_jump",
    "risk_order_refused",
]

# How long a repeated idempotency key is recognised, and how many are remembered at most.
IDEMPOTENCY_SPAN = timedelta(days=7)
IDEMPOTENCY_KEYS_MAX = 10_000
