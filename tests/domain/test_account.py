"""The account itself: opened once, settings by version, markets as they change."""

from decimal import Decimal

import msgspec
import pytest

from domain import account
from domain.account import (
    AccountOpened,
    ChangeSettings,
    InstrumentsChanged,
    OpenAccount,
    RecordInstruments,
    SettingsChanged,
    SettingsRefused,
)
from domain.instrument import Instrument
from domain.settings import CapitalSettings, PoolSettings, Settings
from tests.domain.given import fold, given

D = Decimal
OPENED = AccountOpened(
    installation="house",
    venue="binanceusdm",
    market_kind="linear",
    paper=True,
    currency="USDT",
    starting_balance=D(1000),
    actor="ann",
)
FIRST = SettingsChanged(
    version=1, settings=Settings(), actor="ann", reason="the account was opened"
)
TIGHTER = Settings(pool=PoolSettings(max_open_groups=1))
BTC = Instrument(
    symbol="BTC/USDT:USDT",
    venue_symbol="BTCUSDT",
    kind="linear",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    min_notional=D(5),
)
ETH = msgspec.structs.replace(BTC, symbol="ETH/USDT:USDT", venue_symbol="ETHUSDT", base="ETH")


def test_an_account_opens_once_with_its_first_settings() -> None:
    state = given(account).when(OpenAccount(opened=OPENED, settings=Settings())).then(OPENED, FIRST)

    assert state.settings_version == 1


def test_an_account_never_opened_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="was never opened"):
        given(account).when(RecordInstruments(instruments=(BTC,)))
    with pytest.raises(AssertionError, match="first event is AccountOpened"):
        fold(account, [FIRST])


def test_changed_settings_are_the_next_version_with_who_and_why() -> None:
    state = (
        given(account, OPENED, FIRST)
        .when(ChangeSettings(settings=TIGHTER, actor="bob", reason="holidays"))
        .then(SettingsChanged(version=2, settings=TIGHTER, actor="bob", reason="holidays"))
    )

    assert (state.settings, state.settings_version) == (TIGHTER, 2)


def test_the_same_settings_are_no_new_version() -> None:
    given(account, OPENED, FIRST).when(
        ChangeSettings(settings=Settings(), actor="bob", reason="nothing")
    ).then_nothing()


HEDGED = Settings(capital=CapitalSettings(hedge_mode=True))
REFUSED = SettingsRefused(
    version=1,
    refusal=(
        "capital.hedge_mode was true: it changes only when flat without orders, and 2 groups are"
        " open; close them first"
    ),
    actor="bob",
    reason="hedging",
)


def hedged(engaged: str) -> ChangeSettings:
    return ChangeSettings(settings=HEDGED, actor="bob", reason="hedging", engaged=engaged)


def test_the_position_mode_changes_only_when_nothing_is_open() -> None:
    state = given(account, OPENED, FIRST).when(hedged("2 groups are open")).then(REFUSED)
    assert (state.settings, state.settings_version, state.refused) == (Settings(), 1, REFUSED)

    changed = SettingsChanged(version=2, settings=HEDGED, actor="bob", reason="hedging")
    state = given(account, OPENED, FIRST, REFUSED).when(hedged("")).then(changed)
    assert state.refused is None


def test_whatever_is_open_other_settings_change() -> None:
    change = ChangeSettings(
        settings=TIGHTER, actor="bob", reason="holidays", engaged="2 groups are open"
    )

    given(account, OPENED, FIRST).when(change).then(
        SettingsChanged(version=2, settings=TIGHTER, actor="bob", reason="holidays")
    )


def test_new_markets_are_recorded_sorted() -> None:
    state = (
        given(account, OPENED, FIRST)
        .when(RecordInstruments(instruments=(ETH, BTC)))
        .then(InstrumentsChanged(instruments=(BTC, ETH)))
    )

    assert state.instruments == (BTC, ETH)


def test_only_markets_that_changed_are_recorded() -> None:
    finer = msgspec.structs.replace(BTC, tick=D("0.01"))
    past = (OPENED, FIRST, InstrumentsChanged(instruments=(BTC, ETH)))

    state = (
        given(account, *past)
        .when(RecordInstruments(instruments=(finer, ETH)))
        .then(InstrumentsChanged(instruments=(finer,)))
    )
    assert state.instruments == (finer, ETH)


def test_markets_seen_again_change_nothing() -> None:
    given(account, OPENED, FIRST, InstrumentsChanged(instruments=(BTC,))).when(
        RecordInstruments(instruments=(BTC,))
    ).then_nothing()


def test_rules_that_a_venue_forgets_to_tell_do_not_take_away_those_it_told() -> None:
    unknown = msgspec.structs.replace(BTC, tick=D(0))
    opened = given(account, OPENED, FIRST, InstrumentsChanged(instruments=(BTC,)))

    opened.when(RecordInstruments(instruments=(unknown,))).then_nothing()
    state = opened.when(RecordInstruments(instruments=(unknown, ETH))).then(
        InstrumentsChanged(instruments=(ETH,))
    )

    assert state.instruments == (BTC, ETH)


def test_rules_that_come_complete_what_was_known_of_a_market() -> None:
    unknown = msgspec.structs.replace(BTC, tick=D(0), step=D(0))

    state = (
        given(account, OPENED, FIRST, InstrumentsChanged(instruments=(unknown,)))
        .when(RecordInstruments(instruments=(BTC,)))
        .then(InstrumentsChanged(instruments=(BTC,)))
    )

    assert state.instruments == (BTC,)
