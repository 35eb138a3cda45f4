"""Accounts: what each is, the settings that rule it, and the engine that runs it."""

import msgspec

from application.journal import Recorded
from domain.account import AccountOpened, SettingsChanged, SettingsRefused
from domain.holdings import BalanceRecorded
from domain.money import ZERO
from domain.risk_engine import TradingStateChanged
from domain.trading_day import EngineStarted
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Row,
    RowChange,
    Table,
    count,
    flag,
    moment,
    number,
    same,
    text,
)

ACCOUNTS = Table(
    name="accounts",
    kind="current",
    key=("account",),
    columns=(
        text("account"),
        text("venue"),
        text("market_kind"),
        flag("paper"),
        text("currency"),
        number("starting_balance", ZERO),
        count("settings_version"),
        text("settings", "{}"),
        text("refusal"),
        text("refusal_actor"),
        text("refusal_reason"),
        moment("refused_at"),
        moment("opened_at"),
    ),
)
CONDITIONS = Table(
    name="conditions",
    kind="current",
    key=("account",),
    columns=(
        text("account"),
        text("trading_state", "active"),
        text("state_reason"),
        text("state_actor"),
        moment("state_changed_at"),
        number("balance_total"),
        number("balance_free"),
        text("engine_version"),
        moment("engine_started_at"),
    ),
)

# Of an account whose latest change of settings was taken up.
_UNREFUSED: Row = {"refusal": "", "refusal_actor": "", "refusal_reason": "", "refused_at": None}

_SETTINGS = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """Identity and settings change rarely, the conditions often: two tables."""
    event, key = recorded.event, (recorded.account,)
    match event:
        case AccountOpened():
            opened = same(event, "venue", "market_kind", "paper", "currency", "starting_balance")
            return (
                Put(table="accounts", key=key, values={**opened, "opened_at": recorded.at}),
                Change(table="conditions", key=key, absent="create"),
            )
        case SettingsChanged():
            settings = _SETTINGS.encode(event.settings).decode()
            ruled: Row = {"settings_version": event.version, "settings": settings, **_UNREFUSED}
            return (Change(table="accounts", key=key, assign=ruled),)
        case SettingsRefused():
            refused: Row = {
                "refusal": event.refusal,
                "refusal_actor": event.actor,
                "refusal_reason": event.reason,
                "refused_at": recorded.at,
            }
            return (Change(table="accounts", key=key, assign=refused),)
        case TradingStateChanged():
            state: Row = {
                "trading_state": event.state,
                "state_reason": event.reason,
                "state_actor": event.actor,
                "state_changed_at": recorded.at,
            }
        case BalanceRecorded():
            state = {"balance_total": event.total, "balance_free": event.free}
        case EngineStarted():
            state = {"engine_version": event.version, "engine_started_at": event.started_at}
        case _:
            return ()
    return (Change(table="conditions", key=key, assign=state, absent="create"),)


MODEL = ReadModel(
    tables=(ACCOUNTS, CONDITIONS), project=project, views=frozenset({"overview", "risk"})
)
