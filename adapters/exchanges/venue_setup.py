"""Position mode, margin mode and leverage: set only while flat, believed only when read back."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec
import structlog

from adapters.exchanges.binance_usdm import certain
from adapters.exchanges.binance_usdm_rows import Row, mapping, reading, rows
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_outcomes import judge

log = structlog.get_logger(__name__)

MarginMode = Literal["isolated", "cross"]
_VENUE_MODE: dict[str, str] = {"isolated": "ISOLATED", "cross": "CROSSED"}
_MODE = {True: "hedge", False: "one-way"}


class SymbolSetting(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings want of one symbol, and of the whole account: `hedge_mode`."""

    symbol: str
    margin_mode: MarginMode
    leverage: int
    hedge_mode: bool = False


class SetupFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a symbol stands as wanted. `detail` says what does not, and what to do.

    Not verified = the venue did not answer, so that it may well stand as wanted.
    """

    symbol: str
    is_ready: bool
    detail: str = ""
    is_verified: bool = True


class VenueSetup:
    """Prepares an account of Binance USDⓈ-M. A finding that is not ready refuses entries."""

    def __init__(self, exchange: CcxtExchange) -> None:
        self._exchange = exchange
        self._api = exchange.client.api

    async def is_hedged(self) -> bool:
        """GET /fapi/v1/positionSide/dual. Raises ConnectionError if unreachable."""
        answer = mapping(await self._read(self._api.fapiPrivateGetPositionSideDual))
        return reading("the position mode", lambda: _flag(answer["dualSidePosition"]))

    async def prepare(self, settings: Sequence[SymbolSetting]) -> list[SetupFinding]:
        """Bring account and symbols to their settings where that is safe; tell how each stands."""
        try:
            return [await self._prepare_mode(setting) for setting in settings]
        except ConnectionError as error:
            unsure = [_finding(setting, f"not verified: {error}") for setting in settings]
            return [msgspec.structs.replace(finding, is_verified=False) for finding in unsure]

    async def _prepare_mode(self, setting: SymbolSetting) -> SetupFinding:
        wanted = setting.hedge_mode
        if await self.is_hedged() == wanted:
            return await self._prepare(setting)
        found, asked = _MODE[not wanted], _MODE[wanted]
        if not await self._is_flat(None):
            detail = f"the account is in {found} mode; close everything, then it goes to {asked}"
            return _finding(setting, detail)
        mode = {"dualSidePosition": "true" if wanted else "false"}
        await self._change(lambda: self._api.fapiPrivatePostPositionSideDual(mode))
        if await self.is_hedged() == wanted:
            return await self._prepare(setting)
        return _finding(setting, f"the venue did not take {asked} mode; set it by hand")

    async def _prepare(self, setting: SymbolSetting) -> SetupFinding:
        if await self._stands(setting):
            return _finding(setting, "")
        if not await self._is_flat(setting.symbol):
            detail = "margin mode or leverage differ while a position or order is open; close it"
            return _finding(setting, detail)
        symbol = self._exchange.instruments[setting.symbol].venue_symbol
        mode = {"symbol": symbol, "marginType": _VENUE_MODE[setting.margin_mode]}
        leverage = {"symbol": symbol, "leverage": setting.leverage}
        await self._change(lambda: self._api.fapiPrivatePostMarginType(mode))
        await self._change(lambda: self._api.fapiPrivatePostLeverage(leverage))
        if await self._stands(setting):
            return _finding(setting, "")
        wanted = f"{setting.margin_mode} at {setting.leverage}x"
        return _finding(setting, f"the venue did not take {wanted}; set it by hand")

    async def _stands(self, setting: SymbolSetting) -> bool:
        """GET /fapi/v1/symbolConfig, the truth after every change."""
        symbol = self._exchange.instruments[setting.symbol].venue_symbol
        found = rows(await self._read(lambda: self._api.fapiPrivateGetSymbolConfig(_of(symbol))))
        return reading("a symbol's setup", lambda: _matches(found, symbol, setting))

    async def _is_flat(self, symbol: str | None) -> bool:
        """Whether nothing is held or works of a symbol; of none: of the whole account."""
        dialect, client = self._exchange.dialect, self._exchange.client
        if await dialect.open_orders(client, symbol):
            return False
        held = await dialect.positions(client)
        return not any(symbol in (None, row.symbol) and row.quantity for row in held)

    async def _change(self, call: Callable[[], Awaitable[object]]) -> None:
        """Refusals such as -4046 and -4059 (already so) are no news: it is read back anyway."""
        asked = await self._exchange.client.ask(call)
        outcome = judge(asked, self._exchange.dialect.codes)
        log.info("venue_setup_changed", outcome=type(outcome).__name__)

    async def _read(self, call: Callable[[], Awaitable[object]]) -> object:
        asked = await self._exchange.client.ask(call)
        return certain(judge(asked, self._exchange.dialect.codes))


def _flag(raw: object) -> bool:
    """Raises ValueError for what is no flag: a mode must never be guessed."""
    if not isinstance(raw, bool):
        message = f"a flag was {raw!r}"
        raise ValueError(message)  # noqa: TRY004 -- to be read as an answer of unknown shape
    return raw


def _of(symbol: str) -> dict[str, str]:
    return {"symbol": symbol}


def _matches(found: list[Row], symbol: str, setting: SymbolSetting) -> bool:
    row = {row["symbol"]: row for row in found}[symbol]
    is_mode = row["marginType"] == _VENUE_MODE[setting.margin_mode]
    return is_mode and int(row["leverage"]) == setting.leverage


def _finding(setting: SymbolSetting, detail: str) -> SetupFinding:
    return SetupFinding(symbol=setting.symbol, is_ready=not detail, detail=detail)
