"""A trade that reaches several legs at once is judged as one: gains make up for losses."""

from decimal import Decimal

import msgspec

from domain.brakes import BreakerTripped
from domain.position_group import PositionGroupClosed
from domain.risk_engine import ProfitRecorded
from domain.settings import RiskSettings
from tests.application.desk import PROMPT, Desk, of
from tests.application.exit_desk import ladder

D = Decimal


def test_a_close_that_gains_on_the_whole_trips_no_breaker_on_the_way() -> None:
    grid = ladder(("0", "50", "8"), ("-10", "50", "90"))
    risk = RiskSettings(max_daily_loss=D(5))
    desk = Desk(msgspec.structs.replace(PROMPT, grid=grid, risk=risk))
    desk.signal()
    desk.move("90")
    desk.move("96")

    happened = desk.signal("long", kind="exit", price=None)

    first, *others = of(happened, ProfitRecorded)
    assert first.amount < -D(5) < D(0) < first.amount + sum(each.amount for each in others)
    assert of(happened, PositionGroupClosed)
    assert of(desk.recorded, BreakerTripped) == []
