"""What the account is worth by its own books: what it began with, earned and holds now."""

from decimal import Decimal

from application.book import Book
from application.processes.freshness import mark_of
from domain.money import ZERO, plain
from domain.pnl import combined, unrealized
from domain.position_group import PositionGroup
from domain.worth import Worth


def worth_of(book: Book) -> Worth | None:
    """What the account began with, was transferred, has realized and holds; spec §6.

    None while the mark of an open lot is not known: an unknown price is never guessed. A live
    account begins with `capital.allocation`, where one is set.
    """
    floating = ZERO
    for group in book.open_groups():
        gain = unrealized_of(book, group)
        if gain is None:
            return None
        floating += gain
    return Worth(
        capital=capital_of(book),
        realized=realized_of(book),
        unrealized=floating,
        committed=book.risk.committed(),
    )


def equity_of(book: Book) -> Decimal | None:
    """Capital + realized + unrealized of our groups, in the capital currency; None if unknown."""
    worth = worth_of(book)
    return worth.equity if worth is not None else None


def capital_of(book: Book) -> Decimal:
    """What the account began with, or is allotted now, and all that was transferred since."""
    opened, allocation = book.account.opened, book.account.settings.capital.allocation
    start = opened.starting_balance if opened.paper or allocation is None else allocation
    return start + book.equity.transfers


def realized_of(book: Book) -> Decimal:
    """All that was ever realized, in the capital currency, exact also amid an input.

    A trade reaches every leg at once and the day's result leg by leg: what the result has yet
    to hear of is neither in a lot nor in it.
    """
    total = book.risk.realized_total
    for group_id in sorted(book.risk.slots):
        group = book.group(group_id)
        if group is None:
            continue
        told = book.risk.realized_by_leg
        total += group.funding - told.get(group_id, ZERO)
        for leg in book.legs_of(group):
            total += leg.realized - told.get(leg.plan.leg_id, ZERO)
    return total


def figure(value: Decimal) -> str:
    """An amount or a percentage for people: eight decimals tell it well enough."""
    return plain(Decimal(f"{value:.8f}"))


def open_loss(book: Book) -> Decimal | None:
    """What the losing groups would still lose at their marks, zero or more; None if unknown."""
    total = ZERO
    for group in book.open_groups():
        gain = unrealized_of(book, group)
        if gain is None:
            return None
        total += max(ZERO, -gain)
    return total


def unrealized_of(book: Book, group: PositionGroup) -> Decimal | None:
    """What a group's open lots gain at the mark, less their entry fees; None without a mark."""
    legs = book.legs_of(group)
    lot = combined([leg.lot for leg in legs])
    if lot.quantity == ZERO:
        return ZERO
    mark = mark_of(book, group.opened.symbol)
    if mark is None:
        return None
    return unrealized(lot, mark.price, group.opened.side, legs[0].plan.contract_size)
