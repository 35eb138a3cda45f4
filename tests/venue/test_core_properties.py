"""What holds at the simulated venue whatever is placed, cancelled and moved."""

from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.orders import awaits, is_reducing, is_stop
from application.inputs import Ended, OrderReported, Refused, Traded
from application.ports import OrderTicket
from domain.instrument import PositionMode, is_undersized
from tests.venue.bench import AT, PERPETUAL, SYMBOL, new_core

START = Decimal(50_000)

prices = st.integers(min_value=599_000, max_value=601_000).map(lambda ticks: Decimal(ticks) / 10)
fitting = st.integers(min_value=1, max_value=20).map(lambda units: Decimal(units) / 1000)

# Now and then off the tick or the step, so that refusals occur too.
odd_prices = st.one_of(prices.map(lambda price: price + Decimal("0.05")), st.none())
odd_quantities = st.sampled_from([Decimal(0), Decimal("0.0015"), Decimal(-1)])
names = st.integers(min_value=0, max_value=200).map(lambda number: f"o{number}")


def mostly(usual: st.SearchStrategy, odd: st.SearchStrategy) -> st.SearchStrategy:
    """One in twelve is odd. Hypothesis takes doubles out of `one_of`, so weights need this."""
    return st.integers(min_value=0, max_value=11).flatmap(lambda n: odd if n == 7 else usual)


def tickets(usual: str, odd: str, *, reduce_only: bool) -> st.SearchStrategy[OrderTicket]:
    return st.builds(
        OrderTicket,
        client_order_id=names,
        symbol=st.just(SYMBOL),
        side=mostly(st.just(usual), st.just(odd)),
        quantity=mostly(fitting, odd_quantities),
        price=mostly(prices, odd_prices),
        time_in_force=mostly(st.just("gtc"), st.sampled_from(["ioc", "post_only"])),
        reduce_only=st.just(reduce_only),
    )


def stops() -> st.SearchStrategy[OrderTicket]:
    """Stops that close, of longs and now and then of shorts."""
    return st.builds(
        OrderTicket,
        client_order_id=names,
        symbol=st.just(SYMBOL),
        side=mostly(st.just("sell"), st.just("buy")),
        quantity=fitting,
        price=st.none(),
        time_in_force=st.just("gtc"),
        reduce_only=st.just(True),
        trigger_price=prices,
    )


def sided(ticket: OrderTicket, position_side: PositionMode) -> OrderTicket:
    """The same order of an account in hedge mode, which says by its side whether it closes."""
    return msgspec.structs.replace(ticket, position_side=position_side, reduce_only=False)


# Mostly long, so that there is often something for reduce-only orders to reduce.
entries = tickets("buy", "sell", reduce_only=False)
exits = tickets("sell", "buy", reduce_only=True)
volumes = st.tuples(st.one_of(st.none(), fitting))
swept = st.tuples(prices, st.integers(min_value=0, max_value=30).map(lambda n: Decimal(n) / 1000))
step_kinds = st.sampled_from(
    [entries, entries, exits, exits, stops(), prices, names, volumes, swept]
).flatmap(lambda kind: kind)
steps = st.lists(step_kinds, min_size=25, max_size=60)

sides = st.sampled_from(["long", "short"])
hedge_steps = st.lists(
    st.one_of(
        st.builds(sided, st.one_of(entries, exits, stops()), sides),
        st.builds(sided, st.one_of(entries, exits, stops()), sides),
        prices,
        names,
    ),
    min_size=25,
    max_size=60,
)


class Witness:
    """Keeps its own account of everything the core reports, by plain sums."""

    def __init__(self, *, hedge_mode: bool = False) -> None:
        self.core = new_core(balance=str(START), leverage="3", hedge_mode=hedge_mode)
        self.tickets: dict[str, OrderTicket] = {}
        self.trade_ids: set[str] = set()
        self.filled: dict[str, Decimal] = {}
        self.positions: dict[str, Decimal] = dict.fromkeys(self.core.sides, Decimal(0))
        self.cash = START

    def act(self, step: object) -> None:
        if isinstance(step, OrderTicket):
            reports = self.core.place(step, AT)
            if not isinstance(reports[0].report, Refused):
                self.tickets[step.client_order_id] = step
                self.filled[step.client_order_id] = Decimal(0)
                assert keeps_the_rules(step, self.core)
            self.hear(reports)
        elif isinstance(step, Decimal):
            self.sweep(step, None)
        elif isinstance(step, str):
            self.hear(self.core.cancel(step, AT))
        elif isinstance(step, tuple) and len(step) == 1:
            (self.core.max_fill_quantity,) = step
        elif isinstance(step, tuple):
            self.sweep(*step)

    def sweep(self, price: Decimal, volume: Decimal | None) -> None:
        self.core.begin_move(SYMBOL, price, AT, volume)
        made = Decimal(0)
        while (filled := self.core.next_fill()) is not None:
            self.hear(filled)
            trades = (each.report for each in filled if isinstance(each.report, Traded))
            made += sum((t.quantity for t in trades if t.liquidity == "maker"), Decimal(0))
        assert volume is None or made <= volume
        assert self.core.price(SYMBOL) == price

    def hear(self, reports: list[OrderReported]) -> None:
        for reported in reports:
            name = reported.client_order_id
            if isinstance(reported.report, Traded):
                self.count(self.tickets[name], reported.report)
            elif isinstance(reported.report, Ended):
                assert reported.report.filled == self.filled[name]
                assert reported.report.filled <= self.tickets[name].quantity

    def count(self, ticket: OrderTicket, trade: Traded) -> None:
        assert trade.trade_id not in self.trade_ids
        self.trade_ids.add(trade.trade_id)
        signed = trade.quantity if ticket.side == "buy" else -trade.quantity
        held = self.positions[ticket.position_side]
        if is_reducing(ticket):
            assert abs(held + signed) == abs(held) - trade.quantity
        if ticket.price is not None:
            better = trade.price <= ticket.price if signed > 0 else trade.price >= ticket.price
            assert better
        self.positions[ticket.position_side] = held + signed
        self.filled[ticket.client_order_id] += trade.quantity
        self.cash -= signed * trade.price + trade.fee


def keeps_the_rules(ticket: OrderTicket, core: MatchingCore) -> bool:
    price = ticket.price or ticket.trigger_price or core.price(SYMBOL)
    assert price is not None
    assert ticket.price is None or ticket.price % PERPETUAL.tick == 0
    assert ticket.quantity % PERPETUAL.step == 0
    return not is_undersized(PERPETUAL, price, ticket.quantity, reduce_only=is_reducing(ticket))


def resting(core: MatchingCore) -> list[tuple[OrderTicket, str, Decimal]]:
    return [(order.ticket, order.venue_order_id, order.filled) for order in core.open_orders()]


@settings(max_examples=150, deadline=None)
@given(steps)
def test_position_and_money_are_the_plain_sums_of_the_fills(story: list[object]) -> None:
    witness = Witness()
    for step in story:
        witness.act(step)
        core = witness.core
        mark = core.price(SYMBOL)
        assert mark is not None
        assert core.position(SYMBOL).quantity == witness.positions["both"]
        assert core.balance + core.unrealized == witness.cash + witness.positions["both"] * mark
        assert core.equity == core.balance + core.unrealized


@settings(max_examples=100, deadline=None)
@given(hedge_steps)
def test_in_hedge_mode_each_side_is_the_sum_of_its_own_fills(story: list[object]) -> None:
    witness = Witness(hedge_mode=True)
    for step in story:
        witness.act(step)
        core = witness.core
        mark = core.price(SYMBOL)
        assert mark is not None
        assert core.position(SYMBOL, "long").quantity == witness.positions["long"] >= 0
        assert core.position(SYMBOL, "short").quantity == witness.positions["short"] <= 0
        assert core.equity == witness.cash + sum(witness.positions.values()) * mark
        for order in core.open_orders():
            if is_reducing(order.ticket) and not is_stop(order.ticket):
                assert order.remaining <= abs(witness.positions[order.ticket.position_side])


@settings(max_examples=100, deadline=None)
@given(steps)
def test_no_reduce_only_order_rests_beyond_the_position(story: list[object]) -> None:
    witness = Witness()
    for step in story:
        witness.act(step)
        offered = {"buy": Decimal(0), "sell": Decimal(0)}
        for order in witness.core.open_orders():
            if order.ticket.reduce_only and not is_stop(order.ticket):
                offered[order.ticket.side] += order.remaining
        assert offered["sell"] <= max(Decimal(0), witness.positions["both"])
        assert offered["buy"] <= max(Decimal(0), -witness.positions["both"])


@settings(max_examples=100, deadline=None)
@given(steps)
def test_no_order_rests_that_the_price_has_passed_while_volume_is_unlimited(
    story: list[object],
) -> None:
    witness = Witness()
    for step in story:
        if isinstance(step, tuple):
            continue
        witness.act(step)
        price = witness.core.price(SYMBOL)
        assert price is not None
        for order in witness.core.open_orders():
            level = order.ticket.trigger_price or order.ticket.price
            assert level is not None
            if awaits(order.ticket) == "fall":
                assert level < price
            else:
                assert level > price


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(min_value=0, max_value=59))
def test_a_restore_at_any_point_changes_nothing_that_follows(story: list[object], cut: int) -> None:
    witness, restored = Witness(), Witness()
    for number, step in enumerate(story):
        if number == cut % len(story):
            fresh = new_core(leverage="3", price=None)
            fresh.restore(restored.core.state())
            fresh.max_fill_quantity = restored.core.max_fill_quantity
            restored.core = fresh
        witness.act(step)
        restored.act(step)
        assert resting(restored.core) == resting(witness.core)
        assert restored.core.positions() == witness.core.positions()
        assert restored.trade_ids == witness.trade_ids
