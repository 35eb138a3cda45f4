"""What a fee in any asset is worth in the capital currency, now or once its mark is known."""

from collections.abc import Iterator
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked, FundingReported, OrderReported, Traded
from application.journal import Recorded
from domain.dca_leg import LegEntryFilled, LegExitFilled, ValueLegFee
from domain.holding_terms import PendingFee
from domain.holdings import DeferFee, FeeDeferred, FeeValued, ValueFee
from domain.identity import group_of
from domain.message import Command, Input
from domain.money import ZERO
from domain.risk_engine import RecordProfit
from domain.trading_day import AlertRaised, RaiseAlert


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Remember what could not be valued, and tell its leg once it can."""
    match recorded.event:
        case LegEntryFilled(fee_value=None) | LegExitFilled(fee_value=None) as filled:
            yield DeferFee(
                pending=PendingFee(
                    leg_id=filled.leg_id,
                    trade_id=filled.trade_id,
                    fee=filled.fee,
                    asset=filled.fee_asset,
                )
            )
        case FeeDeferred(pending=pending):
            yield _alert(book, pending)
        case ClockTicked():
            yield from _on_tick(book)
        case FeeValued(pending=pending, fee_value=value):
            yield _told(book, pending, value)
        case _:
            return


def fee_value(
    book: Book, symbol: str, fee_asset: str, fee: Decimal, price: Decimal
) -> Decimal | None:
    """A fee of a trade in `symbol` at `price`, in the capital currency; None while unknown.

    The base asset counts at the trade's own price, any other at its mark.
    """
    instrument = book.instrument(symbol)
    currency = book.account.opened.currency
    if fee == ZERO or fee_asset == currency:
        return fee
    if instrument is not None and (fee_asset, currency) == (instrument.base, instrument.quote):
        return fee * price
    return asset_value(book, fee_asset, fee)


def asset_value(book: Book, asset: str, amount: Decimal) -> Decimal | None:
    """An amount of an asset in the capital currency, at the mark; None while there is none."""
    if asset == book.account.opened.currency:
        return amount
    for symbol in valuing_symbols(book, asset):
        mark = book.marks.get(symbol)
        if mark is not None and mark.price > ZERO:
            return amount * mark.price
    return None


def valuing_symbols(book: Book, asset: str) -> tuple[str, ...]:
    """The markets that price an asset in the capital currency, sorted."""
    currency = book.account.opened.currency
    return tuple(
        known.symbol
        for known in book.account.instruments
        if (known.base, known.quote) == (asset, currency)
    )


def symbols_to_value(book: Book, received: Input) -> tuple[str, ...]:
    """The markets whose marks an input needs, for what it brings and for what still waits."""
    assets = [pending.asset for _, pending in sorted(book.holdings.pending_fees.items())]
    match received:
        case OrderReported(report=Traded(fee_asset=asset)) | FundingReported(asset=asset):
            assets.append(asset)
        case _:
            pass
    found = [symbol for asset in dict.fromkeys(assets) for symbol in valuing_symbols(book, asset)]
    return tuple(dict.fromkeys(found))


def _on_tick(book: Book) -> Iterator[Command]:
    for _, pending in sorted(book.holdings.pending_fees.items()):
        value = asset_value(book, pending.asset, pending.fee)
        if value is None:
            yield _alert(book, pending)
        else:
            yield ValueFee(pending=pending, fee_value=value)


def _told(book: Book, pending: PendingFee, value: Decimal) -> Command:
    """A leg that has left the books with its group can be told nothing: the day pays."""
    leg_id = pending.leg_id
    if book.leg(leg_id) is not None:
        return ValueLegFee(leg_id=leg_id, trade_id=pending.trade_id, fee_value=value)
    total = book.risk.realized_by_leg.get(leg_id, ZERO) - value
    return RecordProfit(leg_id=leg_id, group_id=group_of(leg_id), total=total)


def _alert(book: Book, pending: PendingFee) -> RaiseAlert:
    currency = book.account.opened.currency
    text = f"fees in {pending.asset} wait for a mark of {pending.asset}/{currency}"
    alert = AlertRaised(kind="fee_unvalued", severity="warning", subject=pending.asset, text=text)
    return RaiseAlert(alert=alert)
