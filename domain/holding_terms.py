"""The words holdings are described with: positions, dust, differences, shares, pending fees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from domain.instrument import PositionMode
from domain.money import ZERO

V = TypeVar("V")

Held = tuple[str, PositionMode]
PriceSource = Literal["trade", "mark"]


def position_key(symbol: str, side: PositionMode) -> str:
    """What a venue keeps one position for: a symbol, in hedge mode each side of it."""
    return f"{symbol}|{side}"


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A signed quantity in contracts: positive long, negative short."""

    symbol: str
    side: PositionMode
    quantity: Decimal


class Dust(msgspec.Struct, frozen=True, kw_only=True):
    """What was written off and is still held: signed contracts, and their value at that time."""

    quantity: Decimal = ZERO
    value: Decimal = ZERO


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue holds of a currency, and what of it new orders may use.

    `margin` and `realized` are what our own books said when the venue was asked: the margin of
    all it knew of ours, and all we ever realized. None: they were not written down with it.
    """

    total: Decimal
    free: Decimal
    margin: Decimal | None = None
    realized: Decimal | None = None

    def free_at(self, margin: Decimal, realized: Decimal) -> Decimal | None:
        """What is free once our books say this; None if it cannot be told.

        A venue is asked once a minute: what we committed and earned since is reckoned on.
        """
        if self.margin is None or self.realized is None:
            return None
        return self.free - (margin - self.margin) + (realized - self.realized)


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """The venue and the books disagree about a position: no new entries of its symbol.

    `seen_at`: when the venue was asked and first showed it; none = only told by a trade.
    """

    symbol: str
    expected: Decimal
    seen: Decimal
    detail: str
    side: PositionMode = "both"
    seen_at: datetime | None = None

    @property
    def held(self) -> Held:
        """The position it is about."""
        return self.symbol, self.side

    @property
    def difference(self) -> Decimal:
        """What the venue holds beyond the books, signed as positions are."""
        return self.seen - self.expected


class AdoptedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What of a leg's lot was closed outside. `trade_id` names the trade, or the adoption.

    `number` counts the parts a trade was dealt out in, from 1: a leg counts an id once.
    """

    leg_id: str
    trade_id: str
    number: int
    price: Decimal
    quantity: Decimal
    traded_at: datetime

    @property
    def counted_as(self) -> str:
        """The id the leg counts it by."""
        return self.trade_id if self.number == 1 else f"{self.trade_id}/{self.number}"


class AdoptedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a foreign trade has left our lots already, in how many parts."""

    symbol: str
    trade_id: str
    quantity: Decimal
    parts: int


class FundingShare(msgspec.Struct, frozen=True, kw_only=True):
    """A group's part of a funding settlement, in the capital currency."""

    group_id: str
    amount: Decimal


class PendingFee(msgspec.Struct, frozen=True, kw_only=True):
    """A fee in an asset that has no known mark. In units of `asset`, positive = paid."""

    leg_id: str
    trade_id: str
    fee: Decimal
    asset: str

    @property
    def key(self) -> str:
        """A leg counts a trade once."""
        return f"{self.leg_id}|{self.trade_id}"


def with_parts(
    known: Sequence[AdoptedTrade], symbol: str, parts: Sequence[AdoptedPart]
) -> tuple[AdoptedTrade, ...]:
    """The trades known to have left our lots, the newest last."""
    found = {(one.symbol, one.trade_id): one for one in known}
    for part in parts:
        before = found.pop((symbol, part.trade_id), None)
        quantity = part.quantity if before is None else before.quantity + part.quantity
        found[symbol, part.trade_id] = AdoptedTrade(
            symbol=symbol, trade_id=part.trade_id, quantity=quantity, parts=part.number
        )
    return tuple(found[key] for key in found)


def with_value(table: Mapping[str, V], key: str, value: V | None) -> dict[str, V]:
    """The table with this value, or without the key."""
    rest = {name: known for name, known in sorted(table.items()) if name != key}
    return rest if value is None else {**rest, key: value}
