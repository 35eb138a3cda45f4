"""What losers and winners are made and looked at with."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from domain.settings import GridSettings, OffsetSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, ETH, PROMPT, SOL, Desk, of
from tests.application.exit_desk import ladder

D = Decimal
# One leg at the entry price with a target far away; two of it at 1 % under.
ONE_LEG = ladder(("0", "100", "900"))
TWO_LEGS = ladder(("0", "50", "900"), ("-1", "50", "900"))
NAMES = {BTC: "BTCUSDT.P", ETH: "ETHUSDT.P", SOL: "SOLUSDT.P"}


def rules(grid: GridSettings = ONE_LEG, *, pyramids: int = 1, **changes: Any) -> Settings:
    """Groups of so many pyramids; no wait unless told."""
    offset = OffsetSettings(**{"post_full_wait_minutes": 0, **changes})
    return msgspec.structs.replace(
        PROMPT,
        grid=msgspec.structs.replace(grid, max_pyramids=pyramids),
        risk=msgspec.structs.replace(PROMPT.risk, offset=offset),
    )


def look(desk: Desk, **span: float) -> list[Recorded]:
    """Time passes, and the losers are looked at; the venue hears nothing of it yet."""
    desk.now += timedelta(**span)
    return desk.handle(ClockTicked(due_at=desk.now, offset=True))


def opened(desk: Desk, symbol: str, price: str = "100") -> str:
    """A filled group, its market moved to `price` then; its id."""
    desk.signal(symbol=NAMES[symbol])
    desk.move("100", symbol)
    desk.move(price, symbol)
    found = [g for g in desk.book.open_groups() if g.opened.symbol == symbol]
    return found[-1].opened.group_id


def timers(desk: Desk) -> dict[str, Any]:
    return desk.book.offset_watch.timers


def told(happened: Sequence[Recorded], kind: str) -> list[str]:
    return [alert.text for alert in of(happened, AlertRaised) if alert.kind == kind]


def order(desk: Desk, action: Any, subject: str = "", reason: str = "because") -> list[Recorded]:
    """An operator's order; the venue hears nothing of it yet."""
    acted = OperatorActed(action=action, subject=subject, actor="ann", reason=reason)
    return desk.handle(acted)
