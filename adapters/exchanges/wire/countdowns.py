"""The wire venue's countdowns: a symbol's orders end by themselves when nobody renews them."""

import asyncio
from datetime import datetime, timedelta

import msgspec

from adapters.exchanges.simulated.orders import is_stop
from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.markets import Markets
from adapters.exchanges.wire.order_request import Parameters
from adapters.exchanges.wire.signing import missing
from adapters.exchanges.wire.trading import Answers


class CountdownAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a unified symbol; 0 stopped its countdown."""

    symbol: str
    milliseconds: int
    asked_at: datetime


class Countdowns:
    """`countdownCancelAll`: takes every order of a symbol, exits too, but no waiting stop.

    Orders wait at one address of the venue and stops at another, as for its `allOpenOrders`.
    """

    def __init__(self, desk: Desk, markets: Markets) -> None:
        self.asked: list[CountdownAsked] = []
        self._desk = desk
        self._markets = markets
        self._running: dict[str, asyncio.TimerHandle] = {}

    def answers(self) -> Answers:
        """Each call with what it answers."""
        return {("POST", "/fapi/v1/countdownCancelAll"): self._set}

    def running(self) -> dict[str, datetime]:
        """When each countdown that runs will end, by unified symbol."""
        now, loop_now = self._desk.now(), asyncio.get_running_loop().time()
        return {
            symbol: now + timedelta(seconds=timer.when() - loop_now)
            for symbol, timer in self._running.items()
        }

    def close(self) -> None:
        """Stop every countdown with the venue."""
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()

    def _set(self, parameters: Parameters) -> object:
        instrument, text = self._markets.asked(parameters), parameters.get("countdownTime", "")
        if not text.isdigit():
            raise missing("countdownTime")
        symbol, milliseconds = instrument.symbol, int(text)
        self.asked.append(
            CountdownAsked(symbol=symbol, milliseconds=milliseconds, asked_at=self._desk.now())
        )
        earlier = self._running.pop(symbol, None)
        if earlier is not None:
            earlier.cancel()
        if milliseconds:
            loop = asyncio.get_running_loop()
            self._running[symbol] = loop.call_later(milliseconds / 1000, self._run_out, symbol)
        return {"symbol": instrument.venue_symbol, "countdownTime": text}

    def _run_out(self, symbol: str) -> None:
        self._running.pop(symbol, None)
        for order in self._desk.core.open_orders():
            if order.ticket.symbol == symbol and not is_stop(order.ticket):
                self._desk.cancel(order.client_order_id)
