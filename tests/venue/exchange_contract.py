"""What every exchange keeps, whatever venue is behind it. Subclass it with a `venue` fixture."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Literal, Protocol, TypeVar

from application.inputs import (
    Accepted,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    PositionSeen,
    Refused,
    Report,
    Traded,
)
from application.ports import OrderTicket
from application.work import OpenOrder, ReconcilableExchange
from domain.instrument import Side

PREFIX = "Pcontract"
START_BALANCE = Decimal(100_000)
DEADLINE_SECONDS = 20.0
RETRY_SECONDS = 0.05

Kind = TypeVar("Kind", bound=Report)


class VenueUnderTest(Protocol):
    """An exchange, and the hands that move its market.

    One linear market: price 60000, tick 0.1, step 0.001, minimum notional 100, fees 0.02 % and
    0.05 %; a balance of 100000 of the settle currency; leverage 1; the exchange calls its own
    what begins with PREFIX.
    """

    symbol: str

    @property
    def exchange(self) -> ReconcilableExchange: ...

    async def move(self, price: Decimal) -> None:
        """Let the price sweep to `price`."""
        ...

    async def fill(self, client_order_id: str, quantity: Decimal) -> None:
        """Fill a part of a resting order."""
        ...


class ExchangeContract:
    """The promises of `application.ports.Exchange` and `application.work`, as tests."""

    async def test_the_market_is_listed_with_its_rules(self, venue: VenueUnderTest) -> None:
        listed = {market.symbol: market for market in await venue.exchange.load_instruments()}
        market = listed[venue.symbol]
        assert (market.tick, market.step) == (Decimal("0.1"), Decimal("0.001"))
        assert (market.min_quantity, market.min_notional) == (Decimal("0.001"), Decimal(100))
        assert market.kind == "linear"
        assert market.settle == "USDT"

    async def test_an_order_away_from_the_price_is_accepted_and_found(
        self, venue: VenueUnderTest
    ) -> None:
        placed = await place(venue, "a", "buy", "0.01", "59000")
        assert kinds(placed) == [Accepted]
        found = await asked(venue, "a")
        assert kinds(found) == [Found]
        assert only(found, Found).filled == Decimal(0)
        assert only(found, Found).venue_order_id == only(placed, Accepted).venue_order_id

    async def test_an_order_that_trades_on_arrival_tells_trade_and_end(
        self, venue: VenueUnderTest
    ) -> None:
        placed = await place(venue, "a", "buy", "0.01", "60100")
        if Ended not in kinds(placed):
            placed = await asked(venue, "a")
        trade = only(placed, Traded)
        assert (trade.quantity, trade.price) == (Decimal("0.01"), Decimal(60000))
        assert (trade.fee, trade.fee_asset, trade.liquidity) == (Decimal("0.3"), "USDT", "taker")
        assert placed[-1].report == Ended(status="filled", filled=Decimal("0.01"))

    async def test_a_market_order_trades_at_the_current_price(self, venue: VenueUnderTest) -> None:
        await place(venue, "a", "sell", "0.01", None)
        reports = await asked(venue, "a")
        assert only(reports, Traded).price == Decimal(60000)
        assert reports[-1].report == Ended(status="filled", filled=Decimal("0.01"))

    async def test_what_a_move_fills_is_told_as_maker_at_the_limit(
        self, venue: VenueUnderTest
    ) -> None:
        await place(venue, "a", "buy", "0.01", "59000")
        await venue.move(Decimal(58000))
        reports = await asked(venue, "a")
        trade = only(reports, Traded)
        assert (trade.price, trade.liquidity) == (Decimal(59000), "maker")
        assert trade.fee == Decimal("0.118")
        assert kinds(reports) == [Traded, Ended]

    async def test_partial_fills_are_told_each_once_before_what_they_lead_to(
        self, venue: VenueUnderTest
    ) -> None:
        await place(venue, "a", "buy", "0.01", "59000")
        for part in ("0.002", "0.003"):
            await venue.fill(name("a"), Decimal(part))
        reports = await asked(venue, "a")
        trades = [reported.report for reported in reports if isinstance(reported.report, Traded)]
        assert [trade.quantity for trade in trades] == [Decimal("0.002"), Decimal("0.003")]
        assert len({trade.trade_id for trade in trades}) == 2
        assert only(reports[-1:], Found).filled == Decimal("0.005")

    async def test_a_cancel_ends_the_order_with_what_had_filled(
        self, venue: VenueUnderTest
    ) -> None:
        await place(venue, "a", "buy", "0.01", "59000")
        await venue.fill(name("a"), Decimal("0.004"))
        reports = await cancelled(venue, "a")
        assert reports[-1].report == Ended(status="cancelled", filled=Decimal("0.004"))
        assert (await venue.exchange.reconcile([venue.symbol])).open_client_order_ids == ()

    async def test_a_cancel_of_what_does_not_work_any_more_is_refused(
        self, venue: VenueUnderTest
    ) -> None:
        await place(venue, "a", "buy", "0.01", "59000")
        await cancelled(venue, "a")
        assert CancelRefused in kinds(await cancelled(venue, "a"))

    async def test_an_ioc_order_that_cannot_trade_ends_at_once(self, venue: VenueUnderTest) -> None:
        reports = await place(venue, "a", "buy", "0.01", "59000", tif="ioc")
        if Ended not in kinds(reports):
            reports = await asked(venue, "a")
        ended = only(reports, Ended)
        assert ended.status in {"cancelled", "expired"}
        assert ended.filled == Decimal(0)

    async def test_an_id_that_is_open_is_refused_and_the_first_order_stays(
        self, venue: VenueUnderTest
    ) -> None:
        await place(venue, "a", "buy", "0.01", "59000")
        again = await place(venue, "a", "buy", "0.02", "58000")
        assert not {Accepted, Traded} & set(kinds(again))
        reconciled = await venue.exchange.reconcile([venue.symbol])
        assert reconciled.open_client_order_ids == (name("a"),)

    async def test_orders_that_break_a_rule_are_refused(self, venue: VenueUnderTest) -> None:
        assert kinds(await place(venue, "a", "buy", "0.01", "59000.05")) == [Refused]
        assert kinds(await place(venue, "b", "buy", "0.0105", "59000")) == [Refused]
        assert kinds(await place(venue, "c", "buy", "0.001", "59000")) == [Refused]
        assert (await venue.exchange.reconcile([venue.symbol])).open_client_order_ids == ()

    async def test_post_only_that_would_take_is_refused(self, venue: VenueUnderTest) -> None:
        reports = await place(venue, "a", "buy", "0.01", "60000", tif="post_only")
        assert only(reports, Refused).code == "-5022"
        reports = await place(venue, "b", "buy", "0.01", "59999.9", tif="post_only")
        assert kinds(reports) == [Accepted]

    async def test_reduce_only_without_a_position_is_refused(self, venue: VenueUnderTest) -> None:
        reports = await place(venue, "a", "sell", "0.01", "61000", reduce_only=True)
        assert only(reports, Refused).code == "-2022"

    async def test_what_the_account_cannot_pay_is_refused(self, venue: VenueUnderTest) -> None:
        reports = await place(venue, "a", "buy", "5", "59000")
        assert only(reports, Refused).code == "-2019"

    async def test_an_order_never_sent_is_not_found(self, venue: VenueUnderTest) -> None:
        reports = await venue.exchange.query(name("never"), venue.symbol)
        assert set(kinds(reports)) <= {NotFound}

    async def test_reconciling_shows_open_orders_and_signed_positions(
        self, venue: VenueUnderTest
    ) -> None:
        await place(venue, "short", "sell", "0.02", None)
        await place(venue, "exit", "buy", "0.02", "59000", reduce_only=True)
        seen = await venue.exchange.reconcile([venue.symbol])
        assert seen.open_client_order_ids == (name("exit"),)
        assert PositionSeen(symbol=venue.symbol, quantity=Decimal("-0.02")) in seen.positions
        assert list(await venue.exchange.open_orders()) == [
            OpenOrder(client_order_id=name("exit"), symbol=venue.symbol, reduce_only=True)
        ]

    async def test_the_balance_shows_what_orders_and_positions_hold(
        self, venue: VenueUnderTest
    ) -> None:
        before = await venue.exchange.balance("USDT")
        assert (before.total, before.free) == (START_BALANCE, START_BALANCE)
        await place(venue, "a", "buy", "0.01", None)
        after = await venue.exchange.balance("USDT")
        assert after.total == START_BALANCE - Decimal("0.3")
        assert after.free == after.total - Decimal(600)


def name(short: str) -> str:
    return PREFIX + short


async def place(
    venue: VenueUnderTest,
    short: str,
    side: Side,
    quantity: str,
    price: str | None,
    *,
    tif: Literal["gtc", "ioc", "post_only"] = "gtc",
    reduce_only: bool = False,
) -> Sequence[OrderReported]:
    ticket = OrderTicket(
        client_order_id=name(short),
        symbol=venue.symbol,
        side=side,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        time_in_force=tif,
        reduce_only=reduce_only,
    )
    return await venue.exchange.place(ticket)


async def asked(venue: VenueUnderTest, short: str) -> Sequence[OrderReported]:
    """What the venue tells of an order; asked again while it can't tell for certain."""
    return await _until_told(lambda: venue.exchange.query(name(short), venue.symbol))


async def cancelled(venue: VenueUnderTest, short: str) -> Sequence[OrderReported]:
    return await _until_told(lambda: venue.exchange.cancel(name(short), venue.symbol))


async def _until_told(
    call: Callable[[], Awaitable[Sequence[OrderReported]]],
) -> Sequence[OrderReported]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            reports = await call()
            if reports:
                return reports
            await asyncio.sleep(RETRY_SECONDS)


def kinds(reports: Sequence[OrderReported]) -> list[type]:
    return [type(reported.report) for reported in reports]


def only(reports: Sequence[OrderReported], kind: type[Kind]) -> Kind:
    (found,) = [reported.report for reported in reports if isinstance(reported.report, kind)]
    return found
