"""Lots and what they earn: cost and fees leave with their quantity, exact to the last part."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain.instrument import PositionSide
from domain.money import ZERO

# Shares that do not come out even are cut here, far below any asset's own unit, so that
# their sums stay within the digits of a decision and the last part's remainder is exact.
SHARE_UNIT = Decimal("1e-18")


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What a leg bought (for a short: sold) and still holds.

    `quantity` in contracts; `cost` = the sum of price x quantity x contract size, `entry_fee` =
    the entry fees not yet realized, both in the capital currency.
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    entry_fee: Decimal = ZERO


EMPTY_LOT = Lot()


class Realization(msgspec.Struct, frozen=True, kw_only=True):
    """What closing a part realized, net of the exit fee and of `entry_fee_share`.

    `cost` is the entry cost that left with the quantity; `lot` is what remains.
    """

    lot: Lot
    realized: Decimal
    cost: Decimal
    entry_fee_share: Decimal


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one closing fill that falls to the lot at `index` of those given."""

    index: int
    quantity: Decimal
    fee: Decimal


def bought(
    lot: Lot, *, price: Decimal, quantity: Decimal, fee: Decimal, contract_size: Decimal
) -> Lot:
    """The lot after one more entry fill; for a short the entry is a sale.

    `quantity` is what was really received, less what the venue kept of it as a fee in the base
    asset; `fee` is the value of the fee in the capital currency. Raises ValueError for none.
    """
    if quantity <= ZERO:
        msg = f"an entry fill brought {quantity} contracts: it must bring more than none"
        raise ValueError(msg)

    return Lot(
        quantity=lot.quantity + quantity,
        cost=lot.cost + price * quantity * contract_size,
        entry_fee=lot.entry_fee + fee,
    )


def sold(  # noqa: PLR0913 - the terms of one formula, each named by its caller
    lot: Lot,
    *,
    price: Decimal,
    quantity: Decimal,
    exit_fee: Decimal,
    side: PositionSide,
    contract_size: Decimal,
) -> Realization:
    """Close a part of the lot, or all of it, which then takes every remainder with it.

    Realized = (exit - entry) x quantity - exit fee - entry-fee share, mirrored for shorts.
    Raises ValueError for more than the lot holds.
    """
    if not ZERO < quantity <= lot.quantity:
        msg = f"a fill closed {quantity} of a lot of {lot.quantity}: allocate it first"
        raise ValueError(msg)

    cost = _share(lot.cost, quantity, lot.quantity)
    entry_fee_share = _share(lot.entry_fee, quantity, lot.quantity)
    proceeds = price * quantity * contract_size

    return Realization(
        lot=Lot(
            quantity=lot.quantity - quantity,
            cost=lot.cost - cost,
            entry_fee=lot.entry_fee - entry_fee_share,
        ),
        realized=_gain(cost, proceeds, side) - exit_fee - entry_fee_share,
        cost=cost,
        entry_fee_share=entry_fee_share,
    )


def average_entry(lot: Lot, contract_size: Decimal) -> Decimal:
    """The average fill price of what the lot holds. Raises ValueError for an empty lot."""
    if lot.quantity <= ZERO:
        msg = f"a lot of {lot.quantity} has no average entry: ask only of open lots"
        raise ValueError(msg)
    return lot.cost / (lot.quantity * contract_size)


def unrealized(lot: Lot, mark: Decimal, side: PositionSide, contract_size: Decimal) -> Decimal:
    """(mark - entry) x quantity, mirrored for shorts, less entry fees not yet realized."""
    return _gain(lot.cost, mark * lot.quantity * contract_size, side) - lot.entry_fee


def combined(lots: Sequence[Lot]) -> Lot:
    """Several lots as one, for averages and sums over a group."""
    return Lot(
        quantity=sum((lot.quantity for lot in lots), ZERO),
        cost=sum((lot.cost for lot in lots), ZERO),
        entry_fee=sum((lot.entry_fee for lot in lots), ZERO),
    )


def allocate(quantity: Decimal, fee: Decimal, lots: Sequence[Lot]) -> tuple[Allocation, ...]:
    """Let one closing fill consume lots in their order, the last one in part.

    The fee is shared by quantity. Raises ValueError for nothing, or more than all lots hold.
    """
    held = combined(lots).quantity
    if not ZERO < quantity <= held:
        msg = f"a fill closed {quantity} of lots that hold {held}: clip it to what is held"
        raise ValueError(msg)

    taken: list[tuple[int, Decimal]] = []
    left = quantity
    for index, lot in enumerate(lots):
        part = min(left, lot.quantity)
        if part > ZERO:
            taken.append((index, part))
        left -= part

    fees = split_fee(fee, [part for _, part in taken])
    return tuple(
        Allocation(index=index, quantity=part, fee=share)
        for (index, part), share in zip(taken, fees, strict=True)
    )


def split_fee(fee: Decimal, quantities: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Share a fee in proportion; the last takes the remainder, so that the sum is the fee."""
    shares: list[Decimal] = []
    fee_left, quantity_left = fee, sum(quantities, ZERO)

    for quantity in quantities:
        share = _share(fee_left, quantity, quantity_left)
        shares.append(share)
        fee_left -= share
        quantity_left -= quantity

    return tuple(shares)


def share_by(amount: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Share an amount by signed weights; the last takes the remainder, so that the sum is exact.

    Raises ValueError if the weights cancel out: there is nothing to share by then.
    """
    whole = sum(weights, ZERO)
    if whole == ZERO:
        msg = f"weights were {', '.join(map(str, weights))}: their sum must not be zero"
        raise ValueError(msg)
    shares = [_share(amount, weight, whole) for weight in weights[:-1]]
    return (*shares, amount - sum(shares, ZERO))


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """What of `amount` goes with `part` of `whole`; with all of it, all."""
    if part == whole:
        return amount
    share = amount * part / whole
    exponent = share.as_tuple().exponent
    if isinstance(exponent, int) and exponent < SHARE_UNIT.adjusted():
        return share.quantize(SHARE_UNIT)
    return share


def _gain(entry: Decimal, leave: Decimal, side: PositionSide) -> Decimal:
    return leave - entry if side == "long" else entry - leave
