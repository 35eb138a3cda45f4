"""What is said of the account itself: its opening, settings, markets and balance."""

from collections.abc import Iterator
from decimal import Decimal

from application.book import Book
from application.inputs import (
    AccountRegistered,
    BalanceSeen,
    InstrumentsSeen,
    OperatorActed,
    SettingsSubmitted,
)
from application.journal import Recorded
from domain.account import AccountOpened, ChangeSettings, OpenAccount, RecordInstruments
from domain.message import Command
from domain.risk_engine import (
    BalanceRecorded,
    ChangeTradingState,
    ClearDiscrepancy,
    DiscrepancyCleared,
    RecordBalance,
    TradingState,
    TradingStateChanged,
)

_STATES: dict[str, TradingState] = {"pause": "reducing", "resume": "active", "halt": "halted"}


def react(_: Book, recorded: Recorded) -> Iterator[Command]:
    """Hand each fact to the aggregate that keeps it."""
    match recorded.event:
        case AccountRegistered() as registered:
            yield _open(registered)
            balance = registered.starting_balance
            yield _balance(registered.currency, balance, balance)
        case SettingsSubmitted() as submitted:
            yield ChangeSettings(
                settings=submitted.settings, actor=submitted.actor, reason=submitted.reason
            )
        case InstrumentsSeen(instruments=instruments):
            yield RecordInstruments(instruments=instruments)
        case BalanceSeen() as seen:
            yield _balance(seen.currency, seen.total, seen.free)
        case OperatorActed(action="pause" | "resume" | "halt") as acted:
            state = _STATES[acted.action]
            changed = TradingStateChanged(state=state, reason=acted.reason, actor=acted.actor)
            yield ChangeTradingState(changed=changed)
        case OperatorActed(action="clear_discrepancy") as acted:
            symbol, reason, actor = acted.subject, acted.reason, acted.actor
            cleared = DiscrepancyCleared(symbol=symbol, reason=reason, actor=actor)
            yield ClearDiscrepancy(cleared=cleared)
        case _:
            return


def _open(registered: AccountRegistered) -> OpenAccount:
    opened = AccountOpened(
        installation=registered.installation,
        venue=registered.venue,
        market_kind=registered.market_kind,
        paper=registered.paper,
        currency=registered.currency,
        starting_balance=registered.starting_balance,
        actor=registered.actor,
    )
    return OpenAccount(opened=opened, settings=registered.settings)


def _balance(currency: str, total: Decimal, free: Decimal) -> RecordBalance:
    return RecordBalance(recorded=BalanceRecorded(currency=currency, total=total, free=free))
