"""Whether the simulated venue takes an order: every rule of a venue, in a venue's order."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from adapters.exchanges.simulated import refusals
from adapters.exchanges.simulated.account import Holdings, LinearHoldings, Liquidity, SpotHoldings
from adapters.exchanges.simulated.orders import VenueOrder
from application.inputs import Refused
from application.ports import OrderTicket
from domain.instrument import Instrument, Side, notional
from domain.money import ZERO


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """What an arriving order is judged against: market, account and working orders."""

    instruments: Mapping[str, Instrument]
    price: Decimal | None
    holdings: Holdings
    working: Mapping[str, VenueOrder]


def refusal(ticket: OrderTicket, counter: Counter) -> Refused | None:
    """Why the venue refuses the order, or None."""
    instrument = counter.instruments.get(ticket.symbol)
    if instrument is None:
        return refusals.invalid_symbol()

    return (
        _identity(ticket, instrument, counter)
        or _price(ticket, instrument)
        or _quantity(ticket, instrument)
        or _execution(ticket, instrument, counter)
        or _funds(ticket, instrument, counter)
    )


def takes(ticket: OrderTicket, price: Decimal | None) -> bool:
    """Whether an order trades on arrival at the current price; equality counts."""
    if price is None:
        return False
    if ticket.price is None:
        return True
    return price <= ticket.price if ticket.side == "buy" else price >= ticket.price


def reduce_only_quantity(working: Iterable[VenueOrder], symbol: str, side: Side) -> Decimal:
    """What the working reduce-only orders of a symbol and side may still close."""
    return sum(
        (
            order.remaining
            for order in working
            if order.ticket.reduce_only
            and order.ticket.symbol == symbol
            and order.ticket.side == side
        ),
        ZERO,
    )


def _identity(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    if refusals.CLIENT_ORDER_ID.fullmatch(ticket.client_order_id) is None:
        return refusals.client_order_id(instrument.kind)
    if ticket.client_order_id in counter.working:
        return refusals.duplicate(instrument.kind)
    if ticket.position_side != "both":
        return refusals.position_side()
    return None


def _price(ticket: OrderTicket, instrument: Instrument) -> Refused | None:
    if ticket.price is None:
        return None
    if not ticket.price.is_finite() or ticket.price <= ZERO:
        return refusals.price_not_positive(instrument.kind)
    if ticket.price % instrument.tick != ZERO:
        return refusals.tick(instrument.kind)
    return None


def _quantity(ticket: OrderTicket, instrument: Instrument) -> Refused | None:
    quantity = ticket.quantity
    if not quantity.is_finite() or quantity <= ZERO:
        return refusals.quantity_not_positive(instrument.kind)
    if quantity % instrument.step != ZERO:
        return refusals.step(instrument.kind)
    if quantity < instrument.min_quantity:
        return refusals.quantity_below_minimum(instrument.kind)
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        return refusals.quantity_above_maximum(instrument.kind)
    return None


def _execution(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    price = counter.price if ticket.price is None else ticket.price
    if price is None:
        return refusals.no_price(instrument.kind)

    exempt = ticket.reduce_only and instrument.reduce_only_exempt and instrument.kind != "spot"
    if not exempt and notional(instrument, price, ticket.quantity) < instrument.min_notional:
        return refusals.min_notional(instrument.kind, instrument.min_notional)
    if ticket.time_in_force == "post_only" and takes(ticket, counter.price):
        return refusals.post_only(instrument.kind)
    if ticket.reduce_only and not _reduces(ticket, instrument, counter):
        return refusals.reduce_only()
    return None


def _reduces(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> bool:
    """Whether the position covers this order and the reduce-only orders already working."""
    if instrument.kind == "spot":
        return True
    held = counter.holdings.quantity(instrument)
    offered = held if ticket.side == "sell" else -held
    taken = reduce_only_quantity(counter.working.values(), ticket.symbol, ticket.side)
    return ticket.quantity <= offered - taken


def _funds(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    holdings = counter.holdings
    marketable = takes(ticket, counter.price)
    price = counter.price if marketable else ticket.price
    if price is None:
        return refusals.no_price(instrument.kind)

    if isinstance(holdings, SpotHoldings):
        return _spot_funds(ticket, price, counter, holdings)
    if isinstance(holdings, LinearHoldings) and not ticket.reduce_only:
        added = holdings.added(instrument, ticket.side, ticket.quantity)
        liquidity: Liquidity = "taker" if marketable else "maker"
        needed = holdings.needed(instrument, price, added, liquidity)
        if added > ZERO and needed > _free(counter):
            return refusals.margin_insufficient()
    return None


def _spot_funds(
    ticket: OrderTicket, price: Decimal, counter: Counter, holdings: SpotHoldings
) -> Refused | None:
    instrument = counter.instruments[ticket.symbol]
    buys = ticket.side == "buy"
    asset = instrument.quote if buys else instrument.base
    needed = notional(instrument, price, ticket.quantity) if buys else ticket.quantity
    free = holdings.free_of(asset, counter.working.values(), counter.instruments)
    return refusals.balance_insufficient() if needed > free else None


def _free(counter: Counter) -> Decimal:
    return counter.holdings.free(counter.working.values(), counter.instruments)
