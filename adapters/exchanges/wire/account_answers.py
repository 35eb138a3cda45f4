"""Balances, positions and account settings as Binance USDⓈ-M words them."""

from decimal import Decimal

from adapters.exchanges.simulated.account import LinearHoldings, Position
from adapters.exchanges.wire.desk import Desk, milliseconds
from application.inputs import FundingReported
from domain.instrument import Instrument, PositionMode
from domain.money import HUNDRED, ZERO, plain

PRICE_UNIT = Decimal("0.00001")
NOTIONAL_MAX = "1000000"
LEVERAGE_MAX = 125
MAINTENANCE_RATIO = Decimal("0.004")
FIRST_TRANSACTION = 9_689_322_001


class Margin:
    """How the account is set up: margin mode and leverage per symbol."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._isolated: set[str] = set()

    def mode(self, symbol: str) -> str:
        """ISOLATED or CROSSED."""
        return "ISOLATED" if symbol in self._isolated else "CROSSED"

    def set_mode(self, symbol: str, mode: str) -> None:
        """Remember the margin mode; it changes no figure here."""
        if mode == "ISOLATED":
            self._isolated.add(symbol)
        else:
            self._isolated.discard(symbol)

    def leverage(self, symbol: str) -> Decimal:
        """The leverage of a symbol."""
        return self._holdings.leverage(symbol)

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Raises ValueError below 1."""
        self._holdings.set_leverage(symbol, leverage)

    @property
    def _holdings(self) -> LinearHoldings:
        holdings = self._desk.core.holdings
        if not isinstance(holdings, LinearHoldings):
            message = "account was spot: this front speaks for linear perpetuals"
            raise TypeError(message)
        return holdings


class Standing:
    """One market's position, of one side, with the figures every answer derives from it."""

    def __init__(
        self, desk: Desk, margin: Margin, instrument: Instrument, side: PositionMode
    ) -> None:
        self.instrument = instrument
        self.side = side
        self.position: Position = desk.core.position(instrument.symbol, side)
        self.entry = self.position.entry_price(instrument.contract_size).quantize(PRICE_UNIT)
        mark = desk.core.price(instrument.symbol)
        self.mark = ZERO if mark is None else mark
        self.value = self.mark * self.position.quantity * instrument.contract_size
        self.profit = ZERO if mark is None else self.value - self.position.cost
        self.leverage = margin.leverage(instrument.symbol)
        self.initial = abs(self.position.cost) / self.leverage
        self.maintenance = abs(self.value) * MAINTENANCE_RATIO
        self.isolated = margin.mode(instrument.symbol) == "ISOLATED"
        changed = desk.changed_at.get(instrument.symbol)
        self.updated_ms = 0 if changed is None else milliseconds(changed)


def position_risk(desk: Desk, margin: Margin, symbol: str | None) -> list[dict[str, object]]:
    """`positionRisk` v3: markets with a position or a working order."""
    busy = {order.ticket.symbol for order in desk.core.open_orders()}
    return [
        _risk(desk, standing)
        for standing in _standings(desk, margin)
        if (symbol is None or standing.instrument.symbol == symbol)
        and (standing.position.quantity != ZERO or standing.instrument.symbol in busy)
    ]


def account(desk: Desk, margin: Margin) -> dict[str, object]:
    """`account` v3."""
    asset = _asset(desk, margin)
    held = [row for row in _standings(desk, margin) if row.position.quantity != ZERO]
    return {
        "totalInitialMargin": asset["initialMargin"],
        "totalMaintMargin": asset["maintMargin"],
        "totalWalletBalance": asset["walletBalance"],
        "totalUnrealizedProfit": asset["unrealizedProfit"],
        "totalMarginBalance": asset["marginBalance"],
        "totalPositionInitialMargin": asset["positionInitialMargin"],
        "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
        "totalCrossWalletBalance": asset["crossWalletBalance"],
        "totalCrossUnPnl": asset["crossUnPnl"],
        "availableBalance": asset["availableBalance"],
        "maxWithdrawAmount": asset["maxWithdrawAmount"],
        "assets": [asset],
        "positions": [_account_position(standing) for standing in held],
    }


def balances(desk: Desk) -> list[dict[str, object]]:
    """`balance` v3."""
    wallet, free = plain(desk.core.balance), plain(desk.core.free)
    return [
        {
            "accountAlias": "SgsR",
            "asset": desk.core.currency,
            "balance": wallet,
            "crossWalletBalance": wallet,
            "crossUnPnl": plain(desk.core.unrealized),
            "availableBalance": free,
            "maxWithdrawAmount": free,
            "marginAvailable": True,
            "updateTime": desk.now_ms(),
        }
    ]


def symbol_config(desk: Desk, margin: Margin, symbol: str | None) -> list[dict[str, object]]:
    """Margin mode and leverage of each market, or of one."""
    return [
        {
            "symbol": instrument.venue_symbol,
            "marginType": margin.mode(instrument.symbol),
            "isAutoAddMargin": False,
            "leverage": int(margin.leverage(instrument.symbol)),
            "maxNotionalValue": NOTIONAL_MAX,
        }
        for instrument in desk.core.instruments()
        if symbol is None or instrument.symbol == symbol
    ]


def leverage_brackets(desk: Desk) -> list[dict[str, object]]:
    """One bracket a market: no figure here depends on them."""
    bracket = {
        "bracket": 1,
        "initialLeverage": LEVERAGE_MAX,
        "notionalCap": int(NOTIONAL_MAX),
        "notionalFloor": 0,
        "maintMarginRatio": MAINTENANCE_RATIO,
        "cum": 0,
    }
    return [
        {"symbol": instrument.venue_symbol, "brackets": [bracket]}
        for instrument in desk.core.instruments()
    ]


def commission_rate(instrument: Instrument) -> dict[str, object]:
    """Fee rates of a market, as fractions."""
    return {
        "symbol": instrument.venue_symbol,
        "makerCommissionRate": plain(instrument.maker_fee_percent / HUNDRED),
        "takerCommissionRate": plain(instrument.taker_fee_percent / HUNDRED),
        "rpiCommissionRate": "0",
    }


def api_restrictions() -> dict[str, object]:
    """What the API key may do: read and trade futures, never withdraw."""
    return {
        "ipRestrict": False,
        "createTime": 1_698_645_219_000,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": True,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": True,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }


def account_frame(
    desk: Desk, margin: Margin, instrument: Instrument, reason: str
) -> dict[str, object]:
    """ACCOUNT_UPDATE: the wallet and the position a fill has changed."""
    now_ms, wallet = desk.now_ms(), plain(desk.core.balance)
    balance = {"a": desk.core.currency, "wb": wallet, "cw": wallet, "bc": "0"}
    standings = [Standing(desk, margin, instrument, side) for side in desk.core.sides]
    positions = [_frame_position(standing) for standing in standings]
    body = {"m": reason, "B": [balance], "P": positions}
    return {"e": "ACCOUNT_UPDATE", "E": now_ms, "T": now_ms, "a": body}


def funding_frame(desk: Desk, funded: FundingReported) -> dict[str, object]:
    """ACCOUNT_UPDATE of a settlement: the wallet alone, and of no named market."""
    settled_ms, wallet = milliseconds(funded.settled_at), plain(desk.core.balance)
    balance = {"a": funded.asset, "wb": wallet, "cw": wallet, "bc": plain(funded.amount)}
    body = {"m": "FUNDING_FEE", "B": [balance]}
    return {"e": "ACCOUNT_UPDATE", "E": settled_ms, "T": settled_ms, "a": body}


def income(desk: Desk, symbol: str | None) -> list[dict[str, object]]:
    """Funding that was settled, of a market or of all, oldest first."""
    return [
        {
            "symbol": instrument.venue_symbol,
            "incomeType": "FUNDING_FEE",
            "income": plain(funded.amount),
            "asset": funded.asset,
            "info": "FUNDING_FEE",
            "time": milliseconds(funded.settled_at),
            "tranId": FIRST_TRANSACTION + number,
            "tradeId": "",
        }
        for number, funded in enumerate(desk.funded)
        if symbol in (None, funded.symbol)
        and (instrument := desk.core.instrument(funded.symbol)) is not None
    ]


def _frame_position(standing: Standing) -> dict[str, object]:
    return {
        "s": standing.instrument.venue_symbol,
        "pa": plain(standing.position.quantity),
        "ep": plain(standing.entry),
        "bep": plain(standing.entry),
        "cr": "0",
        "up": plain(standing.profit),
        "mt": "isolated" if standing.isolated else "cross",
        "iw": plain(standing.initial if standing.isolated else ZERO),
        "ps": standing.side.upper(),
    }


def _standings(desk: Desk, margin: Margin) -> list[Standing]:
    return [
        Standing(desk, margin, instrument, side)
        for instrument in desk.core.instruments()
        for side in desk.core.sides
    ]


def _asset(desk: Desk, margin: Margin) -> dict[str, object]:
    standings = _standings(desk, margin)
    positions = sum((standing.initial for standing in standings), ZERO)
    orders = desk.core.balance - positions - desk.core.free
    maintenance = sum((standing.maintenance for standing in standings), ZERO)
    wallet, free = desk.core.balance, desk.core.free
    profit = desk.core.unrealized
    return {
        "asset": desk.core.currency,
        "walletBalance": plain(wallet),
        "unrealizedProfit": plain(profit),
        "marginBalance": plain(wallet + profit),
        "maintMargin": plain(maintenance),
        "initialMargin": plain(positions + orders),
        "positionInitialMargin": plain(positions),
        "openOrderInitialMargin": plain(orders),
        "crossWalletBalance": plain(wallet),
        "crossUnPnl": plain(profit),
        "availableBalance": plain(free),
        "maxWithdrawAmount": plain(free),
        "updateTime": desk.now_ms(),
    }


def _account_position(standing: Standing) -> dict[str, object]:
    return {
        "symbol": standing.instrument.venue_symbol,
        "positionSide": standing.side.upper(),
        "positionAmt": plain(standing.position.quantity),
        "unrealizedProfit": plain(standing.profit),
        "isolatedMargin": plain(standing.initial if standing.isolated else ZERO),
        "notional": plain(standing.value),
        "isolatedWallet": plain(standing.initial if standing.isolated else ZERO),
        "initialMargin": plain(standing.initial),
        "maintMargin": plain(standing.maintenance),
        "updateTime": standing.updated_ms,
    }


def _risk(desk: Desk, standing: Standing) -> dict[str, object]:
    asset = desk.core.currency
    return _account_position(standing) | {
        "entryPrice": plain(standing.entry),
        "breakEvenPrice": plain(standing.entry),
        "markPrice": plain(standing.mark),
        "unRealizedProfit": plain(standing.profit),
        "liquidationPrice": "0",
        "marginAsset": asset,
        "positionInitialMargin": plain(standing.initial),
        "openOrderInitialMargin": "0",
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
    }
