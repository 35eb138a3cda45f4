"""The pages of the dashboard, each one question to the read tables.

Every page takes an `asyncpg.Pool`, the account, and `at`, a position in the log: None is now,
a position is history, the same page as it stood right after that event. Signatures:

    accounts(pool) -> tuple[AccountView, ...]
    position_at(pool, account, moment) -> int                 for the time slider
    overview(pool, account, at=None) -> OverviewView | None   None: no such account
    groups(pool, account, states=(), *, limit=200, at=None) -> tuple[GroupView, ...]
    group(pool, account, group_id, at=None) -> GroupView | None
    queue(pool, account, at=None) -> QueueView
    risk(pool, account, at=None) -> RiskView | None
    signals(pool, account, *, limit=100, offset=0, at=None) -> SignalsView
    log(pool, account, log_filter=LogFilter(), at=None) -> LogView
    performance(pool, account, at=None) -> PerformanceView | None
"""
