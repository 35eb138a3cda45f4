"""TradingView's alerts, as they come over the wire."""

import json
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp
import msgspec

Kind = Literal["signal", "short", "exit", "reduce", "reverse"]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy says it did: its order, and its position after and before it."""

    intent: str
    action: str
    now: tuple[str, str]
    before: tuple[str, str]


STORIES: dict[Kind, Story] = {
    "signal": Story(intent="signal", action="buy", now=("long", "0.1"), before=("flat", "0")),
    "short": Story(intent="signal", action="sell", now=("short", "0.1"), before=("flat", "0")),
    "exit": Story(intent="exit", action="sell", now=("flat", "0"), before=("long", "0.1")),
    "reduce": Story(intent="reduce", action="sell", now=("long", "0.05"), before=("long", "0.1")),
    "reverse": Story(intent="reverse", action="sell", now=("short", "0.1"), before=("long", "0.1")),
}


def alert(
    secret: str,
    *,
    symbol: str = "BTCUSDT.P",
    timeframe: str = "15",
    price: str | None = "60000",
    kind: Kind = "signal",
) -> str:
    """A strategy's alert: an entry long or short, the exit of a long, its half, or its reversal."""
    story = STORIES[kind]
    body = {
        "secret": secret,
        "source": "tradingview",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "tv": {
            "exchange": "BINANCE",
            "symbol": symbol,
            "timeframe": timeframe,
            "action": story.action,
            "market_position": story.now[0],
            "market_position_size": story.now[1],
            "prev_market_position": story.before[0],
            "prev_market_position_size": story.before[1],
            "entry_price": price,
            "close_price": price,
            "order_size": "0.1",
        },
        "strategy_info": {"trade_id": "Long", "alert_name": "EMA 9/26", "alert_message": "EMA"},
        "execution_intent": {
            "type": story.intent,
            "side": story.action,
            "position_size_type": "contracts",
            # A reduction is told by the two sizes.
            "amount": None if kind == "reduce" else "0.1",
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
