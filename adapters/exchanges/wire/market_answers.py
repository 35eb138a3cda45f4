"""Markets and their prices as Binance USDⓈ-M words them, in REST answers and stream frames."""

from decimal import Decimal

from adapters.exchanges.wire.desk import Desk
from domain.instrument import Instrument
from domain.money import HUNDRED, ONE, plain

PERPETUAL_DELIVERY_MS = 4_133_404_800_000
ONBOARD_MS = 1_569_398_400_000
MAX_QUANTITY_DEFAULT = Decimal(1000)
# What is told of a market without such a limit, wider than anybody trades.
MAX_ORDERS_DEFAULT = 10_000
BAND_PERCENT_DEFAULT = Decimal(90)
MAX_PRICE_TICKS = 10_000_000
TOP_QUANTITY = "1"


def exchange_info(desk: Desk) -> dict[str, object]:
    """All markets with their filters."""
    instruments = desk.core.instruments()
    settles = sorted({instrument.settle for instrument in instruments})
    return {
        "timezone": "UTC",
        "serverTime": desk.now_ms(),
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, 2400),
            _limit("ORDERS", "MINUTE", 1, 1200),
            _limit("ORDERS", "SECOND", 10, 300),
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in settles
        ],
        "symbols": [_market(instrument) for instrument in instruments],
    }


def day_ticker(desk: Desk, instrument: Instrument, price: Decimal) -> dict[str, object]:
    """The 24 hour ticker of a market whose day was quiet."""
    now_ms = desk.now_ms()
    text = plain(price)
    return {
        "symbol": instrument.venue_symbol,
        "priceChange": "0",
        "priceChangePercent": "0",
        "weightedAvgPrice": text,
        "lastPrice": text,
        "lastQty": TOP_QUANTITY,
        "openPrice": text,
        "highPrice": text,
        "lowPrice": text,
        "volume": "0",
        "quoteVolume": "0",
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": 1,
        "count": 1,
    }


def book_ticker(desk: Desk, instrument: Instrument, price: Decimal) -> dict[str, object]:
    """The best bid and ask, a tick on either side of the price."""
    return {
        "symbol": instrument.venue_symbol,
        "bidPrice": plain(price - instrument.tick),
        "bidQty": TOP_QUANTITY,
        "askPrice": plain(price + instrument.tick),
        "askQty": TOP_QUANTITY,
        "time": desk.now_ms(),
        "lastUpdateId": desk.now_ms(),
    }


def premium_index(desk: Desk, instrument: Instrument, price: Decimal) -> dict[str, object]:
    """Mark price and funding, of which there is none here."""
    now_ms = desk.now_ms()
    return {
        "symbol": instrument.venue_symbol,
        "markPrice": plain(price),
        "indexPrice": plain(price),
        "estimatedSettlePrice": plain(price),
        "lastFundingRate": "0",
        "interestRate": "0",
        "nextFundingTime": now_ms + 28_800_000,
        "time": now_ms,
    }


def market_frame(
    stream: str, desk: Desk, instrument: Instrument, number: int
) -> dict[str, object] | None:
    """The frame of a stream such as `bookTicker`; None for one that is not simulated.

    `number` counts the frames of the connection: update and trade ids come from it.
    """
    price = desk.core.price(instrument.symbol)
    if price is None:
        return None
    text, now_ms, symbol = plain(price), desk.now_ms(), instrument.venue_symbol
    stamped: dict[str, object] = {"E": now_ms, "s": symbol}
    if stream == "bookTicker":
        return {
            "e": "bookTicker",
            "u": number,
            "s": symbol,
            "b": plain(price - instrument.tick),
            "B": TOP_QUANTITY,
            "a": plain(price + instrument.tick),
            "A": TOP_QUANTITY,
            "T": now_ms,
            "E": now_ms,
        }
    if stream == "trade":
        traded = {"T": now_ms, "t": number, "p": text, "q": TOP_QUANTITY, "X": "MARKET", "m": False}
        return {"e": "trade", **stamped, **traded}
    if stream == "aggTrade":
        ids = {"a": number, "f": number, "l": number, "T": now_ms}
        return {"e": "aggTrade", **stamped, **ids, "p": text, "q": TOP_QUANTITY, "m": False}
    if stream == "miniTicker":
        prices = {"c": text, "o": text, "h": text, "l": text, "v": "0", "q": "0"}
        return {"e": "24hrMiniTicker", **stamped, **prices}
    if stream == "markPrice":
        rates = {"p": text, "i": text, "P": text, "r": "0", "T": now_ms + 28_800_000}
        return {"e": "markPriceUpdate", **stamped, **rates}
    return None


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }


def _market(instrument: Instrument) -> dict[str, object]:
    return {
        "symbol": instrument.venue_symbol,
        "pair": instrument.venue_symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": plain(instrument.maintenance_margin_percent),
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": _places(instrument.tick),
        "quantityPrecision": _places(instrument.step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012000",
        "marketTakeBound": "0.30",
        "filters": _filters(instrument),
        "orderTypes": ["LIMIT", "MARKET", "STOP_MARKET"],
        "timeInForce": ["GTC", "IOC", "GTX"],
    }


def _filters(instrument: Instrument) -> list[dict[str, object]]:
    tick, step = plain(instrument.tick), plain(instrument.step)
    quantities: dict[str, object] = {
        "stepSize": step,
        "maxQty": plain(instrument.max_quantity or MAX_QUANTITY_DEFAULT),
        "minQty": plain(instrument.min_quantity),
    }
    percent = BAND_PERCENT_DEFAULT if instrument.band_percent is None else instrument.band_percent
    band = percent / HUNDRED
    return [
        {
            "minPrice": tick,
            "maxPrice": plain(instrument.tick * MAX_PRICE_TICKS),
            "filterType": "PRICE_FILTER",
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", **quantities},
        {"filterType": "MARKET_LOT_SIZE", **quantities},
        {
            "limit": instrument.max_open_orders or MAX_ORDERS_DEFAULT,
            "filterType": "MAX_NUM_ORDERS",
        },
        {"limit": 10, "filterType": "MAX_NUM_ALGO_ORDERS"},
        {"notional": plain(instrument.min_notional), "filterType": "MIN_NOTIONAL"},
        {
            "multiplierDown": plain(ONE - band),
            "multiplierUp": plain(ONE + band),
            "multiplierDecimal": "4",
            "filterType": "PERCENT_PRICE",
        },
    ]


def _places(unit: Decimal) -> int:
    """Decimal places of a tick or step."""
    return len(plain(unit).partition(".")[2])
