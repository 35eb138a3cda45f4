"""The accounts there are, with the settings that rule them."""

import asyncpg
import msgspec

from domain.settings import Settings
from projections.pages.moments import plain_row, versions
from projections.views import AccountView, SettingsRefusal

_ACCOUNTS = """
    SELECT a.account, a.venue, a.market_kind, a.paper, a.currency, a.settings_version, a.settings,
           coalesce(c.trading_state, 'active') AS trading_state,
           a.refusal, a.refusal_actor, a.refusal_reason, a.refused_at
    FROM read_4.accounts AS a LEFT JOIN read_4.conditions AS c
        ON c.account = a.account AND c.until IS NULL
    WHERE a.until IS NULL ORDER BY a.account
"""
_SETTINGS = """
    SELECT a.settings FROM read_4.accounts AS a WHERE a.account = $1 AND [a]
"""


async def accounts(pool: asyncpg.Pool) -> tuple[AccountView, ...]:
    """Every account, by name."""
    rows = await pool.fetch(_ACCOUNTS)
    return tuple(_account(plain_row(row)) for row in rows)


async def read_settings(
    connection: asyncpg.Connection, account: str, at: int | None
) -> Settings | None:
    """The settings that ruled; None if the account was not there."""
    document: str | None = await connection.fetchval(versions(_SETTINGS, at), account, at)
    return None if document is None else msgspec.json.decode(document, type=Settings)


def _account(row: dict[str, object]) -> AccountView:
    view = msgspec.convert(row, AccountView)
    if row["refused_at"] is None:
        return view
    told = {"refusal": row["refusal"], "actor": row["refusal_actor"], "at": row["refused_at"]}
    refused = msgspec.convert({**told, "reason": row["refusal_reason"]}, SettingsRefusal)
    return msgspec.structs.replace(view, refused=refused)
