"""What an order must look like by the lots it is about: quantity, price, and its place."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from tests.application.naive_orders import NaiveOrder
from tests.application.naive_trades import NaiveGroup, in_steps

D = Decimal
# Spec §4: one, two and four times the slippage allowed, then at any price.
WIDENING = (1, 2, 4)
# Spec §6: what is sold at a bound is offered as often as that, and then given up.
BOUNDED_SALES = 3


class Market(Protocol):
    """What is known beside the trade itself."""

    markets: dict[str, Any]
    marks: dict[str, Decimal]
    breath: int

    def closable(self, group: NaiveGroup) -> Decimal:
        """What an order may get out of its lots."""
        ...


def asked_wrongly(
    asked: Any, group: NaiveGroup, working: Sequence[NaiveOrder], around: Market
) -> str:
    """What is wrong with an order that is asked for now; nothing if it is as it should be."""
    market = around.markets[asked.symbol]
    leaves = {"long": "sell", "short": "buy"}[group.opened.side]
    is_entry = asked.purpose == "entry"
    if (asked.side == leaves) == is_entry:
        return f"it was a {asked.side}"
    if asked.quantity <= 0 or asked.quantity % market.step:
        return f"its quantity was {asked.quantity}"
    price = asked.price if asked.trigger_price is None else asked.trigger_price
    if price is not None and price % market.tick:
        return f"its price was {price}"
    return _RULES[asked.purpose](asked, group, working, around)


def _entry(asked: Any, group: NaiveGroup, working: Sequence[NaiveOrder], _: Market) -> str:
    """Never more than planned, never worse than planned, one at a time."""
    leg = group.legs[asked.leg_id]
    if group.closing:
        return "its trade was closing"
    if any(o.asked.leg_id == asked.leg_id and o.asked.purpose == "entry" for o in working):
        return "another entry of its leg works"
    if leg.bought + asked.quantity > leg.plan.quantity:
        return f"{asked.quantity} on top of {leg.bought}, planned were {leg.plan.quantity}"
    is_worse = group.sign * (asked.price - leg.plan.price) > 0
    return f"it pays {asked.price}, planned was {leg.plan.price}" if is_worse else ""


def _take_profit(
    asked: Any, group: NaiveGroup, working: Sequence[NaiveOrder], around: Market
) -> str:
    """For the whole lots it covers, at their target, and no other exit offers them.

    What was decided in the same breath, before the sale of its lots, makes way for that sale.
    """
    market = around.markets[asked.symbol]
    covered = [group.legs[leg_id] for leg_id in asked.covers]
    is_sold = group.closing or not set(asked.covers).isdisjoint(group.reducing)
    if is_sold and around.breath not in (group.closing_in, group.reducing_in):
        return "its lots were being sold at market"
    others = {o.asked.client_order_id: o.asked.covers for o in working if _takes_profit(o)}
    if any(not set(asked.covers).isdisjoint(covers) for covers in others.values()):
        return f"{others} offer its lots already"
    quantity = in_steps(sum((leg.held for leg in covered), D(0)), market.step)
    if asked.quantity != quantity:
        return f"its quantity was {asked.quantity}, its lots hold {quantity}"
    exits = group.opened.exits
    if asked.leg_id:
        own = group.legs[asked.leg_id]
        target = group.target([own], own.plan.take_profit_percent, market)
    elif asked.pyramid_id:
        index = group.pyramids.index(asked.pyramid_id)
        percent = exits.pyramid_targets.get(index, exits.take_profit_percent)
        target = group.target(covered, percent, market)
    else:
        target = group.target(covered, exits.take_profit_percent, market)
    return "" if asked.price == target else f"its price was {asked.price}, the target {target}"


def _stop(asked: Any, group: NaiveGroup, working: Sequence[NaiveOrder], around: Market) -> str:
    """For all lots, where the venue counts both only for what no take-profit offers."""
    market = around.markets[asked.symbol]
    if group.closing or any(o.asked.purpose == "stop" for o in working):
        return "its trade was closing, or had a stop already"
    quantity = in_steps(group.held, market.step)
    if asked.quantity > quantity:
        return f"its quantity was {asked.quantity}, the lots hold {quantity}"
    if asked.quantity != quantity and not (market.stops_reserve or market.kind == "spot"):
        return f"its quantity was {asked.quantity}, the lots hold {quantity}"
    stop = group.stop(market)
    return "" if asked.trigger_price == stop else f"it was at {asked.trigger_price}, not {stop}"


def _reduce(asked: Any, group: NaiveGroup, working: Sequence[NaiveOrder], around: Market) -> str:
    """Only of lots that nothing else offers, and of a trade that goes on.

    What was decided in the same breath as the closing is its first sale.
    """
    others = [o for o in working if _takes_profit(o) or o.asked.purpose == "reduce"]
    was_before = group.closing_in == around.breath
    if not was_before and (group.closing or not group.reducing):
        return "its trade was closing, or not being reduced"
    if any(_offers(other, asked.covers) for other in others):
        return "other orders offer its lots"
    held = sum((group.legs[leg_id].held for leg_id in asked.covers), D(0))
    if asked.quantity > held:
        return f"its quantity was {asked.quantity}, its lots hold {held}"
    return "" if was_before else _wrong_bound(asked, group, around)


def _close(asked: Any, group: NaiveGroup, working: Sequence[NaiveOrder], around: Market) -> str:
    """For all that is left, once every other order is final."""
    market = around.markets[asked.symbol]
    if not group.closing or working:
        return f"its trade was not closing, or {len(working)} of its orders worked"
    left = in_steps(around.closable(group), market.step)
    most = left if market.max_quantity is None else min(left, market.max_quantity)
    if asked.quantity != most:
        return f"its quantity was {asked.quantity}, what is left {most}"
    return _wrong_bound(asked, group, around)


def _wrong_bound(asked: Any, group: NaiveGroup, around: Market) -> str:
    """So much from the mark at most, wider each time; at last, or without a mark, any price.

    Where a sale has a bound of its own, never worse than that, and not for ever.
    """
    market, mark = around.markets[asked.symbol], around.marks.get(asked.symbol)
    bound = None
    if mark is not None and group.attempts <= len(WIDENING):
        slippage = group.opened.exits.max_slippage_percent * WIDENING[group.attempts - 1]
        price = mark * (100 - group.sign * slippage) / 100
        bound = max(group.leaving(price, market), market.tick)
    if group.bound is not None:
        if group.attempts > BOUNDED_SALES:
            return f"it is offered at {group.bound} for the {group.attempts}th time"
        worst = group.leaving(group.bound, market)
        bound = worst if bound is None else group.sign * max(group.sign * bound, group.sign * worst)
    if asked.price == bound and asked.time_in_force == "ioc":
        return ""
    return f"attempt {group.attempts} was bounded by {asked.price}, not {bound}"


def _takes_profit(order: NaiveOrder) -> bool:
    return bool(order.asked.purpose == "take_profit")


def _offers(order: NaiveOrder, legs: Sequence[str]) -> bool:
    return not order.asked.covers or not set(order.asked.covers).isdisjoint(legs)


Rule = Callable[[Any, NaiveGroup, Sequence[NaiveOrder], Market], str]
_RULES: Mapping[str, Rule] = {
    "entry": _entry,
    "take_profit": _take_profit,
    "stop": _stop,
    "reduce": _reduce,
    "close": _close,
}
