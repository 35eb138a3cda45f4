"""Which market a signal means, among the ways TradingView and traders write one."""

import difflib
import re
from collections.abc import Callable, Sequence

import msgspec

from domain.instrument import Instrument, MarketKind

NEAREST_MAX = 3

_EXCHANGE_PREFIX = re.compile(r"^[A-Z0-9_]+:")
_PERPETUAL_SUFFIX = ".P"


class SymbolProblem(msgspec.Struct, frozen=True, kw_only=True):
    """No market of the account is meant by `symbol`; `nearest` are unified symbols."""

    symbol: str
    reason: str
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As one line to show to the operator."""
        hint = f"; nearest: {', '.join(self.nearest)}" if self.nearest else ""
        return f"tv.symbol was {self.symbol}: {self.reason}{hint}"


def resolve_symbol(
    text: str, instruments: Sequence[Instrument], market_kind: MarketKind
) -> str | SymbolProblem:
    """The unified symbol that `text` means within the account's market type.

    Reads `BTCUSDT`, `BTCUSDT.P`, `BTC/USDT`, `BTC/USDT:USDT`, the venue's own name, and any of
    these behind an exchange's prefix, which never routes.
    """
    written = _without_prefix(text.strip().upper())
    perpetual = written.endswith(_PERPETUAL_SUFFIX)
    name = written.removesuffix(_PERPETUAL_SUFFIX)

    if market_kind == "spot" and (perpetual or ":" in name):
        return SymbolProblem(symbol=text, reason="it names a perpetual, the account trades spot")

    markets = [market for market in instruments if market.kind == market_kind]
    for same_name in _WAYS_TO_WRITE:
        found = [market for market in markets if same_name(market) == name]
        if found:
            return _the_only(text, found)

    return SymbolProblem(
        symbol=text, reason="the venue has no such market", nearest=_nearest(name, markets)
    )


def _without_prefix(written: str) -> str:
    """`BINANCE:BTCUSDT` without its exchange; the colon of `BTC/USDT:USDT` follows a slash."""
    return _EXCHANGE_PREFIX.sub("", written)


def _slashed(market: Instrument) -> str:
    return f"{market.base}/{market.quote}".upper()


def _joined(market: Instrument) -> str:
    return f"{market.base}{market.quote}".upper()


# From the most to the least exact, so that a dated future never hides a perpetual's own name.
_WAYS_TO_WRITE: tuple[Callable[[Instrument], str], ...] = (
    lambda market: market.symbol.upper(),
    lambda market: market.venue_symbol.upper(),
    _slashed,
    _joined,
)


def _the_only(text: str, found: Sequence[Instrument]) -> str | SymbolProblem:
    """One market, or the one among several that settles in what it is quoted in."""
    usual = [market for market in found if market.settle == market.quote]
    chosen = usual if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0].symbol

    return SymbolProblem(
        symbol=text,
        reason="several markets have this name, write the unified symbol",
        nearest=tuple(sorted(market.symbol for market in found))[:NEAREST_MAX],
    )


def _nearest(name: str, markets: Sequence[Instrument]) -> tuple[str, ...]:
    by_name = {_joined(market): market.symbol for market in markets}
    wanted = name.partition(":")[0].replace("/", "").replace("-", "")
    close = difflib.get_close_matches(wanted, sorted(by_name), n=NEAREST_MAX)
    return tuple(by_name[match] for match in close)
