"""What every group earned, computed again from its fills: not a line of the product is used."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any

# Parts of a lot's cost that do not come out even are cut here; the last part takes the rest.
SHARE_UNIT = Decimal("1e-18")
AVERAGE_UNIT = Decimal("1e-12")
PRECISION = 60
NONE = Decimal(0)


@dataclass
class Lot:
    """What a leg holds; `fee` is what was paid for it and not yet realized."""

    quantity: Decimal = NONE
    cost: Decimal = NONE
    fee: Decimal = NONE


@dataclass
class Book:
    """A group's lots by (pyramid, leg), and what came of them. `dust` was written off."""

    symbol: str
    side: int
    lots: dict[tuple[int, int], Lot] = field(default_factory=dict)
    realized: Decimal = NONE
    fees: Decimal = NONE
    dust: Decimal = NONE

    @property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots.values()), NONE)

    def unrealized(self, mark: Decimal) -> Decimal:
        with localcontext(prec=PRECISION):
            return sum(
                (
                    self.side * (mark * lot.quantity - lot.cost) - lot.fee
                    for lot in self.lots.values()
                ),
                NONE,
            )


Rank = Callable[[Book, tuple[int, int]], Decimal]


@dataclass(frozen=True)
class Rules:
    """How lots leave: smaller than `steps` they go with others'; `rank` none = oldest first."""

    steps: Mapping[str, Decimal]
    rank: Rank | None


def books_of(
    fills: Iterable[Mapping[str, str]], dust: Iterable[Mapping[str, Any]], rules: Rules
) -> dict[str, Book]:
    """Every group's book. `dust`: what was written off, by leg; a group's dust goes at once."""
    books: dict[str, Book] = {}
    with localcontext(prec=PRECISION):
        for fill in fills:
            _take(books, fill, rules)
        for rest in dust:
            book, price = books[rest["leg_id"].split("-")[0]], Decimal(rest["price"])
            book.dust += Decimal(rest["quantity"])
            for lot in book.lots.values():
                if lot.quantity:
                    book.dust -= lot.quantity
                    _sell(book, lot, lot.quantity, price, NONE)
        wrong = {group: book.dust for group, book in books.items() if book.dust}
        assert not wrong, f"more or less was written off than was left: {wrong}"
    return books


def nearest_target(settings: Mapping[str, Any], ticks: Mapping[str, Decimal]) -> Rank | None:
    """Spec §4: nearest take-profit first where legs have targets of their own."""
    if settings.get("exits", {}).get("mode", "per_leg") not in ("per_leg", "hybrid"):
        return None
    grid = settings.get("grid", {})
    ladders = grid.get("pyramid_legs", {})
    usual = [Decimal(percent) for percent in ("1", "0.5", "2", "1.5", "1")]
    if grid.get("generator"):
        usual = [Decimal(grid["generator"]["take_profit_percent"])] * grid["generator"]["legs"]

    def rank(book: Book, key: tuple[int, int]) -> Decimal:
        pyramid, leg = key
        lot, own = book.lots[key], ladders.get(str(pyramid))
        percent = Decimal(own[leg]["take_profit_percent"]) if own else usual[leg]
        average = (lot.cost / lot.quantity).quantize(AVERAGE_UNIT)
        target = average * (100 + book.side * percent) / 100
        rounding = ROUND_CEILING if book.side > 0 else ROUND_FLOOR
        return book.side * (target / ticks[book.symbol]).to_integral_value(rounding)

    return rank


def _take(books: dict[str, Book], fill: Mapping[str, str], rules: Rules) -> None:
    price, quantity, fee = (Decimal(fill[name]) for name in ("price", "quantity", "fee"))
    in_base = fill["fee_asset"] == fill["symbol"].split("/")[0]
    value = fee * price if in_base else fee
    if fill["purpose"] == "entry":
        side = 1 if fill["side"] == "buy" else -1
        book = books.setdefault(fill["group"], Book(fill["symbol"], side))
        assert book.side == side, f"{fill} enters against its own group"
        lot = book.lots.setdefault((int(fill["pyramid"]), int(fill["leg"])), Lot())
        received = quantity - fee if in_base else quantity
        lot.quantity, lot.cost = lot.quantity + received, lot.cost + price * received
        lot.fee, book.fees = lot.fee + value, book.fees + value
        return
    book = books[fill["group"]]
    assert fill["side"] == ("sell" if book.side > 0 else "buy"), f"{fill} leaves the wrong way"
    book.fees += value
    _consume(book, fill, (price, quantity, value), rules)


def _consume(
    book: Book,
    fill: Mapping[str, str],
    trade: tuple[Decimal, Decimal, Decimal],
    rules: Rules,
) -> None:
    """Take whole lots in their order, the last one in part; the fee is shared by quantity."""
    price, left, fee = trade
    for key in _order(book, fill, rules):
        lot = book.lots[key]
        part = min(left, lot.quantity)
        if part == NONE:
            continue
        share = _share(fee, part, left)
        _sell(book, lot, part, price, share)
        left, fee = left - part, fee - share
    assert left == NONE, f"{fill} sold {left} more than its group held"


def _order(book: Book, fill: Mapping[str, str], rules: Rules) -> Sequence[tuple[int, int]]:
    """What the order names; with one leg's exit go rests too small for one of their own."""
    held = sorted(key for key, lot in book.lots.items() if lot.quantity)
    wanted = [int(fill[name]) for name in ("pyramid", "leg") if fill[name]]
    if fill["leg"]:
        step = rules.steps[book.symbol]
        held.sort(key=lambda key: (list(key) != wanted, book.lots[key].quantity >= step))
        return held
    if rules.rank is not None:
        rank = rules.rank
        held.sort(key=lambda key: rank(book, key))
    return sorted(held, key=lambda key: list(key[: len(wanted)]) != wanted)


def _sell(book: Book, lot: Lot, part: Decimal, price: Decimal, exit_fee: Decimal) -> None:
    cost, fee = _share(lot.cost, part, lot.quantity), _share(lot.fee, part, lot.quantity)
    book.realized += book.side * (price * part - cost) - exit_fee - fee
    lot.quantity, lot.cost, lot.fee = lot.quantity - part, lot.cost - cost, lot.fee - fee


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if part == whole:
        return amount
    share = amount * part / whole
    exponent = share.as_tuple().exponent
    return share.quantize(SHARE_UNIT) if int(exponent) < SHARE_UNIT.adjusted() else share
