"""Whether the simulated venue takes an order: every rule of a venue, in a venue's order."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from adapters.exchanges.simulated import refusals
from adapters.exchanges.simulated.account import Holdings, LinearHoldings
from adapters.exchanges.simulated.book import OrderBook
from adapters.exchanges.simulated.fees import Liquidity
from adapters.exchanges.simulated.orders import is_reducing, is_stop, reserves
from adapters.exchanges.simulated.spot_account import SpotHoldings
from application.inputs import Refused
from application.ports import OrderTicket
from domain.instrument import Instrument, Side, notional
from domain.money import HUNDRED, ZERO, percent_of


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """What an arriving order is judged against: market, account and working orders."""

    instruments: Mapping[str, Instrument]
    price: Decimal | None
    holdings: Holdings
    book: OrderBook
    hedge_mode: bool


def refusal(ticket: OrderTicket, counter: Counter) -> Refused | None:
    """Why the venue refuses the order, or None."""
    instrument = counter.instruments.get(ticket.symbol)
    if instrument is None:
        return refusals.invalid_symbol()

    return (
        _identity(ticket, instrument, counter)
        or _prices(ticket, instrument)
        or _quantity(ticket, instrument)
        or _limits(ticket, instrument, counter)
        or _execution(ticket, instrument, counter)
        or _funds(ticket, instrument, counter)
    )


def takes(ticket: OrderTicket, price: Decimal | None) -> bool:
    """Whether an order trades on arrival at the current price; equality counts."""
    if price is None:
        return False
    if ticket.trigger_price is not None:
        is_buy = ticket.side == "buy"
        return price >= ticket.trigger_price if is_buy else price <= ticket.trigger_price
    if ticket.price is None:
        return True
    return price <= ticket.price if ticket.side == "buy" else price >= ticket.price


def offered(holdings: Holdings, ticket: OrderTicket, instrument: Instrument) -> Decimal:
    """What of the position an order could close, other orders not deducted."""
    held = holdings.quantity(instrument, ticket.position_side)
    return max(ZERO, held if ticket.side == "sell" else -held)


def _identity(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    if refusals.CLIENT_ORDER_ID.fullmatch(ticket.client_order_id) is None:
        return refusals.client_order_id(instrument.kind)
    if ticket.client_order_id in counter.book.working:
        return refusals.duplicate(instrument.kind)
    if (ticket.position_side != "both") != counter.hedge_mode:
        return refusals.position_side()
    if is_stop(ticket) and not _is_plain_stop(ticket, instrument):
        return refusals.order_type()
    return None


def _is_plain_stop(ticket: OrderTicket, instrument: Instrument) -> bool:
    """Whether a stop closes at market, which is all that stops are used for here."""
    closes = ticket.side == "sell" if instrument.kind == "spot" else is_reducing(ticket)
    return closes and ticket.price is None


def _prices(ticket: OrderTicket, instrument: Instrument) -> Refused | None:
    for price in (ticket.price, ticket.trigger_price):
        if price is None:
            continue
        if not price.is_finite() or price <= ZERO:
            return refusals.price_not_positive(instrument.kind)
        if not _is_multiple(price, instrument.tick):
            return refusals.tick(instrument.kind)
    return None


def _quantity(ticket: OrderTicket, instrument: Instrument) -> Refused | None:
    quantity = ticket.quantity
    if not quantity.is_finite() or quantity <= ZERO:
        return refusals.quantity_not_positive(instrument.kind)
    if not _is_multiple(quantity, instrument.step):
        return refusals.step(instrument.kind)
    if quantity < instrument.min_quantity:
        return refusals.quantity_below_minimum(instrument.kind)
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        return refusals.quantity_above_maximum(instrument.kind)
    return None


def _limits(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    """What the market as a whole may hold: orders, contracts, and how far from the price."""
    own = [each for each in counter.book.working.values() if each.ticket.symbol == ticket.symbol]
    if instrument.max_open_orders is not None and len(own) >= instrument.max_open_orders:
        return refusals.too_many_orders(instrument.kind)
    if instrument.position_limit is not None and not is_reducing(ticket):
        quantity = counter.holdings.quantity(instrument, ticket.position_side)
        held = quantity if ticket.side == "buy" else -quantity
        opening = [
            each.remaining
            for each in own
            if each.ticket.side == ticket.side
            and each.ticket.position_side == ticket.position_side
            and not is_reducing(each.ticket)
        ]
        if held + sum(opening, ZERO) + ticket.quantity > instrument.position_limit:
            return refusals.position_too_large(instrument.kind)
    return _band(ticket, instrument, counter.price)


def _band(ticket: OrderTicket, instrument: Instrument, price: Decimal | None) -> Refused | None:
    """Buys above the band and sells below it; where it binds both ways, whatever is beyond."""
    percent, limit = instrument.band_percent, ticket.price
    if percent is None or limit is None or price is None:
        return None
    low, high = percent_of(price, HUNDRED - percent), percent_of(price, HUNDRED + percent)
    near, far = (high, low) if ticket.side == "buy" else (low, high)
    taking = limit > near if ticket.side == "buy" else limit < near
    resting = limit < far if ticket.side == "buy" else limit > far
    if taking:
        return refusals.beyond_band(instrument.kind, ticket.side, near)
    if resting and not instrument.band_taking_only:
        opposite: Side = "sell" if ticket.side == "buy" else "buy"
        return refusals.beyond_band(instrument.kind, opposite, far)
    return None


def _is_multiple(value: Decimal, unit: Decimal) -> bool:
    """Of a unit that is not known, anything is."""
    return unit == ZERO or value % unit == ZERO


def _execution(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    price = ticket.price or ticket.trigger_price or counter.price
    if price is None:
        return refusals.no_price(instrument.kind)

    reduces = is_reducing(ticket) or ticket.reduce_only
    exempt = reduces and instrument.reduce_only_exempt and instrument.kind != "spot"
    if not exempt and notional(instrument, price, ticket.quantity) < instrument.min_notional:
        return refusals.min_notional(instrument.kind, instrument.min_notional)
    if ticket.time_in_force == "post_only" and takes(ticket, counter.price):
        return refusals.post_only(instrument.kind)
    if reduces and not _reduces(ticket, instrument, counter):
        return refusals.reduce_only()
    return None


def _reduces(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> bool:
    """Whether the position covers this order and those that hold a part of it already.

    A stop that reserves nothing only needs a position to guard; it is clipped when it fires.
    """
    if instrument.kind == "spot":
        return True
    held = offered(counter.holdings, ticket, instrument)
    if not reserves(ticket, instrument):
        return held > ZERO
    working = counter.book.reserving(instrument, ticket.side, ticket.position_side)
    return ticket.quantity <= held - sum((order.remaining for order in working), ZERO)


def _funds(ticket: OrderTicket, instrument: Instrument, counter: Counter) -> Refused | None:
    holdings = counter.holdings
    marketable = takes(ticket, counter.price)
    price = counter.price if marketable else ticket.price or ticket.trigger_price
    if price is None:
        return refusals.no_price(instrument.kind)

    if isinstance(holdings, SpotHoldings):
        return _spot_funds(ticket, price, counter, holdings)
    if isinstance(holdings, LinearHoldings):
        added = holdings.added(instrument, ticket, ticket.quantity)
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
    free = holdings.free_of(asset, counter.book.working.values(), counter.instruments)
    return refusals.balance_insufficient() if needed > free else None


def _free(counter: Counter) -> Decimal:
    return counter.holdings.free(counter.book.working.values(), counter.instruments)
