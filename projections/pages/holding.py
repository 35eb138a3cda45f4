"""What holds new exposure back: the causes that stand, and the symbols that cool down."""

from datetime import datetime, timedelta

import asyncpg
import msgspec

from domain.holds import TIGHTNESS
from domain.settings import Settings
from projections.pages.moments import plain_row, versions
from projections.risk_views import CooldownRow, HoldRow

_HOLDS = """
    SELECT h.cause, h.state, h.reason, h.actor, h.held_since AS since
    FROM read_4.holds AS h WHERE h.account = $1 AND [h]
"""
_LOST = """
    SELECT l.symbol, l.group_id, l.realized, l.lost_at
    FROM read_4.lost_groups AS l
    WHERE l.account = $1 AND [l] AND l.lost_at > $3 ORDER BY l.lost_at DESC, l.symbol
"""


async def read_holds(
    connection: asyncpg.Connection, account: str, at: int | None
) -> tuple[HoldRow, ...]:
    """Every cause that holds trading back, the one that rules first."""
    rows = await connection.fetch(versions(_HOLDS, at), account, at)
    holds = [msgspec.convert(plain_row(row), HoldRow) for row in rows]
    return tuple(sorted(holds, key=_place))


async def read_cooldowns(
    connection: asyncpg.Connection,
    account: str,
    at: int | None,
    known: tuple[Settings, datetime],
) -> tuple[CooldownRow, ...]:
    """The symbols that cool down by the settings, at the moment given with them."""
    settings, moment = known
    span = timedelta(minutes=settings.risk.cooldown_minutes_after_loss)
    if not span:
        return ()
    rows = await connection.fetch(versions(_LOST, at), account, at, moment - span)
    lost = [plain_row(row) for row in rows]
    return tuple(
        msgspec.convert({**row, "until": found["lost_at"] + span}, CooldownRow)
        for row, found in zip(lost, rows, strict=True)
    )


def _place(hold: HoldRow) -> tuple[int, datetime, str]:
    """As `domain.holds.ruling` has it: the tightest, then the longest standing."""
    return (-TIGHTNESS.index(hold.state), hold.since, hold.cause)
