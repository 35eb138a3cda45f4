"""A venue's markets as instruments, from the exact strings of its own rules."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import structlog

from domain.instrument import Instrument
from domain.money import ZERO

log = structlog.get_logger(__name__)


def binance_usdm_instruments(markets: Sequence[Mapping[str, object]]) -> list[Instrument]:
    """Active linear perpetuals, sorted by symbol; a market whose rules are unreadable is left out.

    Takes ccxt's market structs, but only names from them: every figure comes from
    `info.filters` of GET /fapi/v1/exchangeInfo, because ccxt's own are floats.
    """
    return sorted(_readable(markets), key=lambda instrument: instrument.symbol)


def _readable(markets: Sequence[Mapping[str, object]]) -> Iterator[Instrument]:
    for market in markets:
        if not _is_tradable(market):
            continue
        try:
            yield _instrument(market)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            # A market without readable rules can't be traded within them.
            log.warning("market_unreadable", symbol=market.get("symbol"), error=repr(error))


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
    filters = {rule["filterType"]: rule for rule in info["filters"]}
    lot = filters["LOT_SIZE"]
    market_lot = filters.get("MARKET_LOT_SIZE", lot)
    minimum = filters.get("MIN_NOTIONAL", {})
    return Instrument(
        symbol=str(market["symbol"]),
        venue_symbol=str(info["symbol"]),
        kind="linear",
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=str(market["settle"]),
        tick=_positive(filters["PRICE_FILTER"]["tickSize"]),
        step=_positive(lot["stepSize"]),
        min_quantity=max(Decimal(lot["minQty"]), Decimal(market_lot["minQty"])),
        min_notional=Decimal(minimum.get("notional", ZERO)),
        # Closes may go out as market orders, so the stricter of both maxima holds for all.
        max_quantity=min(Decimal(lot["maxQty"]), Decimal(market_lot["maxQty"])),
    )


def _positive(text: str) -> Decimal:
    value = Decimal(text)
    if value <= ZERO:
        message = f"a tick or step was {text}; it must be positive"
        raise ValueError(message)
    return value.normalize()
