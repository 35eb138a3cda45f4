"""The accounts and alerts of the measurements: many small trades that rest and never fill."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from domain.settings import (
    CapitalSettings,
    GridSettings,
    LegSettings,
    PoolSettings,
    RiskSettings,
    Settings,
)

SYMBOL = "SOL/USDT:USDT"
ACCOUNT = "bench"


def small_trades(groups: int) -> Settings:
    """One leg of 20 USDT a fifth below the market for each signal, up to `groups` at once."""
    leg = LegSettings(
        gap_percent=Decimal(-20), weight_percent=Decimal(100), take_profit_percent=Decimal(1)
    )
    return Settings(
        pool=PoolSettings(max_open_groups=groups),
        grid=GridSettings(legs=(leg,), max_pyramids=1, unfilled_minutes=None),
        capital=CapitalSettings(group_budget=Decimal(20)),
        risk=RiskSettings(
            max_committed_capital=None,
            max_daily_loss=None,
            max_drawdown_percent=None,
            symbols_allowed=(SYMBOL,),
        ),
    )


def alert(secret: str, timeframe: int) -> bytes:
    """A strategy's long entry, as long as TradingView's own. Each timeframe is a trade."""
    body = {
        "secret": secret,
        "source": "tradingview",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "tv": {
            "exchange": "BINANCE",
            "symbol": "SOLUSDT.P",
            "timeframe": str(timeframe),
            "action": "buy",
            "market_position": "long",
            "market_position_size": "0.1",
            "prev_market_position": "flat",
            "prev_market_position_size": "0",
            "order_size": "0.1",
        },
        "strategy_info": {"trade_id": "Long", "alert_name": "EMA 9/26", "alert_message": "EMA"},
        "execution_intent": {
            "type": "signal",
            "side": "buy",
            "position_size_type": "contracts",
            "amount": "0.1",
            "precision_mode": "auto",
            "strategy": "grid",
        },
        "risk": {"stop_loss": None, "take_profit": None, "max_slippage_percent": "0.5"},
    }
    return json.dumps(body).encode()
