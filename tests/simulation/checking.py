"""What must hold of any run, judged by its files and the candles alone; findings are sentences."""

import bisect
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from tests.simulation.log_reading import Fact
from tests.simulation.markets import Step
from tests.simulation.pricing import wrong_prices
from tests.simulation.recomputing import Book, Rules, books_of
from tests.simulation.running import FinishedRun

RATES = {"maker": Decimal("0.0002"), "taker": Decimal("0.0005")}
MONEY = ("realized_pnl", "unrealized_pnl", "fees", "equity")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A run with what it must agree with. `paths`: each symbol's steps of price."""

    run: FinishedRun
    facts: tuple[Fact, ...]
    paths: dict[str, list[Step]]
    balance: Decimal
    rules: Rules
    alerts: int


def findings(evidence: Evidence) -> list[str]:
    """Everything that is not as it must be."""
    return [
        *_wrong_money(evidence),
        *_wrong_fills(evidence),
        *_passed_over(evidence),
        *_overselling(evidence),
        *_out_of_order(evidence),
        *wrong_prices(evidence.facts),
    ]


def _wrong_money(evidence: Evidence) -> Iterator[str]:
    summary, fills = evidence.run.summary, evidence.run.fills
    dust = [fact for fact in evidence.facts if fact.name == "dca_leg.dust_written_off.v1"]
    try:
        books = books_of(fills, [fact.event for fact in dust], evidence.rules)
    except AssertionError as impossible:
        yield str(impossible)
        return
    told = {group["group"]: group for group in summary["groups"]}
    for group in sorted(told):
        book = books.get(group, Book(told[group]["symbol"], 1))
        for name, mine in (
            ("realized_pnl", book.realized),
            ("fees", book.fees),
            ("quantity_open", book.quantity),
        ):
            if Decimal(told[group][name]) != mine:
                yield f"group {group}: {name} was {told[group][name]}, its fills give {mine}"
    if sum(summary["signals"].values()) != evidence.alerts:
        yield f"of {evidence.alerts} alerts the ledger tells {summary['signals']}"
    marks = {symbol: path[-1].price for symbol, path in evidence.paths.items()}
    totals = _totals(books, marks, evidence.balance)
    yield from (
        f"{name} was {summary[name]}, the fills give {totals[name]}"
        for name in MONEY
        if Decimal(summary[name]) != totals[name]
    )
    cash = evidence.balance + sum((_cash(fill, marks) for fill in fills), Decimal(0))
    for fact in dust:
        # What was written off is worth to the books what it was worth then.
        mark = marks[told[fact.event["leg_id"].split("-")[0]]["symbol"]]
        cash += Decimal(fact.event["quantity"]) * (Decimal(fact.event["price"]) - mark)
    if cash != Decimal(summary["equity"]):
        yield f"equity was {summary['equity']}, cash and positions are worth {cash}"


def _totals(
    books: Mapping[str, Book], marks: Mapping[str, Decimal], balance: Decimal
) -> dict[str, Decimal]:
    realized = sum((book.realized for book in books.values()), Decimal(0))
    floating = sum((book.unrealized(marks[book.symbol]) for book in books.values()), Decimal(0))
    return {
        "realized_pnl": realized,
        "unrealized_pnl": floating,
        "fees": sum((book.fees for book in books.values()), Decimal(0)),
        "equity": balance + realized + floating,
    }


def _cash(fill: Mapping[str, str], marks: Mapping[str, Decimal]) -> Decimal:
    """What a fill brought to the account, at the prices of the end: no lots, no profits."""
    price, quantity, fee = (Decimal(fill[name]) for name in ("price", "quantity", "fee"))
    mark, sign = marks[fill["symbol"]], 1 if fill["side"] == "buy" else -1
    in_base = fill["fee_asset"] == fill["symbol"].split("/")[0]
    return sign * quantity * (mark - price) - (fee * mark if in_base else fee)


def _wrong_fills(evidence: Evidence) -> Iterator[str]:
    """Each on its candle's path, at its order's price, for the fee of its liquidity."""
    requests = {
        fact.event["client_order_id"]: fact.event
        for fact in evidence.facts
        if fact.name == "order.requested.v1"
    }
    for fill in evidence.run.fills:
        price, quantity = Decimal(fill["price"]), Decimal(fill["quantity"])
        path, at = evidence.paths[fill["symbol"]], datetime.fromisoformat(fill["at"])
        newest = bisect.bisect_right(path, at, key=lambda step: step.at) - 1
        moved = path[newest].at == at and newest > 0
        reach = (path[newest - moved].price, path[newest].price)
        if not min(reach) <= price <= max(reach):
            yield f"{fill} is off the path {reach}"
        in_base = fill["fee_asset"] == fill["symbol"].split("/")[0]
        paid_of = quantity if in_base else price * quantity
        if Decimal(fill["fee"]) != paid_of * RATES[fill["liquidity"]]:
            yield f"{fill} paid another fee than its rate"
        request = requests[fill["client_order_id"]]
        limit = Decimal(request["price"]) if request["price"] else price
        if fill["liquidity"] == "maker" and (price != limit or not moved):
            yield f"{fill} was made at another price than its limit {limit}"
        if (price - limit) * (1 if fill["side"] == "buy" else -1) > 0:
            yield f"{fill} is worse than its limit {limit}"
        if quantity > Decimal(request["quantity"]):
            yield f"{fill} is more than was asked for"


def _passed_over(evidence: Evidence) -> Iterator[str]:
    """No waiting order and no watched price was ever passed by the market without acting."""
    for symbol, price, rises, begun, ended, what in _waiting(evidence.facts):
        path = evidence.paths[symbol]
        first = bisect.bisect_right(path, begun, key=lambda step: step.at)
        last = bisect.bisect_left(path, ended, key=lambda step: step.at) if ended else len(path)
        reach = (step.price for step in path[first:last])
        met = max(reach, default=price - 1) if rises else min(reach, default=price + 1)
        if (met >= price) if rises else (met <= price):
            yield f"{what} waited from {begun} to {ended} for {price}, and the market was at {met}"


Wait = tuple[str, Decimal, bool, datetime, datetime | None, str]


def _waiting(facts: Sequence[Fact]) -> Iterator[Wait]:
    """What waited for which price, from when to when (none: to the end)."""
    symbols: dict[str, tuple[str, bool]] = {}
    open_waits: dict[str, Wait] = {}
    for fact in facts:
        event = fact.event
        if fact.name == "position_group.opened.v1":
            symbols[event["group_id"]] = event["symbol"], event["side"] == "long"
        key = event.get("client_order_id") or event.get("exit_id") or ""
        if key in open_waits and (fact.name in ENDS or fact.name == "exit.watched.v1"):
            yield (*open_waits.pop(key)[:4], fact.at, key)
        if fact.name == "position_group.closing.v1":
            for watched in [each for each in open_waits if each.startswith(event["group_id"])]:
                yield (*open_waits.pop(watched)[:4], fact.at, watched)
        if fact.name == "order.requested.v1" and event["time_in_force"] == "gtc":
            price = Decimal(event["trigger_price"] or event["price"])
            rises = (event["side"] == "sell") != bool(event["trigger_price"])
            open_waits[key] = (event["symbol"], price, rises, fact.at, None, key)
        elif fact.name == "exit.watched.v1" and not event["reason"].startswith("too small"):
            symbol, is_long = symbols[event["group_id"]]
            rises = is_long == (event["aim"] == "take_profit")
            open_waits[key] = (symbol, Decimal(event["price"]), rises, fact.at, None, key)
    yield from open_waits.values()


# An order of a run fills whole: volume is ignored.
ENDS = frozenset(
    {
        "order.filled.v1",
        "order.ended.v1",
        "order.rejected.v1",
        "order.expired.v1",
        "exit.touched.v1",
        "exit.unwatched.v1",
        "exit.requested.v1",
    }
)


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What acted at a price. `number`: when its order was placed; a watched level's is NEVER."""

    symbol: str
    at: datetime
    price: Decimal
    number: int


NEVER = sys.maxsize


def _out_of_order(evidence: Evidence) -> Iterator[str]:
    """Along one move prices are met as they come: resting orders first, then watched levels."""
    latest: dict[str, Met] = {}
    for met in _met(evidence.facts):
        before = latest.get(met.symbol)
        if before is None or before.at != met.at:
            latest[met.symbol] = met
            continue
        path = evidence.paths[met.symbol]
        newest = bisect.bisect_right(path, met.at, key=lambda step: step.at) - 1
        way = path[newest].price - path[newest - 1].price
        if (met.price - before.price) * (1 if way >= 0 else -1) < 0:
            yield f"{met} came after {before}, on a way of {way}"
        if met.price == before.price and -1 < met.number < before.number:
            yield f"{met} rested before {before}, which acted first"
        keeps_place = met.price == before.price and met.number < before.number
        latest[met.symbol] = before if keeps_place else met


def _met(facts: Sequence[Fact]) -> Iterator[Met]:
    """Every fill, and every look at a watched level, in the order of the log."""
    placed: dict[str, tuple[int, str]] = {}
    for number, fact in enumerate(facts):
        event = fact.event
        if fact.name == "order.requested.v1":
            placed[event["client_order_id"]] = number, event["symbol"]
        elif fact.name == "order.filled.v1":
            first, symbol = placed[event["client_order_id"]]
            rested = first if event["liquidity"] == "maker" else -1
            price = Decimal(event["price"])
            yield Met(symbol=symbol, at=fact.at, price=price, number=rested)
        elif fact.name == "trading_day.mark_moved.v1":
            symbol = event["symbol"]
            for mark in event["marks"]:
                if mark["symbol"] == symbol:
                    price = Decimal(mark["price"])
                    yield Met(symbol=symbol, at=fact.at, price=price, number=NEVER)


def _overselling(evidence: Evidence) -> Iterator[str]:
    """Working exits, stops apart, never offer more than their group holds."""
    held: dict[str, Decimal] = {}
    orders: dict[str, dict[str, Any]] = {}
    exits: dict[str, list[dict[str, Any]]] = {}
    for fact in evidence.facts:
        event = fact.event
        identity = event.get("client_order_id", "")
        if fact.name == "order.requested.v1":
            orders[identity] = {**event, "left": Decimal(event["quantity"])}
            if event["purpose"] not in ("entry", "stop"):
                exits.setdefault(event["group_id"], []).append(orders[identity])
        elif fact.name == "order.filled.v1":
            order, quantity = orders[identity], Decimal(event["quantity"])
            order["left"] -= quantity
            sign = 1 if order["purpose"] == "entry" else -1
            in_base = sign > 0 and event["fee_asset"] == order["symbol"].split("/")[0]
            received = quantity - (Decimal(event["fee"]) if in_base else 0)
            held[order["group_id"]] = held.get(order["group_id"], Decimal(0)) + sign * received
        elif fact.name in ENDS and identity in orders:
            orders[identity]["left"] = Decimal(0)
        if fact.name not in ("order.requested.v1", "order.filled.v1"):
            continue
        if orders[identity]["purpose"] == "stop":
            # It guards what take-profits offer too; they are cancelled once it has acted.
            continue
        group = orders[identity]["group_id"]
        offered = sum(order["left"] for order in exits.get(group, ()))
        if offered > held.get(group, Decimal(0)):
            yield f"{group} offered {offered} of {held.get(group)} at {fact.at} ({fact.name})"
