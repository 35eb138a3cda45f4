"""One user on one venue: the account's settings through time and the markets it knows."""

from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.instrument import Instrument, MarketKind
from domain.message import Command, Event
from domain.settings import Settings

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class AccountOpened(Event, frozen=True, kw_only=True):
    """The account began. `starting_balance` in units of `currency`."""

    NAME: ClassVar[str] = "account.opened.v1"
    installation: str
    venue: str
    market_kind: MarketKind
    paper: bool
    currency: str
    starting_balance: Decimal
    actor: str


class SettingsChanged(Event, frozen=True, kw_only=True):
    """From now on these settings rule; open groups keep what was bound to them."""

    NAME: ClassVar[str] = "account.settings_changed.v1"
    version: int
    settings: Settings
    actor: str
    reason: str


class SettingsRefused(Event, frozen=True, kw_only=True):
    """A change was refused at this moment, and why; `version` rules on."""

    NAME: ClassVar[str] = "account.settings_refused.v1"
    version: int
    refusal: str
    actor: str
    reason: str


class InstrumentsChanged(Event, frozen=True, kw_only=True):
    """These markets are new, or their rules changed."""

    NAME: ClassVar[str] = "account.instruments_changed.v1"
    instruments: tuple[Instrument, ...]


AccountEvent = AccountOpened | SettingsChanged | SettingsRefused | InstrumentsChanged


# Commands


class AccountCommand(Command, frozen=True, kw_only=True):
    """A command to the account itself."""

    AGGREGATE: ClassVar[str] = "account"

    @property
    def key(self) -> str:
        """An account has one stream for its whole life."""
        return "self"


class OpenAccount(AccountCommand, frozen=True, kw_only=True):
    """Begin with these settings as version 1."""

    opened: AccountOpened
    settings: Settings


class ChangeSettings(AccountCommand, frozen=True, kw_only=True):
    """Let other settings rule. `engaged`: what is open at the venue, in words; empty if flat."""

    settings: Settings
    actor: str
    reason: str
    engaged: str = ""


class RecordInstruments(AccountCommand, frozen=True, kw_only=True):
    """The venue's rules as they stand."""

    instruments: tuple[Instrument, ...]


AccountCommands = OpenAccount | ChangeSettings | RecordInstruments


# State


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the account itself. Instruments are sorted by symbol.

    `refused`: the last change of settings, if it was refused.
    """

    opened: AccountOpened
    settings: Settings
    settings_version: int = 0
    instruments: tuple[Instrument, ...] = ()
    refused: SettingsRefused | None = None


def evolve(state: Account | None, event: AccountEvent) -> Account:
    """Fold one event into the state."""
    if isinstance(event, AccountOpened):
        return Account(opened=event, settings=Settings())
    assert state is not None, "an account's first event is AccountOpened"
    match event:
        case SettingsChanged():
            return msgspec.structs.replace(
                state, settings=event.settings, settings_version=event.version, refused=None
            )
        case SettingsRefused():
            return msgspec.structs.replace(state, refused=event)
        case InstrumentsChanged():
            return msgspec.structs.replace(
                state, instruments=_merged(state.instruments, event.instruments)
            )
        case _:
            assert_never(event)


def decide(state: Account | None, command: AccountCommands) -> tuple[AccountEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenAccount):
        return () if state is not None else _open(command)
    assert state is not None, "the account was never opened"
    match command:
        case ChangeSettings():
            return _change_settings(state, command)
        case RecordInstruments():
            return _record_instruments(state, command)
        case _:
            assert_never(command)


def _open(command: OpenAccount) -> tuple[AccountEvent, ...]:
    first = SettingsChanged(
        version=1,
        settings=command.settings,
        actor=command.opened.actor,
        reason="the account was opened",
    )
    return (command.opened, first)


def _change_settings(state: Account, command: ChangeSettings) -> tuple[AccountEvent, ...]:
    if command.settings == state.settings:
        return ()
    hedged = command.settings.capital.hedge_mode
    if hedged != state.settings.capital.hedge_mode and command.engaged:
        refused = _refused(state, command)
        return () if state.refused == refused else (refused,)
    changed = SettingsChanged(
        version=state.settings_version + 1,
        settings=command.settings,
        actor=command.actor,
        reason=command.reason,
    )
    return (changed,)


def _refused(state: Account, command: ChangeSettings) -> SettingsRefused:
    """Spec §2: the position mode changes only when flat without orders."""
    hedged = str(command.settings.capital.hedge_mode).lower()
    return SettingsRefused(
        version=state.settings_version,
        refusal=(
            f"capital.hedge_mode was {hedged}: it changes only when flat without orders, and"
            f" {command.engaged}; close them first"
        ),
        actor=command.actor,
        reason=command.reason,
    )


def _record_instruments(state: Account, command: RecordInstruments) -> tuple[AccountEvent, ...]:
    """Rules that a venue forgets to tell do not take away those it told before."""
    known = {instrument.symbol: instrument for instrument in state.instruments}
    changed = tuple(
        instrument
        for instrument in sorted(command.instruments, key=lambda item: item.symbol)
        if _is_news(known.get(instrument.symbol), instrument)
    )
    return (InstrumentsChanged(instruments=changed),) if changed else ()


def _is_news(known: Instrument | None, seen: Instrument) -> bool:
    if known is not None and known.is_complete and not seen.is_complete:
        return False
    return known != seen


def _merged(
    known: tuple[Instrument, ...], changed: tuple[Instrument, ...]
) -> tuple[Instrument, ...]:
    by_symbol = {instrument.symbol: instrument for instrument in (*known, *changed)}
    return tuple(by_symbol[symbol] for symbol in sorted(by_symbol))
