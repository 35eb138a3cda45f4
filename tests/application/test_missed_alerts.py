"""TradingView's idea of the position before a signal, against what the books hold."""

from decimal import Decimal
from itertools import product
from typing import Any

import msgspec
import pytest

from application.journal import Recorded
from domain.settings import PoolSettings
from domain.trading_day import AlertRaised, SignalRead
from tests.application.desk import PROMPT, Desk, of

POSITIONS = ("long", "short", "flat", None)
SIZES = ("0.1", "0", None)
HELD = ("nothing", "long", "short", "closing long", "queued long")


def holding(held: str) -> Desk:
    """A desk that holds this on the chart of the signal, 15 minutes of BTC."""
    slots = 1 if held == "queued long" else 10
    settings = msgspec.structs.replace(PROMPT, pool=PoolSettings(max_open_groups=slots))
    desk = Desk(settings)
    if held == "queued long":
        desk.signal(symbol="ETHUSDT.P")
    if held != "nothing":
        desk.signal("sell" if held == "short" else "buy")
    if held == "closing long":
        desk.handle(desk.received("long", kind="exit", price=None))
    assert told(desk.recorded) == []
    return desk


def tell(desk: Desk, position: str | None, size: str | None, **changes: Any) -> list[Recorded]:
    """A signal of the same chart that says what was held before it."""
    tv = {
        "symbol": "BTCUSDT.P",
        "timeframe": "15",
        "entry_price": "100",
        "prev_market_position": position,
        "prev_market_position_size": size,
        **changes.pop("tv", {}),
    }
    intent = {"type": "signal", "side": "buy", **changes.pop("intent", {})}
    return desk.handle(desk.received(tv=tv, execution_intent=intent, **changes))


def told(happened: list[Recorded]) -> list[str]:
    return [alert.text for alert in of(happened, AlertRaised) if alert.kind == "missed_alert"]


def expected(position: str | None, size: str | None, held: str) -> str:
    """What TradingView believed that we do not hold, `flat` if it believed in nothing we hold."""
    contradiction = position is not None and size is not None
    if contradiction and (position == "flat") != (size == "0"):
        return ""
    believes = position or {"0.1": "a position", "0": "flat", None: ""}[size]
    side = held.rpartition(" ")[2]
    if believes == "flat":
        return "flat" if held in ("long", "short") else ""
    if believes == "a position":
        return believes if held == "nothing" else ""
    return believes if believes not in ("", side) else ""


@pytest.mark.parametrize(("position", "size", "held"), list(product(POSITIONS, SIZES, HELD)))
def test_every_difference_is_told_and_nothing_else(
    position: str | None, size: str | None, held: str
) -> None:
    desk = holding(held)
    wanted = expected(position, size, held)
    ours = held if held in ("long", "short") else "nothing"

    found = told(tell(desk, position, size))

    assert found == (
        [f"TradingView believed {wanted}, the books hold {ours}: look for an alert that failed"]
        if wanted
        else []
    )


def test_the_alert_names_its_chart() -> None:
    (alert,) = of(tell(Desk(), "long", "0.1"), AlertRaised)

    assert (alert.subject, alert.severity) == ("BTC/USDT:USDT 15", "warning")


def test_another_timeframe_of_the_symbol_is_another_chart() -> None:
    desk = Desk()
    desk.signal(timeframe="60")

    assert told(tell(desk, "flat", "0")) == []
    assert len(told(tell(desk, "short", "0.1"))) == 1


def test_an_exit_of_all_timeframes_is_laid_beside_all_of_them() -> None:
    desk = Desk()
    desk.signal(timeframe="60")
    leave = {"intent": {"type": "exit", "side": None}, "tv": {"timeframe": None}}

    happened = tell(desk, "long", "0.1", **leave)

    assert told(happened) == []
    assert desk.outcome()[0] == "admitted"


def test_the_usual_life_of_a_trade_raises_no_alert() -> None:
    desk = Desk()
    steps: list[tuple[str, str, str, str]] = [
        ("buy", "flat", "0", "long"),
        ("buy", "long", "1", "long"),
        ("sell", "long", "2", "flat"),
        ("sell", "flat", "0", "short"),
        ("buy", "short", "1", "long"),
        ("sell", "long", "1", "flat"),
    ]
    for action, before, size, after in steps:
        kind = "reverse" if "flat" not in (before, after) and before != after else "signal"
        intent = {"type": kind, "side": action}
        happened = tell(desk, before, size, intent=intent, tv={"market_position": after})
        happened += desk.settle()
        assert told(happened) == [], (action, before, after)
    assert desk.book.open_groups() == ()


def test_it_is_told_again_only_if_it_changed() -> None:
    desk = Desk(msgspec.structs.replace(PROMPT, pool=PoolSettings(max_open_groups=1)))
    desk.signal(symbol="ETHUSDT.P")
    leave = {"intent": {"type": "exit", "side": "long"}}

    assert len(told(tell(desk, "long", "0.1", **leave))) == 1
    assert told(tell(desk, "long", "0.1", **leave)) == []
    assert len(told(tell(desk, "short", "0.1", **leave))) == 1


def test_a_resend_and_a_stale_signal_say_nothing_of_now() -> None:
    desk = Desk()

    tell(desk, "flat", "0", same=True)
    assert told(tell(desk, "flat", "0", same=True)) == []
    assert desk.outcome()[0] == "duplicate"
    assert told(tell(desk, "short", "1", timestamp="2026-01-05T07:00:00Z")) == []
    assert desk.outcome()[0] == "rejected"


def test_the_signal_keeps_what_tradingview_believed() -> None:
    desk = Desk()
    tell(desk, "short", "0.1")

    (read,) = of(desk.recorded, SignalRead)
    assert (read.prev_market_position, read.prev_market_position_size) == ("short", Decimal("0.1"))
