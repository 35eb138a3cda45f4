"""What is said of the account itself: its opening, settings, markets and balance."""

from collections.abc import Iterator

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
from domain.risk_engine import ChangeTradingState, ClearDiscrepancy, RecordBalance, TradingState

_STATES: dict[str, TradingState] = {"pause": "reducing", "resume": "active", "halt": "halted"}


def react(_: Book, recorded: Recorded) -> Iterator[Command]:
    """Hand each fact to the aggregate that keeps it."""
    match recorded.event:
        case AccountRegistered() as registered:
            yield _open(registered)
            yield RecordBalance(
                currency=registered.currency,
                total=registered.starting_balance,
                free=registered.starting_balance,
            )
        case SettingsSubmitted() as submitted:
            yield ChangeSettings(
                settings=submitted.settings, actor=submitted.actor, reason=submitted.reason
            )
        case InstrumentsSeen(instruments=instruments):
            yield RecordInstruments(instruments=instruments)
        case BalanceSeen() as seen:
            yield RecordBalance(currency=seen.currency, total=seen.total, free=seen.free)
        case OperatorActed(action="pause" | "resume" | "halt") as acted:
            yield ChangeTradingState(
                state=_STATES[acted.action], reason=acted.reason, actor=acted.actor
            )
        case OperatorActed(action="clear_discrepancy") as acted:
            yield ClearDiscrepancy(symbol=acted.subject, reason=acted.reason, actor=acted.actor)
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
