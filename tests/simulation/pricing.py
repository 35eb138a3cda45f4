"""What every entry, target and stop of a run should cost, computed again from spec §3 and §4."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any

from tests.simulation.log_reading import Fact
from tests.simulation.recomputing import AVERAGE_UNIT, PRECISION, Lot

Document = dict[str, Any]
# What every alert of the scenarios allows, in percent.
SLIPPAGE = Decimal("0.5")


@dataclass
class Known:
    """What the log has told so far, by id."""

    markets: dict[str, Document] = field(default_factory=dict)
    groups: dict[str, Document] = field(default_factory=dict)
    pyramids: dict[str, Document] = field(default_factory=dict)
    legs: dict[str, Document] = field(default_factory=dict)
    lots: dict[str, Lot] = field(default_factory=dict)
    best: dict[str, Decimal] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)


def wrong_prices(facts: Sequence[Fact]) -> Iterator[str]:
    """Each planned leg and each exit whose price or quantity is not the formula's."""
    known = Known()
    with localcontext(prec=PRECISION):
        for fact in facts:
            _learn(known, fact)
            if fact.name == "dca_leg.planned.v1":
                wanted = _leg(known, fact.event)
            elif fact.name in ("exit.requested.v1", "exit.watched.v1"):
                wanted = _exit(known, fact.event)
            else:
                continue
            was = Decimal(fact.event["price"]), Decimal(fact.event["quantity"])
            if was != wanted:
                told = fact.event.get("exit_id") or fact.event["leg_id"]
                yield f"{fact.name} of {told} at {fact.at} was {was}, should be {wanted}"


def _learn(known: Known, fact: Fact) -> None:
    event = fact.event
    for mark in event.get("marks", ()):
        known.marks[mark["symbol"]] = Decimal(mark["price"])
    match fact.name:
        case "trading_day.instruments_seen.v1":
            known.markets |= {market["symbol"]: market for market in event["instruments"]}
        case "position_group.opened.v1":
            known.groups[event["group_id"]] = event
        case "pyramid.planned.v1":
            known.pyramids[event["pyramid_id"]] = event
        case "dca_leg.planned.v1":
            known.legs[event["leg_id"]] = event
        case "position_group.stop_trailed.v1":
            known.best[event["group_id"]] = Decimal(event["best"])
        case "dca_leg.entry_filled.v1" | "dca_leg.exit_filled.v1":
            lot = known.lots.setdefault(event["leg_id"], Lot())
            sign = 1 if "entry" in fact.name else -1
            lot.quantity += sign * Decimal(event["quantity"])
            lot.cost += sign * Decimal(event["cost"])
        case _:
            return


def _leg(known: Known, leg: Document) -> tuple[Decimal, Decimal]:
    """Entry price × (1 + gap/100), mirrored; capital × weight ÷ that price, to tick and step.

    A rung without a gap that is to be bought at market is bounded by slippage from the mark.
    """
    pyramid, market = known.pyramids[leg["pyramid_id"]], known.markets[leg["symbol"]]
    is_long = leg["side"] == "long"
    gap, base = Decimal(leg["gap_percent"]), Decimal(pyramid["entry_price"])
    if known.groups[leg["group_id"]]["grid"]["entry_order"] == "market" and gap == 0:
        gap, base = SLIPPAGE, known.marks[leg["symbol"]]
    price = base * (100 + (gap if is_long else -gap)) / 100
    price = _to(price, market["tick"], up=not is_long)
    spent = Decimal(pyramid["capital"]) * Decimal(leg["weight_percent"]) / 100
    return price, _to(spent / price, market["step"], up=False)


def _exit(known: Known, terms: Document) -> tuple[Decimal, Decimal]:
    """From the average of the lots it is about: the leg's own, the pyramid's or all."""
    group = known.groups[terms["group_id"]]
    market, is_long = known.markets[group["symbol"]], group["side"] == "long"
    own = [terms["exit_id"]] if terms["exit_id"] in terms["covers"] else terms["covers"]
    lots = [known.lots[leg] for leg in own]
    cost = sum((lot.cost for lot in lots), Decimal(0))
    held = sum((lot.quantity for lot in lots), Decimal(0))
    average = (cost / held).quantize(AVERAGE_UNIT)
    price = (
        _target(known, terms, group, average)
        if terms["aim"] == "take_profit"
        else _stop(known, group, average)
    )
    covered = sum((known.lots[leg].quantity for leg in terms["covers"]), Decimal(0))
    return _to(price, market["tick"], up=is_long), _to(covered, market["step"], up=False)


def _target(known: Known, terms: Document, group: Document, average: Decimal) -> Decimal:
    exits, identity = group["exits"], terms["exit_id"]
    if identity in terms["covers"]:
        percent = known.legs[identity]["take_profit_percent"]
    else:
        pyramid = identity.partition("-p")[2]
        percent = exits["pyramid_targets"].get(pyramid, exits["take_profit_percent"])
    return _towards_profit(group, average, Decimal(percent))


def _stop(known: Known, group: Document, average: Decimal) -> Decimal:
    """The tighter of the loss from the average and the trail of the best price."""
    exits, best = group["exits"], known.best.get(group["group_id"])
    prices = []
    if exits["stop_loss_percent"]:
        prices.append(_towards_profit(group, average, -Decimal(exits["stop_loss_percent"])))
    if exits["trailing_stop_percent"] and best is not None:
        prices.append(_towards_profit(group, best, -Decimal(exits["trailing_stop_percent"])))
    return max(prices) if group["side"] == "long" else min(prices)


def _towards_profit(group: Document, price: Decimal, percent: Decimal) -> Decimal:
    return price * (100 + (percent if group["side"] == "long" else -percent)) / 100


def _to(value: Decimal, unit: str, *, up: bool) -> Decimal:
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return (value / Decimal(unit)).to_integral_value(rounding) * Decimal(unit)
