"""Offsets over made-up trades: no plan falls short, no loser loses more than it may."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instrument import PositionSide, round_quantity
from domain.money import DECISION_CONTEXT, ZERO
from domain.offset_plan import (
    OffsetLeg,
    OffsetTrade,
    loser_part,
    net_gain,
    plan,
    winner_part,
)
from domain.position_group import ReductionPart
from domain.settings import OffsetSettings
from tests.domain.offset_trades import (
    FREE_OF_FEES,
    MORNING,
    SPOT,
    WITH_FEES,
    leg_of,
    market,
    quantities,
    realized,
    these,
    trade,
)

D = Decimal
RULES = OffsetSettings()


@pytest.fixture(autouse=True)
def decision_context() -> Iterator[None]:
    with localcontext(DECISION_CONTEXT):
        yield


PRICES = st.integers(min_value=1, max_value=5000).map(lambda ticks: D(ticks) / 10)
LOTS = st.lists(
    st.tuples(st.integers(min_value=1, max_value=20_000).map(lambda n: D(n) / 1000), PRICES),
    min_size=1,
    max_size=5,
)
MARKETS = st.sampled_from(
    [FREE_OF_FEES, WITH_FEES, SPOT, market(contract_size=D("0.1"), taker_fee_percent=D("0.06"))]
)


@st.composite
def trades(draw: st.DrawFn, name: str = "g1") -> OffsetTrade:
    instrument = draw(MARKETS)
    side: PositionSide = "long" if instrument.kind == "spot" else draw(st.sampled_from(SIDES))
    fee = draw(st.sampled_from([ZERO, D("0.02"), D("0.075")]))
    legs = tuple(
        leg_of(f"{name}-p0-l{number}", quantity, entry, fee, instrument)
        for number, (quantity, entry) in enumerate(draw(LOTS))
    )
    return OffsetTrade(
        group_id=name,
        symbol=instrument.symbol,
        side=side,
        instrument=instrument,
        price=draw(PRICES),
        legs=legs,
        opened_at=MORNING,
    )


SIDES: tuple[PositionSide, ...] = ("long", "short")
MONEY = st.integers(min_value=1, max_value=2_000_000).map(lambda cents: D(cents) / 100)


def least_kept(trade: OffsetTrade) -> Decimal:
    """The fewest contracts a venue buys of this trade at its price."""
    instrument = trade.instrument
    worth = trade.price * instrument.contract_size
    by_value = ZERO if instrument.kind != "spot" else instrument.min_notional / worth
    return max(instrument.min_quantity, by_value)


def rests(trade: OffsetTrade, parts: Sequence[ReductionPart]) -> list[Decimal]:
    """What is left of each leg that gives something, and of the whole trade."""
    gone = {part.leg_id: part.quantity for part in parts}
    legs = [leg.quantity - gone[leg.leg_id] for leg in trade.legs if leg.leg_id in gone]
    return [*legs, trade.quantity - sum(gone.values(), ZERO)]


class TestWhateverTheMarket:
    @settings(max_examples=200, deadline=None)
    @given(winner=trades(), need=MONEY)
    def test_a_winner_earns_what_it_is_told_to_and_leaves_no_unsellable_rest(
        self, winner: OffsetTrade, need: Decimal
    ) -> None:
        part = winner_part(winner, need, D(20))
        if not part.parts:
            return
        assert part.expected == realized(winner, part.parts, winner.price) > ZERO
        assert part.quantity == sum(quantities(part.parts), ZERO)
        assert part.quantity == round_quantity(winner.instrument, part.quantity)
        sold_for = winner.price * part.quantity * winner.instrument.contract_size
        assert sold_for >= 20
        for rest in rests(winner, part.parts):
            assert rest == ZERO or rest >= least_kept(winner)

    @settings(max_examples=200, deadline=None)
    @given(winner=trades(), need=MONEY)
    def test_a_winner_falls_short_only_where_every_gaining_leg_is_sold(
        self, winner: OffsetTrade, need: Decimal
    ) -> None:
        part = winner_part(winner, need, ZERO)
        if not part.parts or part.expected >= need:
            return
        gains = {leg.leg_id: realized(winner, (_whole(leg),), winner.price) for leg in winner.legs}
        gone = {p.leg_id: p.quantity for p in part.parts}
        for leg in winner.legs:
            if gains[leg.leg_id] > ZERO:
                assert gone.get(leg.leg_id) == leg.quantity

    @settings(max_examples=300, deadline=None)
    @given(loser=trades(), budget=MONEY, better=st.integers(min_value=0, max_value=300))
    def test_a_loser_never_loses_more_than_the_budget_however_far_its_sale_comes(
        self, loser: OffsetTrade, budget: Decimal, better: int
    ) -> None:
        part = loser_part(loser, budget)
        if not part.parts:
            return
        tick = loser.instrument.tick if loser.side == "long" else -loser.instrument.tick
        price = part.bound + tick * better
        if price <= ZERO:
            return
        for count in range(1, len(part.parts) + 1):
            prefix = part.parts[:count]
            assert -realized(loser, prefix, price) <= budget
            assert realized(loser, prefix, price) >= realized(loser, prefix, part.bound)

    @settings(max_examples=200, deadline=None)
    @given(loser=trades(), budget=MONEY)
    def test_a_loser_can_be_sold_at_its_price_and_leaves_no_unsellable_rest(
        self, loser: OffsetTrade, budget: Decimal
    ) -> None:
        part = loser_part(loser, budget)
        if not part.parts:
            return
        is_reachable = part.bound <= loser.price if loser.side == "long" else True
        assert is_reachable
        assert loser.side == "long" or part.bound >= loser.price
        assert part.quantity >= least_kept(loser)
        for rest in rests(loser, part.parts):
            assert rest == ZERO or rest >= least_kept(loser)

    @settings(max_examples=150, deadline=None)
    @given(loser=trades("loser"), first=trades("a"), second=trades("b"))
    def test_a_covered_plan_earns_at_least_what_is_needed(
        self, loser: OffsetTrade, first: OffsetTrade, second: OffsetTrade
    ) -> None:
        drawn = plan(loser, [first, second], RULES)
        if not drawn.is_feasible:
            return
        assert drawn.expected >= drawn.needed
        assert drawn.expected == sum((w.part.expected for w in drawn.winners), ZERO)
        assert drawn.reduction.quantity == loser.quantity

    @settings(max_examples=150, deadline=None)
    @given(lots=LOTS, price=PRICES, need=MONEY)
    def test_a_short_is_a_long_in_the_mirror_where_nothing_costs_fees(
        self, lots: list[tuple[Decimal, Decimal]], price: Decimal, need: Decimal
    ) -> None:
        """Mirrored at 1000: an entry at e and a price of p become 1000 - e and 1000 - p."""
        seen = [(str(quantity), str(entry)) for quantity, entry in lots]
        turned = [(str(quantity), str(1000 - entry)) for quantity, entry in lots]
        long = trade(*seen, price=str(price))
        short = trade(*turned, price=str(1000 - price), side="short")
        assert net_gain(long) == net_gain(short)
        assert quantities(winner_part(long, need, ZERO).parts) == quantities(
            winner_part(short, need, ZERO).parts
        )
        left, right = loser_part(long, need), loser_part(short, need)
        assert quantities(left.parts) == quantities(right.parts)
        if left.parts and left.bound > long.instrument.tick:
            assert left.bound == 1000 - right.bound

    @settings(max_examples=150, deadline=None)
    @given(
        quantity=st.integers(min_value=1, max_value=1000),
        entry=st.integers(min_value=1, max_value=500),
        gain=st.integers(min_value=1, max_value=50),
        part=st.integers(min_value=1, max_value=1000),
    )
    def test_without_fees_what_is_needed_is_earned_exactly(
        self, quantity: int, entry: int, gain: int, part: int
    ) -> None:
        taken = min(quantity, part)
        winner = trade((str(quantity), str(entry)), price=str(entry + gain))
        made = winner_part(winner, D(taken * gain), ZERO)
        assert (made.quantity, made.expected) == these(taken, taken * gain)


def _whole(leg: OffsetLeg) -> ReductionPart:
    return ReductionPart(leg_id=leg.leg_id, quantity=leg.quantity, sold_before=leg.sold)
