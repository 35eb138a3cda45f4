"""TradingView's alerts, as they come over the wire."""

import json
from datetime import UTC, datetime
from typing import Any

import aiohttp


def alert(
    secret: str,
    *,
    symbol: str = "BTCUSDT.P",
    timeframe: str = "15",
    price: str | None = "60000",
    kind: str = "signal",
) -> str:
    """A strategy's alert: a long entry, or the exit that ends it."""
    entering = kind == "signal"
    body = {
        "secret": secret,
        "source": "tradingview",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "tv": {
            "exchange": "BINANCE",
            "symbol": symbol,
            "timeframe": timeframe,
            "action": "buy" if entering else "sell",
            "market_position": "long" if entering else "flat",
            "market_position_size": "0.1" if entering else "0",
            "prev_market_position": "flat" if entering else "long",
            "prev_market_position_size": "0" if entering else "0.1",
            "entry_price": price,
            "close_price": price,
            "order_size": "0.1",
        },
        "strategy_info": {"trade_id": "Long", "alert_name": "EMA 9/26", "alert_message": "EMA"},
        "execution_intent": {
            "type": kind,
            "side": "buy" if entering else "sell",
            "position_size_type": "contracts",
            "amount": "0.1",
            "precision_mode": "auto",
            "strategy": "grid",
        },
        "risk": {"stop_loss": None, "take_profit": None, "max_slippage_percent": "0.5"},
    }
    return json.dumps(body)


async def post(url: str, body: str, content_type: str = "application/json") -> tuple[int, Any]:
    """Send an alert as TradingView does; status and answer."""
    headers = {"Content-Type": f"{content_type}; charset=utf-8"}
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, data=body.encode(), headers=headers) as response,
    ):
        return response.status, await response.json()


async def accepted(url: str, body: str, content_type: str = "application/json") -> str:
    """Send an alert that must be taken; the new signal's id."""
    status, answer = await post(url, body, content_type)
    assert status == 202, answer
    return str(answer["signal_id"])
