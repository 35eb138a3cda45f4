"""The worked examples of docs/positions.md, computed by the engine itself.

`python -m tests.docs.position_examples` writes them into the page.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from domain.dca_leg import LegExitFilled
from domain.grid import PlanRequest, plan_legs, pyramid_capital
from domain.ladders import ladder_of
from domain.money import plain
from domain.order import OrderFilled
from domain.position_group import PositionGroupClosed, PositionGroupClosing, StopTrailed
from domain.queue import Queue, QueuedSignal, RankContext, ranked
from domain.settings import (
    CapitalSettings,
    ExitSettings,
    GeneratorSettings,
    GridSettings,
    LegSettings,
    QueueSettings,
    Settings,
)
from tests.application.desk import BTC, ETH, MORNING, SOL, Desk, market, of
from tests.docs.worked import DOCS, Examples, table, write

PAGE = DOCS / "positions.md"
D = Decimal
TWO_LEGS = (
    LegSettings(gap_percent=D(0), weight_percent=D(50), take_profit_percent=D(3)),
    LegSettings(gap_percent=D(-1), weight_percent=D(50), take_profit_percent=D(6)),
)


def ladder() -> str:
    """The default ladder of one pyramid: 1,000 of a budget of 5,000, from 47,000."""
    return _plan(GridSettings(), "47000")


def generated() -> str:
    """Four rungs, each twice as large as the one before, 1 % apart and then twice that."""
    generator = GeneratorSettings(
        legs=4,
        gaps="geometric",
        gap_percent=D(-1),
        gap_step=D(2),
        sizes="geometric",
        size_step=D(2),
    )
    grid = GridSettings(generator=generator)
    rows = [
        [plain(leg.gap_percent), _short(leg.weight_percent), plain(leg.take_profit_percent)]
        for leg in ladder_of(grid, 0)
    ]
    return table([["gap %", "weight %", "take-profit %"], *rows])


def exits_by_mode() -> str:
    """What stands behind the same two lots in each mode."""
    rows = [["mode", "price", "quantity", "how"]]
    for mode in ("per_leg", "aggregate", "pyramid_aggregate", "hybrid"):
        desk = _two_lots(mode=mode)
        for _, known in desk.book.exits_of(desk.group()):
            terms = known.working or known.watched
            if terms is not None:
                how = "rests" if known.working is not None else "is watched"
                rows.append([mode, plain(terms.price), plain(terms.quantity), how])
    return table(rows)


def stops() -> str:
    """A stop 5 % under the average, a trail of 3 %, and which of them acts."""
    desk = _two_lots(
        stop_loss_percent=D(5), trailing_stop_percent=D(3), trailing_step_percent=D("0.5")
    )
    rows = [["market", "best", "stop", "what happened"]]
    for price in ("99", "99.4", "101", "102.4", "99.4"):
        before = len(desk.recorded)
        desk.move(price)
        happened = desk.recorded[before:]
        rows.append([price, *_stop(desk), _told(happened)])
    return table(rows)


def one_trade() -> str:
    """Two lots, one taken by its target, the other closed by a signal; fees in."""
    desk = _two_lots()
    desk.move("103")
    desk.move("98")
    desk.signal("sell", kind="exit")
    rows = [["fill", "quantity", "price", "fee", "cost that leaves", "entry fee", "realized"]]
    for each in desk.recorded:
        if isinstance(each.event, OrderFilled) and not _is_exit(desk, each.event):
            fill = each.event
            bought = [plain(value) for value in (fill.quantity, fill.price, fill.fee)]
            rows.append(["entry", *bought, "", "", ""])
        elif isinstance(each.event, LegExitFilled):
            sold = each.event
            cells = (sold.quantity, sold.price, sold.fee, sold.cost, sold.entry_fee, sold.realized)
            rows.append(["exit", *map(_short, cells)])
    (closed,) = of(desk.recorded, PositionGroupClosed)
    rows.append(["group", "", "", _short(closed.fees), "", "", _short(closed.realized)])
    return table(rows)


def ranking() -> str:
    """Three signals that wait, and the tuple that ranks each."""
    waiting = (
        _queued("s1", BTC, "100", 1),
        _queued("s2", ETH, "100", 2, replacements=2),
        _queued("s3", SOL, None, 3),
    )
    marks = {BTC: D(98), ETH: D(101)}
    context = RankContext(marks=marks, continued_keys=())
    order = ranked(Queue(waiting=waiting), QueueSettings().rules, context)
    rows = [["rank", "signal", "deepest_loss", "replacements"]]
    for number, each in enumerate(order, 1):
        told = dict(part.split("=", 1) for part in each.rank)
        rows.append([str(number), each.entry.signal_id, told["deepest_loss"], told["replacements"]])
    return table(rows)


def capital() -> str:
    """What one pyramid and a full group of five may commit, by rule."""
    rows = [["pyramid_capital", "a pyramid", "a full group"]]
    explicit = (D(2000), D(1500), D(1000), D(500), D(500))
    for rule in ("split", "full", explicit):
        settings = CapitalSettings(pyramid_capital=rule)
        each = [pyramid_capital(settings, GridSettings(), None, 10, index) for index in range(5)]
        shown = "a list" if isinstance(rule, tuple) else rule
        span = plain(each[0]) if len(set(each)) == 1 else f"{plain(each[0])} … {plain(each[-1])}"
        rows.append([shown, span, plain(sum(each, D(0)))])
    return table(rows)


EXAMPLES: Examples = {
    "ladder": ladder,
    "generated": generated,
    "capital": capital,
    "exits-by-mode": exits_by_mode,
    "stops": stops,
    "one-trade": one_trade,
    "ranking": ranking,
}


def _plan(grid: GridSettings, price: str) -> str:
    instrument = market("BTC")
    request = PlanRequest(
        instrument=instrument,
        side="long",
        entry_price=D(price),
        pyramid_capital=D(1000),
        legs=ladder_of(grid, 0),
    )
    rows = [["leg", "gap %", "price", "quantity", "cost"]]
    for leg in plan_legs(request).legs:
        cells = (leg.gap_percent, leg.price, leg.quantity, leg.notional)
        rows.append([str(leg.index), *map(plain, cells)])
    return table(rows)


def _two_lots(**exits: Any) -> Desk:
    """5 at 100 and 5.05 at 99, of 1,000."""
    settings = Settings(
        grid=GridSettings(legs=TWO_LEGS),
        exits=ExitSettings(**{"coalesce_ms": 0, "take_profit_percent": D(2), **exits}),
    )
    desk = Desk(settings)
    desk.signal()
    desk.move("99")
    return desk


def _stop(desk: Desk) -> tuple[str, str]:
    if not desk.book.open_groups():
        return "", ""
    group = desk.group()
    watched = desk.book.exit(f"{group.opened.group_id}-stop").watched
    best = "" if group.best is None else plain(group.best)
    return best, "" if watched is None else plain(watched.price)


def _told(happened: Sequence[Any]) -> str:
    closing = of(happened, PositionGroupClosing)
    if closing:
        return closing[0].reason
    return "the trail moves" if of(happened, StopTrailed) else ""


def _is_exit(desk: Desk, fill: OrderFilled) -> bool:
    order = desk.book.order(fill.client_order_id)
    return order is not None and order.request.purpose != "entry"


def _queued(
    signal_id: str, symbol: str, price: str | None, number: int, replacements: int = 0
) -> QueuedSignal:
    return QueuedSignal(
        signal_id=signal_id,
        symbol=symbol,
        timeframe="15m",
        side="long",
        price=None if price is None else D(price),
        waiting_since=MORNING,
        queued_at=MORNING,
        number=number,
        reason="max_open_groups",
        expected_profit=D(1),
        replacements=replacements,
    )


def _short(value: Decimal) -> str:
    """At most six decimals, for a page."""
    return plain(value.quantize(D("1e-6")))


if __name__ == "__main__":
    write(PAGE, EXAMPLES)
