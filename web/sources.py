"""Where a request came from: TradingView's addresses, trusted proxies, and a limit for each."""

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from web.connection import AnyConnection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# TradingView publishes that its webhooks are sent from these four addresses only.
TRADINGVIEW_ADDRESSES = frozenset({"52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"})
TRADINGVIEW_PRESET = "tradingview"
UNKNOWN_SOURCE = "unknown"

SOURCES_MAX = 10_000


def is_listed(source: str, entries: Sequence[str]) -> bool:
    """Whether an address is one of `entries`: addresses, networks or the preset `tradingview`."""
    address = _address(source)
    return address is not None and any(_covers(entry, address) for entry in entries)


def source_of(connection: AnyConnection, proxies: Sequence[str]) -> str:
    """The sender's address.

    `X-Forwarded-For` is believed only as far as trusted proxies wrote it: it is read from its
    end, and the first address that is not a trusted proxy is the sender.
    """
    peer = connection.client.host if connection.client else UNKNOWN_SOURCE
    if not is_listed(peer, proxies):
        return _canonical(peer)
    forwarded = ",".join(connection.headers.getall("x-forwarded-for", []))
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if _address(hop) is None:
            break
        if not is_listed(hop, proxies):
            return _canonical(hop)
    return _canonical(peer)


class SourceLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How much one source may send: `burst` at once, then `per_second`."""

    burst: int = 2000
    per_second: int = 500


class SourceLimiter:
    """A token bucket per source address; the sources seen longest ago are forgotten first."""

    def __init__(self, limit: SourceLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, source: str, at: float) -> bool:
        """Take one token, if there is one. `at` is in seconds of a steady clock."""
        tokens, since = self._buckets.pop(source, (float(self._limit.burst), at))
        tokens = min(self._limit.burst, tokens + (at - since) * self._limit.per_second)
        is_admitted = tokens >= 1
        self._buckets[source] = (tokens - 1 if is_admitted else tokens, at)
        if len(self._buckets) > SOURCES_MAX:
            self._buckets.popitem(last=False)
        return is_admitted


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _canonical(source: str) -> str:
    return str(_address(source) or source)


def _covers(entry: str, address: Address) -> bool:
    if entry == TRADINGVIEW_PRESET:
        return str(address) in TRADINGVIEW_ADDRESSES
    network = ipaddress.ip_network(entry, strict=False)
    return address.version == network.version and address in network
