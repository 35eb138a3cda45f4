"""The position mode changes only when flat without orders; what was refused is told, and why."""

import msgspec

from application.inputs import SettingsSubmitted
from domain.account import SettingsChanged, SettingsRefused
from domain.settings import CapitalSettings, PoolSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import PROMPT, Desk, market, of
from tests.application.hand_venue import HEDGED, HandVenue


def submitted(settings: Settings) -> SettingsSubmitted:
    return SettingsSubmitted(settings=settings, actor="ann", reason="hedging")


def test_the_position_mode_changes_when_flat() -> None:
    desk = Desk()

    (changed,) = of(desk.feed(submitted(HEDGED)), SettingsChanged)

    assert changed.version == 2
    assert desk.book.account.settings.capital.hedge_mode


def test_the_position_mode_is_kept_while_anything_is_open() -> None:
    desk = Desk()
    desk.signal()

    happened = desk.feed(submitted(HEDGED))

    (refused,) = of(happened, SettingsRefused)
    assert (refused.version, refused.actor) == (1, "ann")
    assert "1 groups, 5 orders" in refused.refusal
    (alert,) = [a for a in of(happened, AlertRaised) if a.kind == "settings_refused"]
    assert alert.text == refused.refusal
    assert not desk.book.account.settings.capital.hedge_mode
    assert desk.book.account.refused == refused


def test_a_foreign_position_alone_keeps_it_as_the_venue_would() -> None:
    venue = HandVenue(markets=(market("BTC"),))
    venue.by_hand("buy", "1", "90")
    venue.look()

    (refused,) = of(venue.feed(submitted(HEDGED)), SettingsRefused)

    assert "1 positions beside them" in refused.refusal


def test_every_other_setting_changes_at_any_time_and_forgets_the_refusal() -> None:
    desk = Desk()
    desk.signal()
    desk.feed(submitted(HEDGED))
    more = msgspec.structs.replace(PROMPT, pool=PoolSettings(max_open_groups=3))

    (changed,) = of(desk.feed(submitted(more)), SettingsChanged)

    assert changed.version == 2
    assert desk.book.account.refused is None


def test_hedge_mode_bound_to_a_group_outlives_a_change_of_the_defaults() -> None:
    desk = HandVenue(HEDGED)
    desk.signal()
    back = msgspec.structs.replace(PROMPT, capital=CapitalSettings(hedge_mode=False))

    assert len(of(desk.feed(submitted(back)), SettingsRefused)) == 1
    assert desk.group().opened.capital.hedge_mode
