"""Which market a signal means, among the ways TradingView, venues and traders write one."""

import difflib
import re
from collections.abc import Callable, Sequence

import msgspec

from domain.instrument import Instrument, MarketKind

NEAREST_MAX = 3

_EXCHANGE_PREFIX = re.compile(r"^[A-Z0-9_]+:")
# How TradingView (`BTCUSDT.P`) and OKX (`BTC-USDT-SWAP`) mark a perpetual.
_PERPETUAL_SUFFIX = re.compile(r"(\.P|-SWAP)$")
# KuCoin's futures (`XBTUSDTM`), whose venue alone calls bitcoin XBT.
_KUCOIN_FUTURE = re.compile(r"^(?P<base>[A-Z0-9]+)(?P<quote>USD[TC])M$")
_BITCOIN_OF_KUCOIN = re.compile(r"^XBT(?=[-/]?USD)")


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

    Reads `BTCUSDT`, `BTCUSDT.P`, `BTC/USDT`, `BTC/USDT:USDT`, `BTC-USDT`, `BTC-USDT-SWAP`,
    `XBTUSDTM`, the venue's own name, and any of these behind an exchange's prefix, which never
    routes. A contract on a multiple of a coin (`1000PEPEUSDT`) has that name only.
    """
    written = _without_prefix(text.strip().upper())
    markets = [market for market in instruments if market.kind == market_kind]

    if market_kind == "spot" and _names_perpetual(written, markets):
        return SymbolProblem(symbol=text, reason="it names a perpetual, the account trades spot")

    for name in _readings(written):
        for same_name in _WAYS_TO_WRITE:
            found = [market for market in markets if same_name(market) == name]
            if found:
                return _the_only(text, found)

    return SymbolProblem(
        symbol=text, reason="the venue has no such market", nearest=_nearest(written, markets)
    )


def _without_prefix(written: str) -> str:
    """`BINANCE:BTCUSDT` without its exchange; the colon of `BTC/USDT:USDT` follows a slash."""
    return _EXCHANGE_PREFIX.sub("", written)


def _names_perpetual(written: str, spot: Sequence[Instrument]) -> bool:
    """By its own mark; KuCoin's is a letter that a coin's name might end in as well."""
    if _PERPETUAL_SUFFIX.search(written) or ":" in written:
        return True
    is_spot = any(written in (_joined(market), market.venue_symbol.upper()) for market in spot)
    return _KUCOIN_FUTURE.match(written) is not None and not is_spot


def _expires(market: Instrument) -> bool:
    """Whether it is a dated future: `BTC/USDT:USDT-260327`."""
    return "-" in market.symbol.partition(":")[2]


def _readings(written: str) -> tuple[str, ...]:
    """What may be meant, the literal name before any that takes something away from it."""
    plain = _PERPETUAL_SUFFIX.sub("", written)
    future = _KUCOIN_FUTURE.sub(r"\g<base>\g<quote>", plain)
    renamed = _BITCOIN_OF_KUCOIN.sub("BTC", future)
    return tuple(dict.fromkeys((written, plain, future, renamed)))


def _slashed(market: Instrument) -> str:
    return f"{market.base}/{market.quote}".upper()


def _dashed(market: Instrument) -> str:
    return f"{market.base}-{market.quote}".upper()


def _joined(market: Instrument) -> str:
    return f"{market.base}{market.quote}".upper()


# From the most to the least exact, so that a dated future never hides a perpetual's own name.
_WAYS_TO_WRITE: tuple[Callable[[Instrument], str], ...] = (
    lambda market: market.symbol.upper(),
    lambda market: market.venue_symbol.upper(),
    _slashed,
    _dashed,
    _joined,
)


def _the_only(text: str, found: Sequence[Instrument]) -> str | SymbolProblem:
    """One market, or the one among several that never ends and settles in its quote asset."""
    usual = [m for m in found if m.settle == m.quote and not _expires(m)]
    chosen = usual if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0].symbol

    return SymbolProblem(
        symbol=text,
        reason="several markets have this name, write the unified symbol",
        nearest=tuple(sorted(market.symbol for market in found))[:NEAREST_MAX],
    )


def _nearest(written: str, markets: Sequence[Instrument]) -> tuple[str, ...]:
    """Of several markets of one name the plainest is told: a perpetual before dated futures."""
    by_name: dict[str, str] = {}
    for market in sorted(markets, key=lambda market: (len(market.symbol), market.symbol)):
        by_name.setdefault(_joined(market), market.symbol)

    wanted = _readings(written)[-1].partition(":")[0].replace("/", "").replace("-", "")
    close = difflib.get_close_matches(wanted, sorted(by_name), n=NEAREST_MAX)
    return tuple(by_name[match] for match in close)
