"""A venue's markets as instruments, from the exact strings of its own rules."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeGuard

import structlog

from domain.instrument import Instrument
from domain.money import HUNDRED, ONE, ZERO

MAINTENANCE_MARGIN_PERCENT = Decimal("2.5")

log = structlog.get_logger(__name__)


def binance_usdm_instruments(markets: Sequence[Mapping[str, object]]) -> list[Instrument]:
    """Active linear perpetuals, sorted by symbol.

    Takes ccxt's market structs, but only names from them: every figure comes from
    `info` of GET /fapi/v1/exchangeInfo, because ccxt's own are floats. A market without names is
    left out; one that is listed without usable rules has a tick or step of zero.

    How large a position may be depends on the account's leverage brackets, which are no public
    market data: there is no position limit here.
    """
    return sorted(_readable(markets), key=lambda instrument: instrument.symbol)


def _readable(markets: Sequence[Mapping[str, object]]) -> Iterator[Instrument]:
    for market in markets:
        if not _is_tradable(market):
            continue
        try:
            instrument = _instrument(market)
        except (KeyError, TypeError) as error:
            log.warning("market_unreadable", symbol=market.get("symbol"), error=repr(error))
            continue
        if not instrument.is_complete:
            # Its entries wait for its rules, or go by the fallback of the settings.
            log.warning("market_rules_missing", symbol=instrument.symbol)
        yield instrument


def _is_tradable(market: Mapping[str, object]) -> bool:
    info = market.get("info")
    return (
        market.get("swap") is True
        and market.get("linear") is True
        and isinstance(info, Mapping)
        and info.get("status") == "TRADING"
        and info.get("contractType") == "PERPETUAL"
    )


def _instrument(market: Mapping[str, object]) -> Instrument:
    info = market["info"]
    if not isinstance(info, Mapping):
        message = f"info was {type(info).__name__}; a mapping is needed"
        raise TypeError(message)
    rules = _Rules(info)
    return Instrument(
        symbol=str(market["symbol"]),
        venue_symbol=str(info["symbol"]),
        kind="linear",
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=str(market["settle"]),
        tick=rules.positive("PRICE_FILTER", "tickSize"),
        step=rules.step,
        min_quantity=rules.min_quantity,
        min_notional=rules.figure("MIN_NOTIONAL", "notional") or ZERO,
        max_quantity=rules.max_quantity,
        band_percent=rules.band_percent,
        band_taking_only=True,
        max_open_orders=rules.max_open_orders,
        maintenance_margin_percent=rules.maintenance_margin_percent,
    )


class _Rules:
    """A market's filters by their type; what is missing or no number is not known."""

    def __init__(self, info: Mapping[str, object]) -> None:
        listed = info.get("filters")
        filters = [rule for rule in listed if isinstance(rule, Mapping)] if _is_list(listed) else []
        self._info = info
        self._filters = {str(rule.get("filterType")): rule for rule in filters}

    def figure(self, filter_type: str, name: str) -> Decimal | None:
        """An exact figure that is zero or more, if it is there."""
        try:
            value = Decimal(str(self._filters[filter_type][name]))
        except (KeyError, InvalidOperation):
            return None
        return value if value.is_finite() and value >= ZERO else None

    def positive(self, filter_type: str, name: str) -> Decimal:
        """A tick or a step; zero is not known yet."""
        value = self.figure(filter_type, name)
        return value.normalize() if value else ZERO

    @property
    def step(self) -> Decimal:
        """Without a readable minimum the step is no rule to trade by either."""
        known = self.figure("LOT_SIZE", "minQty") is not None
        return self.positive("LOT_SIZE", "stepSize") if known else ZERO

    @property
    def min_quantity(self) -> Decimal:
        """Closes may go out as market orders, so the stricter of both minima holds for all."""
        return max(self._both("minQty"), default=ZERO)

    @property
    def max_quantity(self) -> Decimal | None:
        """Likewise the stricter of both maxima."""
        return min(self._both("maxQty"), default=None)

    @property
    def max_open_orders(self) -> int | None:
        """MAX_NUM_ORDERS of a symbol. Its documentation: stops count in it as well."""
        limit = self.figure("MAX_NUM_ORDERS", "limit")
        return None if limit is None else int(limit)

    @property
    def band_percent(self) -> Decimal | None:
        """The narrower side of PERCENT_PRICE.

        Its documentation: BUY price <= mark x multiplierUp, SELL price >= mark x multiplierDown.
        What rests on the other side of the mark, however far from it, is not bound.
        """
        up = self.figure("PERCENT_PRICE", "multiplierUp")
        down = self.figure("PERCENT_PRICE", "multiplierDown")
        if up is None or down is None:
            return None
        return max(ZERO, min(up - ONE, ONE - down) * HUNDRED).normalize()

    @property
    def maintenance_margin_percent(self) -> Decimal:
        """`maintMarginPercent`, 2.5 on every market; the brackets of an account may ask less.

        Unreadable, it is taken for the usual: liquidation is estimated, never known.
        """
        try:
            value = Decimal(str(self._info["maintMarginPercent"]))
        except (KeyError, InvalidOperation):
            return MAINTENANCE_MARGIN_PERCENT
        is_share = value.is_finite() and ZERO < value < HUNDRED
        return value.normalize() if is_share else MAINTENANCE_MARGIN_PERCENT

    def _both(self, name: str) -> list[Decimal]:
        figures = (self.figure(lot, name) for lot in ("LOT_SIZE", "MARKET_LOT_SIZE"))
        return [figure for figure in figures if figure is not None]


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
