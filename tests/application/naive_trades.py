"""Trades as a trader keeps them on paper: lots by leg, what they cost and what they earned."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

ZERO = Decimal(0)
# Averages are read to this unit, so that a share's last digits move no price.
AVERAGE_UNIT = Decimal("1e-12")


@dataclass
class NaiveLeg:
    """A leg and its lot. `plan` is the recorded plan, `reserve_price` what its rest is worth."""

    plan: Any
    reserve_price: Decimal
    bought: Decimal = ZERO
    held: Decimal = ZERO
    cost: Decimal = ZERO
    entry_fee: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def size(self) -> Decimal:
        """Base units a contract."""
        return Decimal(self.plan.contract_size)

    @property
    def average(self) -> Decimal:
        """What a base unit of the lot cost, fees left out."""
        return (self.cost / (self.held * self.size)).quantize(AVERAGE_UNIT)

    def buy(self, price: Decimal, quantity: Decimal, fee: Decimal) -> None:
        """The lot grows."""
        self.bought += quantity
        self.held += quantity
        self.cost += price * quantity * self.size
        self.entry_fee += fee
        self.fees += fee

    def sell(self, price: Decimal, quantity: Decimal, fee: Decimal) -> None:
        """Realized = (exit - entry) x quantity - exit fee - its share of the entry fee.

        Cost and entry fee leave with their quantity; the last part takes what is left of them.
        """
        is_last = quantity == self.held
        cost = self.cost if is_last else self.cost * quantity / self.held
        entry_fee = self.entry_fee if is_last else self.entry_fee * quantity / self.held
        proceeds = price * quantity * self.size
        gain = proceeds - cost if self.plan.side == "long" else cost - proceeds
        self.held -= quantity
        self.cost -= cost
        self.entry_fee -= entry_fee
        self.realized += gain - fee - entry_fee
        self.fees += fee


@dataclass
class NaiveGroup:
    """A trade. `attempts` counts the sales of the sequence under way, `best` trails the market.

    `reducing` tells what of which leg is still to be sold while the trade goes on;
    `bound` is the worst price that what is being sold of it may bring; none: whatever it brings.
    `closing_in` and `reducing_in` tell the breath in which that began.
    """

    opened: Any
    pyramids: list[str] = field(default_factory=list)
    legs: dict[str, NaiveLeg] = field(default_factory=dict)
    closing: bool = False
    closing_in: int | None = None
    closed: bool = False
    reducing: dict[str, Decimal] = field(default_factory=dict)
    reducing_in: int | None = None
    bound: Decimal | None = None
    attempts: int = 0
    best: Decimal | None = None
    funding: Decimal = ZERO

    @property
    def key(self) -> tuple[str, str, str]:
        """Symbol, timeframe and side: at most one open trade each."""
        return self.opened.symbol, self.opened.timeframe, self.opened.side

    @property
    def position(self) -> tuple[str, str]:
        """The venue's position its lots are part of."""
        hedged = self.opened.capital.hedge_mode
        return self.opened.symbol, self.opened.side if hedged else "both"

    @property
    def sign(self) -> int:
        """Above zero for a long."""
        return 1 if self.opened.side == "long" else -1

    @property
    def held(self) -> Decimal:
        """Contracts in all its lots."""
        return sum((leg.held for leg in self.legs.values()), ZERO)

    @property
    def realized(self) -> Decimal:
        """What its legs and its funding earned."""
        return sum((leg.realized for leg in self.legs.values()), self.funding)

    def lots(self) -> list[NaiveLeg]:
        """The legs that hold something, oldest first."""
        return [leg for leg in self.legs.values() if leg.held > 0]

    def selling_order(self, market: Any) -> list[NaiveLeg]:
        """Nearest take-profit first; without targets of their own the oldest first."""
        if self.opened.exits.mode not in ("per_leg", "hybrid"):
            return self.lots()
        return sorted(self.lots(), key=lambda leg: self._distance(leg, market))

    def sell(
        self, legs: Iterable[NaiveLeg], trade: Any, fee: Decimal, *, in_parts: bool = False
    ) -> Decimal:
        """Sell a trade's quantity from these legs in turn; returns what none of them held.

        `in_parts`: of each no more than is to be sold of it, as long as that is enough.
        """
        left = trade.quantity
        lots = [leg for leg in legs if leg.held > 0]
        most = {leg.plan.leg_id: leg.held for leg in lots}
        parts = {name: min(held, self.reducing.get(name, held)) for name, held in most.items()}
        if in_parts and sum(parts.values(), ZERO) >= left:
            most = parts
        sold = min(left, sum(most.values(), ZERO))
        fee_left, whole = fee, sold
        for leg in lots:
            part = min(left, most[leg.plan.leg_id])
            if part <= 0:
                continue
            share = fee_left if part == sold else fee * part / whole
            leg.sell(trade.price, part, share)
            if leg.plan.leg_id in self.reducing:
                rest = self.reducing[leg.plan.leg_id] - part
                self.reducing[leg.plan.leg_id] = max(ZERO, rest)
            left, sold, fee_left = left - part, sold - part, fee_left - share
        return left

    def target(self, legs: list[NaiveLeg], percent: Decimal, market: Any) -> Decimal:
        """So much above the average entry of these lots, below it for a short; on the tick."""
        held = sum((leg.held for leg in legs), ZERO)
        cost = sum((leg.cost for leg in legs), ZERO)
        average = (cost / (held * legs[0].size)).quantize(AVERAGE_UNIT)
        price = average * (100 + self.sign * percent) / 100
        return max(self.leaving(price, market), market.tick)

    def stop(self, market: Any) -> Decimal | None:
        """The tightest of the stops that are on."""
        exits, prices = self.opened.exits, []
        held, cost = self.held, sum((leg.cost for leg in self.lots()), ZERO)
        size = next(iter(self.legs.values())).size
        average = (cost / (held * size)).quantize(AVERAGE_UNIT)
        if exits.stop_loss_percent is not None:
            prices.append(average * (100 - self.sign * exits.stop_loss_percent) / 100)
        if exits.trailing_stop_percent is not None and self.best is not None:
            prices.append(self.best * (100 - self.sign * exits.trailing_stop_percent) / 100)
        if self.opened.stop_loss is not None:
            prices.append(self.opened.stop_loss)
        if not prices:
            return None
        tightest = max(prices) if self.sign > 0 else min(prices)
        return max(self.leaving(tightest, market), market.tick)

    def leaving(self, price: Decimal, market: Any) -> Decimal:
        """On the tick, never worse for us: a sale up, a purchase down."""
        return in_steps(price, market.tick, up=self.sign > 0)

    def _distance(self, leg: NaiveLeg, market: Any) -> tuple[Decimal, str]:
        target = self.target([leg], leg.plan.take_profit_percent, market)
        return self.sign * target, leg.plan.leg_id


def in_steps(value: Decimal, step: Decimal, *, up: bool = False) -> Decimal:
    """A whole number of steps, at most `value`, or at least."""
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return (value / step).to_integral_value(rounding) * step
