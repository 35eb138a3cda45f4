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
from application.processes.adoption import origin
from application.processes.braking import ruling_state
from application.processes.margin import margin_seen
from application.processes.positions import apart, baseline_of
from domain.account import (
    AccountOpened,
    ChangeSettings,
    OpenAccount,
    RecordInstruments,
    SettingsRefused,
)
from domain.brakes import LiftHold, PlaceHold
from domain.holdings import (
    BalanceRecorded,
    ClearDiscrepancy,
    DiscrepancyCleared,
    MoveBaseline,
    RecordBalance,
)
from domain.holds import RESUMABLE, Hold, TradingState
from domain.message import Command
from domain.trading_day import AlertRaised, RaiseAlert

_STATES: dict[str, TradingState] = {"pause": "reducing", "halt": "halted"}


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Hand each fact to the aggregate that keeps it."""
    match recorded.event:
        case AccountRegistered() as registered:
            yield _open(registered)
            balance = registered.starting_balance
            yield _balance(book, registered.currency, balance, balance)
        case SettingsSubmitted() as submitted:
            yield ChangeSettings(
                settings=submitted.settings,
                actor=submitted.actor,
                reason=submitted.reason,
                engaged=_engaged(book),
            )
        case SettingsRefused(refusal=refusal):
            alert = AlertRaised(
                kind="settings_refused", severity="warning", subject="settings", text=refusal
            )
            yield RaiseAlert(alert=alert)
        case InstrumentsSeen(instruments=instruments):
            yield RecordInstruments(instruments=instruments)
        case BalanceSeen() as seen:
            yield _balance(book, seen.currency, seen.total, seen.free)
        case OperatorActed(action="pause" | "halt") as acted:
            hold = Hold(
                cause="operator",
                state=_STATES[acted.action],
                reason=acted.reason,
                actor=acted.actor,
                since=recorded.at,
            )
            yield PlaceHold(hold=hold)
        case OperatorActed(action="resume") as acted:
            for cause in RESUMABLE:
                yield LiftHold(cause=cause, reason=acted.reason, actor=acted.actor)
            # A log from before there were holds knows the state alone.
            yield ruling_state(book, reason=acted.reason, actor=acted.actor)
        case OperatorActed(action="clear_discrepancy") as acted:
            yield from _accepted(book, acted)
        case _:
            return


def _accepted(book: Book, acted: OperatorActed) -> Iterator[Command]:
    """A surplus an operator accepts is foreign from now on; what is missing stays missing."""
    for found in book.holdings.disputes(acted.subject):
        surplus = origin(book, found.held, found.difference).surplus
        yield MoveBaseline(
            symbol=found.symbol,
            side=found.side,
            total=baseline_of(book, found.held) + surplus,
            reason=acted.reason,
            actor=acted.actor,
        )
        cleared = DiscrepancyCleared(
            symbol=found.symbol, side=found.side, reason=acted.reason, actor=acted.actor
        )
        yield ClearDiscrepancy(cleared=cleared)


def _engaged(book: Book) -> str:
    """What is open at the venue, in words; empty if nothing is.

    A venue changes the position mode only of an account without any position, ours or not.
    """
    groups, orders = len(book.risk.slots), sum(1 for _ in book.working_orders())
    is_spot = book.account.opened.market_kind == "spot"
    held = 0 if is_spot else len(apart(book))
    if not (groups or orders or held):
        return ""
    return f"{groups} groups, {orders} orders and {held} positions beside them are open"


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


def _balance(book: Book, currency: str, total: Decimal, free: Decimal) -> RecordBalance:
    """With what our books say just now, so that they can be reckoned on from there."""
    recorded = BalanceRecorded(
        currency=currency,
        total=total,
        free=free,
        margin=margin_seen(book),
        realized=book.risk.realized_total,
    )
    return RecordBalance(recorded=recorded)
