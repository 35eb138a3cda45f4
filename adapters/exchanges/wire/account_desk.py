"""The account at the wire venue: its settings, its money, its funding."""

from collections.abc import Callable
from decimal import Decimal

from adapters.exchanges.wire import account_answers
from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.markets import Markets
from adapters.exchanges.wire.order_request import Parameters
from adapters.exchanges.wire.reception import page
from adapters.exchanges.wire.signing import Refusal, missing

Answers = dict[tuple[str, str], Callable[[Parameters], object]]


class AccountDesk:
    """Position mode, margin mode, leverage, balances, positions and income of one account."""

    def __init__(self, desk: Desk, markets: Markets, margin: account_answers.Margin) -> None:
        self._desk = desk
        self._markets = markets
        self._margin = margin

    def answers(self) -> Answers:
        """Each call with what it answers."""
        return {
            ("GET", "/fapi/v1/positionSide/dual"): self._position_mode,
            ("POST", "/fapi/v1/positionSide/dual"): self._set_position_mode,
            ("POST", "/fapi/v1/marginType"): self._set_margin_mode,
            ("POST", "/fapi/v1/leverage"): self._set_leverage,
            ("GET", "/fapi/v1/leverageBracket"): self._leverage_brackets,
            ("GET", "/fapi/v1/symbolConfig"): self._symbol_config,
            ("GET", "/fapi/v1/commissionRate"): self._commission_rate,
            ("GET", "/fapi/v2/account"): self._account,
            ("GET", "/fapi/v3/account"): self._account,
            ("GET", "/fapi/v2/balance"): self._balances,
            ("GET", "/fapi/v3/balance"): self._balances,
            ("GET", "/fapi/v2/positionRisk"): self._position_risk,
            ("GET", "/fapi/v3/positionRisk"): self._position_risk,
            ("GET", "/fapi/v1/income"): self._income,
            ("GET", "/sapi/v1/account/apiRestrictions"): self._api_restrictions,
        }

    def _position_mode(self, _parameters: Parameters) -> object:
        return {"dualSidePosition": self._desk.core.hedge_mode}

    def _set_position_mode(self, parameters: Parameters) -> object:
        wanted = parameters.get("dualSidePosition")
        if wanted not in ("true", "false"):
            raise missing("dualSidePosition")
        if (wanted == "true") == self._desk.core.hedge_mode:
            raise Refusal(400, -4059, "No need to change position side.")
        if self._desk.core.open_orders():
            text = "Position side cannot be changed if there exists open orders."
            raise Refusal(400, -4067, text)
        if self._desk.core.held():
            text = "Position side cannot be changed if there exists position."
            raise Refusal(400, -4068, text)
        self._desk.core.set_hedge_mode(hedge_mode=wanted == "true")
        return {"code": 200, "msg": "success"}

    def _set_margin_mode(self, parameters: Parameters) -> object:
        instrument, mode = self._markets.asked(parameters), parameters.get("marginType", "")
        if mode not in ("ISOLATED", "CROSSED"):
            raise missing("marginType")
        if mode == self._margin.mode(instrument.symbol):
            raise Refusal(400, -4046, "No need to change margin type.")
        if any(order.ticket.symbol == instrument.symbol for order in self._desk.core.open_orders()):
            raise Refusal(400, -4047, "Margin type cannot be changed if there exists open orders.")
        if any(held.symbol == instrument.symbol for held in self._desk.core.held()):
            raise Refusal(400, -4048, "Margin type cannot be changed if there exists position.")
        self._margin.set_mode(instrument.symbol, mode)
        return {"code": 200, "msg": "success"}

    def _set_leverage(self, parameters: Parameters) -> object:
        instrument, text = self._markets.asked(parameters), parameters.get("leverage", "")
        if not text.isdigit() or not 1 <= int(text) <= account_answers.LEVERAGE_MAX:
            raise Refusal(400, -4028, f"Leverage {text} is not valid")
        self._margin.set_leverage(instrument.symbol, Decimal(text))
        return {
            "leverage": int(text),
            "maxNotionalValue": account_answers.NOTIONAL_MAX,
            "symbol": instrument.venue_symbol,
        }

    def _leverage_brackets(self, parameters: Parameters) -> object:
        wanted = parameters.get("symbol")
        brackets = account_answers.leverage_brackets(self._desk)
        return [row for row in brackets if wanted in (None, row["symbol"])]

    def _symbol_config(self, parameters: Parameters) -> object:
        symbol = self._markets.symbol(parameters)
        return account_answers.symbol_config(self._desk, self._margin, symbol)

    def _commission_rate(self, parameters: Parameters) -> object:
        return account_answers.commission_rate(self._markets.asked(parameters))

    def _account(self, _parameters: Parameters) -> object:
        return account_answers.account(self._desk, self._margin)

    def _balances(self, _parameters: Parameters) -> object:
        return account_answers.balances(self._desk)

    def _position_risk(self, parameters: Parameters) -> object:
        symbol = self._markets.symbol(parameters)
        return account_answers.position_risk(self._desk, self._margin, symbol)

    def _income(self, parameters: Parameters) -> object:
        """Only funding is kept; every other type is empty."""
        symbol, kind = self._markets.symbol(parameters), parameters.get("incomeType")
        rows = [
            row
            for row in account_answers.income(self._desk, symbol)
            if kind in (None, row["incomeType"])
        ]
        return page(rows, parameters, newest=True)

    def _api_restrictions(self, _parameters: Parameters) -> object:
        return account_answers.api_restrictions()
