"""The pages of the dashboard, each one question to the read tables.

Every page takes an `asyncpg.Pool`, the account, and `at`, a position in the log: None is now,
a position is history, the same page as it stood right after that event.
"""

from projections.pages.alerts import AlertsWanted, alerts
from projections.pages.audit import log
from projections.pages.equity import EquityWanted, equity
from projections.pages.exposure import denials, risk
from projections.pages.ledger import signals
from projections.pages.moments import position_at
from projections.pages.offsets import offsets
from projections.pages.positions import group, groups
from projections.pages.registry import accounts
from projections.pages.results import performance
from projections.pages.summary import overview
from projections.pages.waiting import queue

__all__ = [
    "AlertsWanted",
    "EquityWanted",
    "accounts",
    "alerts",
    "denials",
    "equity",
    "group",
    "groups",
    "log",
    "offsets",
    "overview",
    "performance",
    "position_at",
    "queue",
    "risk",
    "signals",
]
