"""The simulated venue in process keeps the contract, and tells fills as they happen."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import msgspec
import pytest

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.exchange import SimulatedExchange
from application.inputs import (
    Ended,
    FundingReported,
    NotFound,
    OrderReported,
    PositionSeen,
)
from application.work import OpenOrder
from domain.message import Input, MarkSeen
from tests.venue.bench import AT, PERPETUAL, SYMBOL, hedged, ticket, told
from tests.venue.exchange_contract import PREFIX, START_BALANCE, ExchangeContract


class StandingClock:
    def now(self) -> datetime:
        return AT


class InProcess:
    """The simulated exchange with its market in hand."""

    symbol = SYMBOL

    def __init__(self, prefix: str = PREFIX, *, hedge_mode: bool = False) -> None:
        market = msgspec.structs.replace(PERPETUAL, min_notional=Decimal(100))
        self.heard: list[OrderReported] = []
        self.funded: list[FundingReported] = []
        self.listener: Callable[[OrderReported], None] = self.heard.append
        self.exchange = SimulatedExchange(
            core=MatchingCore(
                instruments=[market],
                currency="USDT",
                balance=START_BALANCE,
                hedge_mode=hedge_mode,
            ),
            clock=StandingClock(),
            submit=self.hear,
            prefix=prefix,
        )
        self.exchange.move(SYMBOL, Decimal(60000), AT)

    def hear(self, received: Input) -> None:
        if isinstance(received, FundingReported):
            self.funded.append(received)
        else:
            assert isinstance(received, OrderReported)
            self.listener(received)

    async def move(self, price: Decimal) -> None:
        self.exchange.move(SYMBOL, price, AT)

    async def fill(self, client_order_id: str, quantity: Decimal) -> None:
        self.exchange.core.fill(client_order_id, quantity, AT)


class TestSimulatedExchange(ExchangeContract):
    @pytest.fixture
    def venue(self) -> InProcess:
        return InProcess()


async def test_a_move_submits_each_fill_and_keeps_the_mark() -> None:
    venue = InProcess()
    await venue.exchange.place(ticket("a", "buy", "0.01", "59000"))
    await venue.move(Decimal(58000))
    assert told(venue.heard) == [("a", "0.01 at 59000 maker"), ("a", "filled 0.01")]
    assert venue.exchange.marks() == {SYMBOL: MarkSeen(symbol=SYMBOL, price=Decimal(58000), at=AT)}


async def test_what_the_listener_places_on_a_fill_takes_part_in_the_rest_of_the_move() -> None:
    venue = InProcess()

    def reply(reported: OrderReported) -> None:
        venue.heard.append(reported)
        if reported.client_order_id == "a" and isinstance(reported.report, Ended):
            venue.exchange.core.place(ticket("b", "buy", "0.01", "58500"), AT)

    venue.listener = reply
    await venue.exchange.place(ticket("a", "buy", "0.01", "59000"))
    await venue.move(Decimal(58000))
    assert told(venue.heard)[2:] == [("b", "0.01 at 58500 maker"), ("b", "filled 0.01")]


async def test_orders_of_another_symbol_are_unknown_under_this_one() -> None:
    venue = InProcess()
    await venue.exchange.place(ticket("a", "buy", "0.01", "59000"))
    reports = await venue.exchange.cancel("a", "ETH/USDT:USDT")
    assert told(list(reports)) == [("a", "cancel refused -2011")]
    assert told(list(await venue.exchange.query("a", "ETH/USDT:USDT"))) == [("a", "NotFound")]
    assert len(venue.exchange.core.open_orders()) == 1


async def test_only_orders_with_our_prefix_are_ours() -> None:
    venue = InProcess(prefix="Pours")
    await venue.exchange.place(ticket("Pours1", "buy", "0.01", "59000"))
    await venue.exchange.place(ticket("byhand", "buy", "0.01", "59000"))
    seen = await venue.exchange.reconcile([])
    assert seen.open_client_order_ids == ("Pours1",)


async def test_a_symbol_or_currency_it_does_not_have_is_a_mistake() -> None:
    venue = InProcess()
    await venue.exchange.watch([SYMBOL])
    with pytest.raises(KeyError, match="does not list it"):
        await venue.exchange.watch(["DOGE/USDT:USDT"])
    with pytest.raises(ValueError, match="kept in USDT"):
        await venue.exchange.balance("BTC")


async def test_funding_is_submitted_like_any_other_news() -> None:
    venue = InProcess()
    await venue.exchange.place(ticket("a", "buy", "0.01", None))
    venue.exchange.fund(SYMBOL, Decimal("0.01"), AT)
    (report,) = venue.funded
    assert (report.amount, report.asset) == (Decimal("-0.06"), "USDT")


async def test_in_hedge_mode_reconciling_shows_both_sides_of_each_symbol() -> None:
    venue = InProcess(hedge_mode=True)
    await venue.exchange.place(hedged("Pcontractb", "buy", "0.02", "long"))
    await venue.exchange.place(hedged("Pcontracts", "sell", "0.01", "short"))
    closing = hedged("Pcontractx", "buy", "0.01", "short", "59000")
    await venue.exchange.place(closing)
    seen = await venue.exchange.reconcile([SYMBOL])
    assert seen.positions == (
        PositionSeen(symbol=SYMBOL, quantity=Decimal("0.02"), side="long"),
        PositionSeen(symbol=SYMBOL, quantity=Decimal("-0.01"), side="short"),
    )
    assert list(await venue.exchange.open_orders()) == [
        OpenOrder(client_order_id="Pcontractx", symbol=SYMBOL, reduce_only=True)
    ]


async def test_in_hedge_mode_an_order_not_found_tells_the_position_of_its_own_side() -> None:
    venue = InProcess(hedge_mode=True)
    await venue.exchange.place(hedged("held", "sell", "0.03", "short"))
    await venue.exchange.place(hedged("refused", "sell", "0.05", "long"))
    assert await absent(venue, "refused") == Decimal(0)
    await venue.exchange.place(hedged("beyond", "buy", "0.05", "short"))
    assert await absent(venue, "beyond") == Decimal("-0.03")
    assert await absent(venue, "never") is None
    reports = await venue.exchange.query("never", SYMBOL, "short")
    assert reports[0].report == NotFound(asked_at=AT, position=Decimal("-0.03"))


async def absent(venue: InProcess, client_order_id: str) -> Decimal | None:
    (reported,) = await venue.exchange.query(client_order_id, SYMBOL)
    assert isinstance(reported.report, NotFound)
    return reported.report.position
