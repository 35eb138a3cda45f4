"""How often a live room reads its markets: as set, and soon while something lacks its rules."""

import msgspec

from application.work_list import snapshot_of
from cli.rooms import MISSING_RULES_SECONDS, is_refresh_due
from domain.settings import PrecisionSettings
from tests.application.desk import BTC, ETH, PROMPT, Desk, market

SET = msgspec.structs.replace(PROMPT, precision=PrecisionSettings(refresh_seconds=600))
KNOWN = {BTC: market("BTC"), ETH: market("ETH", tick=market("ETH").tick - market("ETH").tick)}


def test_markets_are_read_again_as_often_as_the_settings_say() -> None:
    desk = Desk(SET)
    desk.signal()
    snapshot = snapshot_of(desk.book)

    assert not is_refresh_due(599.9, snapshot, KNOWN)
    assert is_refresh_due(600, snapshot, KNOWN)


def test_while_a_symbol_in_use_lacks_its_rules_they_are_asked_for_soon() -> None:
    desk = Desk(SET)
    desk.signal(symbol="ETHUSDT.P")
    snapshot = snapshot_of(desk.book)

    assert not is_refresh_due(MISSING_RULES_SECONDS - 1, snapshot, KNOWN)
    assert is_refresh_due(MISSING_RULES_SECONDS, snapshot, KNOWN)
