"""Trades on our account that none of our orders made: by hand, by liquidation, by deleveraging."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.ccxt_venue import (
    TradesQuery,
    UnreadableAnswerError,
    VenueDialect,
    VenueStop,
    VenueTrade,
)
from adapters.exchanges.order_lookup import OrderLookup
from application.inputs import ForeignTrade

log = structlog.get_logger(__name__)

# The newest trades of a symbol that are looked at; older ones were seen by earlier rounds.
TRADES_MAX = 50
STRANGERS_PER_ROUND_MAX = 20
# A stop's trades are told before the venue says which order it became.
SETTLING = timedelta(seconds=10)


class ForeignTrades:
    """Tells foreign trades from ours by the orders that made them.

    A trade bears only the venue's order id. Most are known since the order was placed; the rest
    are learned by one question for the latest orders of the symbol, and one each for what is
    older than those. Whose it is, is remembered, so that a quiet symbol costs one question a round.
    """

    def __init__(
        self, client: CcxtClient, dialect: VenueDialect, lookup: OrderLookup, prefix: str
    ) -> None:
        self._client = client
        self._dialect = dialect
        self._lookup = lookup
        self._prefix = prefix

    async def latest(self, symbols: Sequence[str]) -> tuple[ForeignTrade, ...]:
        """Of each symbol the foreign ones among the newest trades, all together oldest first.

        Raises ConnectionError if the venue is unreachable.
        """
        found = [trade for symbol in symbols for trade in await self._of(symbol)]
        return tuple(sorted(found, key=lambda trade: (trade.traded_at, trade.trade_id)))

    async def _of(self, symbol: str) -> list[ForeignTrade]:
        query = TradesQuery(symbol=symbol, newest=TRADES_MAX)
        trades = await self._dialect.trades(self._client, query)
        unknown = self._unknown(trades)
        if unknown:
            await self._learn(symbol, unknown)
        strangers = {identity for identity in unknown if self._is_stranger(identity)}
        unsettled = await self._unsettled(symbol, trades, strangers) if strangers else set()
        return [
            _foreign(symbol, entry)
            for entry in trades
            if self._is_stranger(entry.venue_order_id) and entry.venue_order_id not in unsettled
        ]

    def _unknown(self, trades: Sequence[VenueTrade]) -> list[str]:
        identities = dict.fromkeys(entry.venue_order_id for entry in reversed(trades))
        return [identity for identity in identities if self._lookup.owner(identity) is None]

    def _is_stranger(self, identity: str) -> bool:
        owner = self._lookup.owner(identity)
        return owner is not None and not owner.startswith(self._prefix)

    async def _learn(self, symbol: str, unknown: Sequence[str]) -> None:
        owners = await self._dialect.owners(self._client, symbol)
        old = [identity for identity in unknown if identity not in owners]
        for identity in unknown:
            if identity in owners:
                self._lookup.remember_owner(identity, owners[identity])
        for identity in old[:STRANGERS_PER_ROUND_MAX]:
            order = await self._dialect.order_by_venue_id(self._client, symbol, identity)
            if order is None:
                message = f"order {identity} of {symbol} traded but is not known by id; ask again"
                raise UnreadableAnswerError(message)
            self._lookup.remember(order)

    async def _unsettled(
        self, symbol: str, trades: Sequence[VenueTrade], strangers: set[str]
    ) -> set[str]:
        """New strangers may be what one of our stops became, and the venue has not said so yet."""
        stops = await self._dialect.stops(self._client, symbol)
        for stop in stops:
            if stop.made_order_id:
                self._lookup.remember_owner(stop.made_order_id, stop.order.client_order_id)
        if not any(self._may_have_made_one(stop) for stop in stops):
            return set()
        oldest = self._client.clock.now() - SETTLING
        young = {entry.venue_order_id for entry in trades if entry.trade.traded_at > oldest}
        unsettled = {one for one in strangers & young if self._is_stranger(one)}
        # The next round judges them again.
        for identity in unsettled:
            self._lookup.forget_owner(identity)
        log.info("foreign_trades_held_back", symbol=symbol, orders=len(unsettled))
        return unsettled

    def _may_have_made_one(self, stop: VenueStop) -> bool:
        is_ours = stop.order.client_order_id.startswith(self._prefix)
        return is_ours and (stop.is_unclear or (not stop.made_order_id and not stop.order.ended))


def _foreign(symbol: str, entry: VenueTrade) -> ForeignTrade:
    return ForeignTrade(
        symbol=symbol,
        side=entry.side,
        price=entry.trade.price,
        quantity=entry.trade.quantity,
        trade_id=entry.trade.trade_id,
        traded_at=entry.trade.traded_at,
        position_side=entry.position_side,
    )
