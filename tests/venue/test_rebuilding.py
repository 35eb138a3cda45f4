"""A paper account's venue after a restart is what its own books say it was."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.rebuilding import rebuilt_state
from domain.instrument import Side
from domain.order import OrderFilled, OrderRequested
from domain.settings import CapitalSettings, Settings
from tests.application.desk import BTC, MORNING, PROMPT, Desk, market
from tests.venue.bench import told
from tests.venue.books import PaperBooks

D = Decimal
SPOT = market("BTC", symbol="BTC/USDT", kind="spot")
HEDGED = msgspec.structs.replace(PROMPT, capital=CapitalSettings(hedge_mode=True))


def rebuilt(desk: Desk) -> MatchingCore:
    """Another core as the desk's books tell it, at the same prices."""
    core = MatchingCore(
        instruments=desk.core.instruments(), currency="USDT", balance=D(1), leverage=D(100)
    )
    state = rebuilt_state(desk.book, desk.log, desk.now)
    core.restore(msgspec.structs.replace(state, prices=desk.core.prices()))
    return core


def resting(core: MatchingCore) -> list[tuple[str, Decimal, Decimal]]:
    return [(o.client_order_id, o.ticket.quantity, o.filled) for o in core.open_orders()]


def agree(one: MatchingCore, other: MatchingCore) -> None:
    """A venue closes at the average entry, the books lot by lot: only together do they agree."""
    assert resting(one) == resting(other)
    assert one.equity == other.equity
    assert one.positions() == other.positions()


def test_working_orders_positions_and_balance_come_back() -> None:
    desk = Desk()
    desk.signal()
    desk.move("99")
    for report in desk.core.fill(resting(desk.core)[0][0], D("0.001"), desk.now):
        desk.feed(report)
    agree(rebuilt(desk), desk.core)
    assert rebuilt(desk).balance == desk.core.balance


def test_what_took_profit_before_the_restart_is_counted_once() -> None:
    desk = Desk()
    desk.signal()
    desk.move("99")
    desk.move("100.7")
    assert desk.book.risk.realized_total > 0
    agree(rebuilt(desk), desk.core)


def test_orders_come_back_in_the_order_in_which_they_arrived() -> None:
    desk = Desk()
    for symbol in ("SOLUSDT.P", "BTCUSDT.P", "ETHUSDT.P"):
        desk.signal(symbol=symbol)
        desk.move("99.6", f"{symbol.removesuffix('USDT.P')}/USDT:USDT")
    names = [name for name, _, _ in resting(desk.core)]
    assert names != sorted(names), "ids in the order of the alphabet would prove nothing"
    assert [name for name, _, _ in resting(rebuilt(desk))] == names


def test_a_spot_account_has_paid_for_what_it_holds_and_keeps_its_dust() -> None:
    desk = Desk(markets=[SPOT], kind="spot")
    desk.signal(symbol="BTCUSDT")
    desk.move("99", SPOT.symbol)
    desk.move("101.2", SPOT.symbol)
    assert desk.book.holdings.dust, "a run without dust proves nothing about it"
    before, after = desk.core, rebuilt(desk)
    assert (after.balance, after.positions()) == (before.balance, before.positions())
    assert after.equity == before.equity


def test_an_order_whose_acceptance_was_never_heard_did_not_exist() -> None:
    books = PaperBooks(PROMPT)
    books.requested(stop_order("never-heard", "sell", "95"))
    assert books.rebuilt().orders == ()


def test_a_stop_that_waits_comes_back_and_fires() -> None:
    books = PaperBooks(PROMPT)
    books.holds("g1", "long", "0.5", "100")
    books.requested(stop_order("stop", "sell", "95"), accepted="1000001")
    core = books.restored()
    core.begin_move(BTC, D(96), MORNING)
    assert core.next_fill() is None
    core.begin_move(BTC, D(90), MORNING)
    assert told(core.next_fill() or []) == [("stop", "0.5 at 95 taker"), ("stop", "filled 0.5")]


def test_in_hedge_mode_each_side_comes_back_with_its_own_lots_and_orders() -> None:
    books = PaperBooks(HEDGED)
    books.holds("g1", "long", "0.5", "100")
    books.holds("g2", "long", "0.5", "102")
    books.holds("g3", "short", "0.3", "110")
    books.requested(stop_order("stop", "buy", "120", side_of="short"), accepted="1000001")
    core = books.restored()
    assert core.hedge_mode
    assert core.positions("long") == {BTC: D(1)}
    assert core.positions("short") == {BTC: D("-0.3")}
    assert core.position(BTC, "long").cost == D(101)
    assert core.position(BTC, "short").cost == D(-33)
    core.begin_move(BTC, D(100), MORNING)
    assert core.next_fill() is None
    core.begin_move(BTC, D(130), MORNING)
    assert told(core.next_fill() or [])[0] == ("stop", "0.3 at 120 taker")


@pytest.mark.parametrize("settings", [PROMPT, HEDGED])
def test_an_account_that_is_flat_comes_back_in_its_own_mode(settings: Settings) -> None:
    books = PaperBooks(settings)
    assert books.restored().hedge_mode == settings.capital.hedge_mode


def test_the_balance_is_the_start_with_all_that_was_realized_less_unrealized_fees() -> None:
    books = PaperBooks(PROMPT, realized_total="-12.5")
    books.holds("g1", "long", "0.5", "100", entry_fee="0.01")
    assert books.rebuilt().balance == D(1000) - D("12.5") - D("0.01")


def test_a_part_that_was_sold_is_told_with_its_fills() -> None:
    books = PaperBooks(PROMPT)
    books.holds("g1", "long", "0.5", "100")
    order = msgspec.structs.replace(stop_order("tp", "sell", "1"), price=D(105), trigger_price=None)
    books.requested(order, accepted="1000001", fills=[filled("tp", "0.2"), filled("tp", "0.1")])
    (kept,) = books.restored().open_orders()
    assert kept.filled == D("0.3")
    assert kept.remaining == D("0.2")


def stop_order(name: str, side: Side, trigger: str, side_of: Any = "both") -> OrderRequested:
    """A stop for half a contract."""
    return OrderRequested(
        client_order_id=name,
        purpose="stop",
        symbol=BTC,
        side=side,
        quantity=D("0.3") if side_of == "short" else D("0.5"),
        price=None,
        time_in_force="gtc",
        reduce_only=side_of == "both",
        group_id="g1",
        pyramid_id="",
        leg_id="",
        signal_id="s1",
        attempt=1,
        requested_at=MORNING,
        send_before=None,
        position_side=side_of,
        trigger_price=D(trigger),
    )


def filled(name: str, quantity: str) -> OrderFilled:
    return OrderFilled(
        client_order_id=name,
        trade_id=f"t{quantity}",
        price=D(105),
        quantity=D(quantity),
        filled=D(quantity),
        fee=D(0),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=MORNING,
    )
