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
)
from domain.instrument import Instrument
from domain.settings import PoolSettings, Settings
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
