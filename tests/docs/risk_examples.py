"""The worked examples of docs/risk.md, computed by the engine itself.

`python -m tests.docs.risk_examples` writes them into the page.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import ClockTicked
from domain.brakes import BreakerTripped
from domain.equity import DrawdownBreached, EmergencyStopped, EquitySampled, drawdown_percent
from domain.money import plain
from domain.offset import (
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
)
from domain.offset_plan import OffsetLeg, OffsetTrade, loser_part, winner_part
from domain.risk_engine import RiskDenied
from domain.settings import OffsetSettings, PoolSettings, RiskSettings, Settings
from tests.application.desk import BTC, ETH, MORNING, PROMPT, SOL, Desk, market, of
from tests.application.exit_desk import ladder
from tests.docs.worked import DOCS, Examples, table, write

PAGE = DOCS / "risk.md"
D = Decimal
# One order of 1,000 at the entry price, its target far away.
ONE_LEG = msgspec.structs.replace(ladder(("0", "100", "90")), max_pyramids=1)
NAMES = {BTC: "BTCUSDT.P", ETH: "ETHUSDT.P", SOL: "SOLUSDT.P"}


def receipt() -> str:
    """A second trade, when the pool has one slot and 1,500 may be committed."""
    desk = _desk(
        pool=PoolSettings(max_open_groups=1), risk=RiskSettings(max_committed_capital=D(1500))
    )
    _buy(desk, BTC)
    (denied,) = of(desk.signal(symbol=NAMES[ETH]), RiskDenied)
    rows = [["rule", "value", "limit", ""]]
    for check in denied.receipt:
        verdict = "" if check.passed else "denied"
        rows.append([check.rule, check.value or "unknown", check.limit or "off", verdict])
    return table(rows)


def breaker() -> str:
    """Two trades that lose 2 % each, with `max_daily_loss` 30; then an operator's reset."""
    desk = _desk(risk=RiskSettings(max_daily_loss=D(30)))
    rows = [["what happens", "loss of the day", "breaker", "trading"]]
    for symbol in (BTC, ETH):
        _buy(desk, symbol)
        desk.move("98", symbol)
        desk.signal("long", kind="exit", symbol=NAMES[symbol], price=None)
        rows.append([f"{NAMES[symbol]} is closed at 98", *_brakes(desk)])
    (tripped,) = of(desk.recorded, BreakerTripped)
    assert tripped.limit == D(30)
    desk.signal(symbol=NAMES[SOL])
    outcome, reason = desk.outcome()
    rows.append([f"an entry in {NAMES[SOL]}: {outcome}, {reason}", *_brakes(desk)])
    desk.operator("reset_breaker")
    rows.append(["an operator resets it", *_brakes(desk)])
    return table(rows)


def emergency() -> str:
    """Minute by minute: 8,000 of a small account in one trade, `max_drawdown_percent` 20."""
    settings = _settings(risk=RiskSettings(max_daily_loss=None, max_drawdown_percent=D(20)))
    capital = msgspec.structs.replace(settings.capital, group_budget=D(8000))
    desk = _SmallDesk(msgspec.structs.replace(settings, capital=capital))
    _buy(desk, BTC)
    rows = [["mark", "equity", "peak", "drawdown %", "what happens"]]
    for price in ("100", "110", "88", "83", "82"):
        desk.move(price)
        happened = _minute(desk)
        samples = of(happened, EquitySampled)
        if not samples:
            continue
        drawdown = drawdown_percent(samples[0].equity, samples[0].peak)
        told = ""
        if of(happened, DrawdownBreached):
            told = "the first look"
        if of(happened, EmergencyStopped):
            told = "the second look: everything is closed"
        cells = (samples[0].equity, samples[0].peak, drawdown)
        rows.append([price, *map(_short, cells), told])
    return table(rows)


def formula() -> str:
    """A lot of 20 at 100, the price 110, and 50 needed: without fees and with 0.05 %."""
    rows = [["exit fee %", "a unit earns", "units for 50", "they earn"]]
    for fee in ("0", "0.05"):
        trade = _trade("100", "110", fee)
        part = winner_part(trade, D(50), D(0))
        earned = part.expected / part.quantity
        rows.append([fee, _short(earned), plain(part.quantity), _short(part.expected)])
    return table(rows)


def loser_formula() -> str:
    """A lot of 20 at 100, the price 95, and 50 earned: what of it 50 pays for."""
    rows = [["exit fee %", "a unit loses", "units for 50", "they lose", "no worse than"]]
    for fee in ("0", "0.05"):
        part = loser_part(_trade("100", "95", fee), D(50))
        lost = -part.expected / part.quantity
        cells = (part.quantity, -part.expected, part.bound)
        rows.append([fee, _short(lost), *map(_short, cells)])
    return table(rows)


def offset() -> str:
    """BTC is 5 % up and SOL 3 %; ETH is 6 % down and its wait is over."""
    rules = OffsetSettings(required_pyramids=1, post_full_wait_minutes=0)
    desk = _desk(risk=RiskSettings(offset=rules))
    for symbol, price in ((BTC, "105"), (SOL, "103"), (ETH, "94")):
        _buy(desk, symbol)
        desk.move(price, symbol)
    names = {g.opened.group_id: g.opened.symbol.split("/")[0] for g in desk.book.open_groups()}
    desk.now += timedelta(seconds=10)
    happened = desk.feed(ClockTicked(due_at=desk.now, promotion=True, offset=True))
    (planned,) = of(happened, OffsetPlanned)
    rows = [
        ["step", "trade", "quantity", "amount"],
        ["needed to close the loser", names[planned.loser.group_id], "", _short(planned.needed)],
    ]
    for each in happened:
        match each.event:
            case OffsetWinnerStarted() | OffsetLoserStarted() as started:
                quantity = sum((part.quantity for part in started.parts), D(0))
                is_winner = isinstance(started, OffsetWinnerStarted)
                what = "sold of the winner" if is_winner else "sold of the loser"
                rows.append([what, names[started.group_id], plain(quantity), ""])
            case OffsetWinnerEnded() as ended:
                rows.append(["earned", names[ended.group_id], "", _short(ended.earned)])
            case OffsetLoserEnded() as ended:
                rows.append(["lost", names[ended.group_id], "", _short(ended.realized)])
            case OffsetSettled() as settled:
                rows.append([f"settled: {settled.outcome}", "", "", _short(settled.result)])
            case _:
                continue
    return table(rows)


EXAMPLES: Examples = {
    "receipt": receipt,
    "breaker": breaker,
    "emergency": emergency,
    "formula": formula,
    "loser-formula": loser_formula,
    "offset": offset,
}


class _SmallDesk(Desk):
    """An account that began with 10,000."""

    def handle(self, received: Any) -> Any:
        """As a desk does, with less to begin with."""
        if hasattr(received, "starting_balance"):
            received = msgspec.structs.replace(received, starting_balance=D(10_000))
        return super().handle(received)


def _settings(**parts: Any) -> Settings:
    capital = msgspec.structs.replace(PROMPT.capital, group_budget=D(1000))
    return msgspec.structs.replace(PROMPT, grid=ONE_LEG, capital=capital, **parts)


def _desk(**parts: Any) -> Desk:
    return _SmallDesk(_settings(**parts))


def _buy(desk: Desk, symbol: str) -> None:
    """10 at 100, as taker."""
    desk.signal(symbol=NAMES[symbol])
    desk.move("100", symbol)


def _minute(desk: Desk) -> list[Any]:
    """The next whole minute."""
    desk.now = desk.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return desk.feed(ClockTicked(due_at=desk.now, promotion=True, minute=True))


def _brakes(desk: Desk) -> tuple[str, str, str]:
    book = desk.book
    loss = max(D(0), book.brakes.loss_reference - book.risk.realized_today)
    return _short(loss), "tripped" if book.brakes.is_tripped else "", book.risk.trading_state


def _trade(entry: str, price: str, fee: str) -> OffsetTrade:
    leg = OffsetLeg(
        leg_id="g1-p0-l0", quantity=D(20), cost=D(entry) * 20, entry_fee=D(0), sold=D(0)
    )
    return OffsetTrade(
        group_id="g1",
        symbol=BTC,
        side="long",
        instrument=market("BTC", taker_fee_percent=D(fee)),
        price=D(price),
        legs=(leg,),
        opened_at=MORNING,
    )


def _short(value: Decimal) -> str:
    """At most four decimals, for a page."""
    return plain(value.quantize(D("1e-4")))


if __name__ == "__main__":
    write(PAGE, EXAMPLES)
