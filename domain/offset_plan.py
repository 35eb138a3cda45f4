"""What winners must sell to pay for a loser, and how much of the loser that pays for: spec §6."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from domain.instrument import (
    Instrument,
    PositionSide,
    entry_side,
    exit_side,
    is_undersized,
    notional,
    round_price,
    round_quantity,
)
from domain.money import HUNDRED, ONE, ZERO, percent_of, round_up
from domain.pnl import Lot, Realization, sold
from domain.position_group import ReductionPart
from domain.settings import OffsetSettings

NO_WINNERS = "no trade is in profit"
NOTHING_TO_SELL = "nothing of the winners is large enough to be sold"
NOT_COVERED = "the winners together cannot cover it"
LOSER_TOO_SMALL = "what the winners could pay for is too small to be sold"


class OffsetLeg(msgspec.Struct, frozen=True, kw_only=True):
    """What of a leg's lot is free to be sold, in contracts, with its share of cost and entry fee.

    `sold` is all the leg ever sold. Cost and fee in the capital currency.
    """

    leg_id: str
    quantity: Decimal
    cost: Decimal
    entry_fee: Decimal
    sold: Decimal


class OffsetTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that may pay or be paid for. Its legs come in the order of a partial close.

    `price` is the touch it would be sold to, on the tick, else the mark. The market's rules
    are complete.
    """

    group_id: str
    symbol: str
    side: PositionSide
    instrument: Instrument
    price: Decimal
    legs: tuple[OffsetLeg, ...]
    opened_at: datetime

    @property
    def quantity(self) -> Decimal:
        """All that is free, in contracts."""
        return sum((leg.quantity for leg in self.legs), ZERO)

    @property
    def cost(self) -> Decimal:
        """What the free lots cost, without fees."""
        return sum((leg.cost for leg in self.legs), ZERO)


class WinnerPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a winner sells, in contracts, and what exactly that earns net of all fees.

    No worse than at `bound`, where it earns nothing: a winner is never sold at a loss.
    """

    parts: tuple[ReductionPart, ...] = ()
    quantity: Decimal = ZERO
    expected: Decimal = ZERO
    bound: Decimal = ZERO


class LoserPart(msgspec.Struct, frozen=True, kw_only=True):
    """What of a loser is sold, no worse than at `bound`, and what that realizes at its price."""

    parts: tuple[ReductionPart, ...] = ()
    quantity: Decimal = ZERO
    bound: Decimal = ZERO
    expected: Decimal = ZERO


class PlanWinner(msgspec.Struct, frozen=True, kw_only=True):
    """A winner of a plan, what it was asked to earn and what it is to sell for that."""

    trade: OffsetTrade
    need: Decimal
    part: WinnerPart


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Who pays for whom. `needed` closes the whole loser, `expected` is what winners would earn.

    `reduction` is how much of the loser that pays for at its price. `reason` tells why nothing
    can be done; empty: it can.
    """

    loser: OffsetTrade
    winners: tuple[PlanWinner, ...]
    needed: Decimal
    expected: Decimal
    reduction: LoserPart
    reason: str = ""

    @property
    def is_covered(self) -> bool:
        """Whether the winners pay for the whole loser."""
        return self.expected >= self.needed

    @property
    def is_feasible(self) -> bool:
        """Whether the plan may be carried out."""
        return not self.reason


NO_WINNER_PART = WinnerPart()
NO_LOSER_PART = LoserPart()


def plan(loser: OffsetTrade, winners: Iterable[OffsetTrade], rules: OffsetSettings) -> Plan:
    """Let the best winners pay, one after the other, until the loser's loss is covered."""
    needed = -net_gain(loser)
    chosen: list[PlanWinner] = []
    left = needed

    ranked = ranked_winners(winners)
    for winner in ranked:
        if left <= ZERO or len(chosen) == rules.max_winners:
            break
        part = winner_part(winner, left, rules.min_close_notional)
        if part.parts:
            chosen.append(PlanWinner(trade=winner, need=left, part=part))
            left -= part.expected

    expected = sum((winner.part.expected for winner in chosen), ZERO)
    drawn = Plan(
        loser=loser,
        winners=tuple(chosen),
        needed=needed,
        expected=expected,
        reduction=loser_part(loser, expected),
    )
    return msgspec.structs.replace(drawn, reason=_obstacle(drawn, ranked, rules))


def ranked_winners(trades: Iterable[OffsetTrade]) -> tuple[OffsetTrade, ...]:
    """The trades in profit net of exit fees: the richest first, then the oldest."""
    gains = [(net_gain(trade), trade) for trade in trades]
    winners = [(gain, trade) for gain, trade in gains if gain > ZERO]
    winners.sort(key=lambda known: (-known[0], known[1].opened_at, known[1].group_id))
    return tuple(trade for _, trade in winners)


def net_gain(trade: OffsetTrade) -> Decimal:
    """What selling every free lot at its price would realize, entry and exit fees in."""
    return sum((_sale(trade, leg, leg.quantity).realized for leg in trade.legs), ZERO)


def loss_percent(trade: OffsetTrade) -> Decimal:
    """The net gain in percent of what the open lots cost: -5 is a loss of 5 %."""
    return net_gain(trade) / trade.cost * HUNDRED


def winner_part(trade: OffsetTrade, need: Decimal, min_close_notional: Decimal) -> WinnerPart:
    """Spec §6: need ÷ what a contract earns net of fees, leg by leg, rounded up a step.

    Only legs with a net gain; at least `min_close_notional` and the venue's minimum; a leg's
    rest under the venue's minimum goes too, and so does the whole trade where what it would
    keep is under either. Less than needed if that is all it has; nothing if it can't be sold.
    """
    gaining = tuple(leg for leg in trade.legs if _sale(trade, leg, leg.quantity).realized > ZERO)
    if need <= ZERO or not gaining:
        return NO_WINNER_PART
    least = _least(trade, min_close_notional)
    wanted = max(_quantity_to_earn(trade, gaining, need), least)
    taken = _with_small_rest(trade, gaining, wanted)

    rest = round_quantity(trade.instrument, trade.quantity - taken)
    if ZERO < rest < least:
        # What gains goes first, so that no part of the sale ever stands at a loss.
        losing = tuple(leg for leg in trade.legs if leg not in gaining)
        gaining, taken = (*gaining, *losing), trade.quantity

    quantity = round_quantity(trade.instrument, min(taken, _held(gaining)))
    parts = _first(gaining, quantity)
    expected = _realized(trade, parts, trade.price)
    if quantity < least or expected <= ZERO:
        return NO_WINNER_PART
    bound = _bound(trade, parts, ZERO)
    return WinnerPart(parts=parts, quantity=quantity, expected=expected, bound=bound)


def loser_part(trade: OffsetTrade, budget: Decimal) -> LoserPart:
    """How much of a loser `budget` pays for at its price, and the worst price at which it does.

    Spec §6: budget ÷ loss per contract now, exit fee in, rounded down. However far the sale
    comes, in the order of its parts and no worse than at `bound`, it never loses more than the
    budget. Sells less where a rest would be under the venue's minimum; nothing if that is
    too little for the venue. Where everything goes, what gains goes first.
    """
    at_worst = msgspec.structs.replace(trade, price=_sure_price(trade))
    if budget <= ZERO or not trade.legs or at_worst.price <= ZERO:
        return NO_LOSER_PART
    parts = _everything(at_worst, budget) or _affordable(at_worst, budget)
    quantity = sum((part.quantity for part in parts), ZERO)
    if is_undersized(trade.instrument, at_worst.price, quantity, reduce_only=True):
        return NO_LOSER_PART

    bound = _bound(at_worst, parts, budget)
    expected = _realized(trade, parts, at_worst.price)
    return LoserPart(parts=parts, quantity=quantity, bound=bound, expected=expected)


def _obstacle(drawn: Plan, ranked: Sequence[OffsetTrade], rules: OffsetSettings) -> str:
    """Why it may not be carried out, in words that stay the same while prices move."""
    if not ranked:
        return NO_WINNERS
    if not drawn.winners:
        return NOTHING_TO_SELL
    if not drawn.is_covered and rules.partial_cover == "abort":
        return NOT_COVERED
    return "" if drawn.reduction.parts else LOSER_TOO_SMALL


def _quantity_to_earn(trade: OffsetTrade, legs: Sequence[OffsetLeg], need: Decimal) -> Decimal:
    """Contracts of these gaining legs, on the step, that earn `need`; all if they earn less."""
    step, taken, left = trade.instrument.step, ZERO, need
    for leg in legs:
        gain = _sale(trade, leg, leg.quantity).realized
        if gain >= left:
            target = round_up(taken + left * leg.quantity / gain, step)
            while target < taken + leg.quantity and _earns(trade, leg, target - taken) < left:
                # A share of the cost that does not come out even may be a hair too little.
                target += step
            return target
        taken += leg.quantity
        left -= gain
    return taken


def _earns(trade: OffsetTrade, leg: OffsetLeg, quantity: Decimal) -> Decimal:
    return _sale(trade, leg, quantity).realized if quantity > ZERO else ZERO


def _with_small_rest(trade: OffsetTrade, legs: Sequence[OffsetLeg], wanted: Decimal) -> Decimal:
    """What is wanted, and of the last leg its rest too if no venue would buy that alone."""
    least, end = _least(trade, ZERO), ZERO
    for leg in legs:
        end += leg.quantity
        if wanted <= end:
            rest = round_quantity(trade.instrument, end - wanted)
            return end if rest < least else wanted
    return end


def _quantity_to_lose(trade: OffsetTrade, budget: Decimal) -> Decimal:
    """Contracts, from the first leg on, whose loss stays within the budget all the way."""
    taken, left = ZERO, budget
    for leg in trade.legs:
        loss = -_sale(trade, leg, leg.quantity).realized
        if loss > left:
            return taken + left * leg.quantity / loss
        taken += leg.quantity
        left -= loss
    return taken


def _everything(trade: OffsetTrade, budget: Decimal) -> tuple[ReductionPart, ...]:
    """All of it, if the budget covers that: gains first, so that they pay for what follows."""
    gaining = [leg for leg in trade.legs if _sale(trade, leg, leg.quantity).realized > ZERO]
    losing = [leg for leg in trade.legs if leg not in gaining]
    parts = _first([*gaining, *losing], round_quantity(trade.instrument, trade.quantity))
    return parts if _worst_loss(trade, parts, trade.price) <= budget else ()


def _affordable(trade: OffsetTrade, budget: Decimal) -> tuple[ReductionPart, ...]:
    """What the budget pays for, from the first leg on; what later legs gain is not counted on."""
    quantity = _within_minimums(trade, _quantity_to_lose(trade, budget))
    parts = _first(trade.legs, quantity)
    while parts and _worst_loss(trade, parts, trade.price) > budget:
        # A share of the cost that does not come out even may be a hair over the budget.
        quantity = _within_minimums(trade, quantity - trade.instrument.step)
        parts = _first(trade.legs, quantity)
    return parts


def _within_minimums(trade: OffsetTrade, wanted: Decimal) -> Decimal:
    """The most of `wanted`, on the step, that leaves no rest a venue would not buy."""
    instrument, held = trade.instrument, trade.quantity
    everything = round_quantity(instrument, held)
    if wanted >= everything:
        return everything
    least = _least(trade, ZERO)
    allowed, begin = min(wanted, held - least), ZERO
    for leg in trade.legs:
        end = begin + leg.quantity
        if begin < allowed < end:
            allowed = max(begin, min(allowed, end - least))
            break
        begin = end
    return max(ZERO, round_quantity(instrument, allowed))


def _bound(trade: OffsetTrade, parts: Sequence[ReductionPart], budget: Decimal) -> Decimal:
    """The worst price, on the tick, at which no prefix of these parts loses over the budget."""
    is_long, instrument = trade.side == "long", trade.instrument
    bounds: list[Decimal] = []
    for count in range(1, len(parts) + 1):
        quantity = sum((part.quantity for part in parts[:count]), ZERO)
        sales = _sales(trade, parts[:count], trade.price)
        cost = sum((sale.cost for sale in sales), ZERO)
        fees = sum((sale.entry_fee_share for sale in sales), ZERO)
        rate = ONE - _exit_fee(trade) if is_long else ONE + _exit_fee(trade)
        worth = cost + fees - budget if is_long else cost - fees + budget
        bounds.append(worth / (quantity * instrument.contract_size * rate))

    side = exit_side(trade.side)
    bound = round_price(instrument, max(bounds) if is_long else min(bounds), side)
    bound = max(bound, instrument.tick)
    while _worst_loss(trade, parts, bound) > budget:
        bound += instrument.tick if is_long else -instrument.tick
    return bound


def _worst_loss(trade: OffsetTrade, parts: Sequence[ReductionPart], price: Decimal) -> Decimal:
    """The most that selling these parts in their order has lost at any moment, zero or more."""
    worst = total = ZERO
    for sale in _sales(trade, parts, price):
        total += sale.realized
        worst = min(worst, total)
    return -worst


def _realized(trade: OffsetTrade, parts: Sequence[ReductionPart], price: Decimal) -> Decimal:
    return sum((sale.realized for sale in _sales(trade, parts, price)), ZERO)


def _sales(
    trade: OffsetTrade, parts: Sequence[ReductionPart], price: Decimal
) -> tuple[Realization, ...]:
    legs = {leg.leg_id: leg for leg in trade.legs}
    at_price = msgspec.structs.replace(trade, price=price)
    return tuple(_sale(at_price, legs[part.leg_id], part.quantity) for part in parts)


def _sale(trade: OffsetTrade, leg: OffsetLeg, quantity: Decimal) -> Realization:
    """What selling so much of a leg at the trade's price realizes, as the books will count it."""
    return sold(
        Lot(quantity=leg.quantity, cost=leg.cost, entry_fee=leg.entry_fee),
        price=trade.price,
        quantity=quantity,
        exit_fee=notional(trade.instrument, trade.price, quantity) * _exit_fee(trade),
        side=trade.side,
        contract_size=trade.instrument.contract_size,
    )


def _exit_fee(trade: OffsetTrade) -> Decimal:
    """Part of the proceeds: what is sold at once takes."""
    return percent_of(ONE, trade.instrument.taker_fee_percent)


def _least(trade: OffsetTrade, min_notional: Decimal) -> Decimal:
    """The fewest contracts, on the step, that the venue buys and that are worth as much."""
    instrument = trade.instrument
    is_exempt = instrument.reduce_only_exempt and instrument.kind != "spot"
    worth = max(min_notional, ZERO if is_exempt else instrument.min_notional)
    least = max(worth / notional(instrument, trade.price, ONE), instrument.min_quantity)
    return max(instrument.step, round_up(least, instrument.step))


def _sure_price(trade: OffsetTrade) -> Decimal:
    """A price between two ticks is rounded against us: no order could have it."""
    return round_price(trade.instrument, trade.price, entry_side(trade.side))


def _held(legs: Sequence[OffsetLeg]) -> Decimal:
    return sum((leg.quantity for leg in legs), ZERO)


def _first(legs: Sequence[OffsetLeg], quantity: Decimal) -> tuple[ReductionPart, ...]:
    """So many contracts from the first leg on, the last one in part."""
    parts: list[ReductionPart] = []
    left = quantity
    for leg in legs:
        taken = min(leg.quantity, left)
        if taken > ZERO:
            parts.append(ReductionPart(leg_id=leg.leg_id, quantity=taken, sold_before=leg.sold))
        left -= taken
    return tuple(parts)
