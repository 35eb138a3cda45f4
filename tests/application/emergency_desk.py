"""What emergency stops are made and looked at with: trades that have fallen, and their end."""

from decimal import Decimal

import msgspec

from domain.equity import DrawdownBreached
from domain.settings import PoolSettings
from tests.application.desk import ETH, SOL, Desk, of
from tests.application.drawdown_desk import holding, tick, venue_name
from tests.application.exit_desk import TWO_LEGS, held, settings
from tests.application.hand_venue import HandVenue

D = Decimal
REASON = "emergency stop by ann: because"


def fallen(*symbols: str) -> HandVenue:
    """The first look has found the limit reached."""
    venue = holding(*symbols)
    venue.move("90")
    assert len(of(tick(venue), DrawdownBreached)) == 1
    return venue


def two_trades() -> Desk:
    """BTC with one lot and one entry resting, ETH resting alone; SOL waits in the queue."""
    desk = Desk(msgspec.structs.replace(settings(TWO_LEGS), pool=PoolSettings(max_open_groups=2)))
    desk.signal()
    desk.signal(symbol=venue_name(ETH), price="97")
    desk.signal(symbol=venue_name(SOL))
    assert desk.outcome()[0] == "queued"
    return desk


def assert_out(desk: Desk) -> None:
    """Flat, halted, and nothing works any more."""
    assert desk.book.open_groups() == ()
    assert desk.working() == []
    assert held(desk) == D(0)
    assert desk.book.risk.trading_state == "halted"
    assert "emergency_stop" in desk.book.brakes.holds
