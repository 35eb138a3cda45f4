"""Offsets: what winners sell to pay for a loser, and that a loser never loses more than that."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

import msgspec
import pytest

from domain.money import DECISION_CONTEXT, ONE, ZERO
from domain.offset_plan import (
    LOSER_TOO_SMALL,
    NO_WINNERS,
    NOT_COVERED,
    NOTHING_TO_SELL,
    loser_part,
    loss_percent,
    net_gain,
    plan,
    ranked_winners,
    winner_part,
)
from domain.position_group import ReductionPart
from domain.settings import OffsetSettings
from tests.domain.offset_trades import (
    WITH_FEES,
    market,
    quantities,
    realized,
    these,
    trade,
)

D = Decimal


@pytest.fixture(autouse=True)
def decision_context() -> Iterator[None]:
    with localcontext(DECISION_CONTEXT):
        yield


class TestNetGain:
    def test_it_is_net_of_both_fees(self) -> None:
        # 10 bought at 100 for a fee of 1, sold at 110 for a fee of 0.55.
        long = trade(("10", "100"), instrument=WITH_FEES, fee_percent="0.1")
        assert net_gain(long) == D("98.45")
        assert loss_percent(long) == D("9.845")

    def test_a_short_gains_as_the_price_falls(self) -> None:
        short = trade(("10", "100"), price="90", side="short", instrument=WITH_FEES)
        assert net_gain(short) == D("99.55")
        assert net_gain(msgspec.structs.replace(short, price=D(110))) == D("-100.55")

    def test_contracts_count_with_their_size(self) -> None:
        small = market(contract_size=D("0.01"))
        assert net_gain(trade(("10", "100"), instrument=small)) == 1


class TestAWinnersPart:
    def test_the_worked_example(self) -> None:
        """Entry 100, price 110, 50 needed, no fees: exactly 5."""
        part = winner_part(trade(("10", "100")), D(50), D(20))
        assert (part.quantity, part.expected) == these(5, 50)
        assert part.parts == (ReductionPart(leg_id="g1-p0-l0", quantity=D(5), sold_before=ZERO),)

    def test_it_is_never_sold_at_a_loss(self) -> None:
        """Break-even with both fees: 100.1 / 0.9995 = 100.1500…, on the tick above."""
        winner = trade(("10", "100"), instrument=WITH_FEES, fee_percent="0.1")
        part = winner_part(winner, D(50), D(20))
        assert part.bound == D("100.2")
        assert realized(winner, part.parts, part.bound) >= 0
        assert realized(winner, part.parts, part.bound - D("0.1")) < 0

    def test_a_short_is_bought_back_no_dearer_than_that(self) -> None:
        part = winner_part(trade(("10", "110"), price="100", side="short"), D(50), D(20))
        assert part.bound == 110

    def test_of_legs_with_different_costs_the_sale_as_a_whole_breaks_even(self) -> None:
        part = winner_part(trade(("2", "100"), ("10", "105")), D(50), D(20))
        assert part.bound == D("103.8")
        assert part.quantity == 8

    def test_a_short_pays_the_same(self) -> None:
        part = winner_part(trade(("10", "110"), price="100", side="short"), D(50), D(20))
        assert (part.quantity, part.expected) == these(5, 50)

    def test_both_fees_make_it_sell_more_rounded_up_a_step(self) -> None:
        """50 / (110 x 0.9995 - 100.1) = 5.0787…"""
        winner = trade(("10", "100"), instrument=WITH_FEES, fee_percent="0.1")
        part = winner_part(winner, D(50), D(20))
        assert part.quantity == D("5.079")
        assert part.expected == realized(winner, part.parts, D(110)) > 50

    def test_legs_pay_in_the_order_of_a_partial_close(self) -> None:
        part = winner_part(trade(("2", "100"), ("10", "105")), D(50), D(20))
        assert quantities(part.parts) == [2, 6]
        assert part.expected == 50

    def test_a_leg_without_a_gain_stays(self) -> None:
        part = winner_part(trade(("5", "111"), ("10", "100")), D(50), D(20))
        assert [p.leg_id for p in part.parts] == ["g1-p0-l1"]
        assert part.expected == 50

    def test_it_gives_all_its_gain_where_that_is_not_enough(self) -> None:
        part = winner_part(trade(("1", "100"), ("1", "105"), ("4", "120")), D(50), D(20))
        assert quantities(part.parts) == [1, 1]
        assert part.expected == 15

    def test_a_sale_is_never_smaller_than_the_minimum_of_a_close(self) -> None:
        """1 is earned with 0.1, worth 11; at least 20 is sold, which earns more."""
        part = winner_part(trade(("10", "100")), D(1), D(20))
        assert part.quantity == D("0.182")
        assert part.expected == D("1.82")

    def test_a_trade_smaller_than_the_minimum_of_a_close_gives_nothing(self) -> None:
        assert not winner_part(trade(("0.1", "100")), D(1), D(20)).parts

    def test_a_rest_too_small_to_be_sold_goes_too(self) -> None:
        """Of 5.04 a rest of 0.04, worth 4.4, would stay: spot takes no order under 5."""
        spot = market(kind="spot", reduce_only_exempt=False)
        part = winner_part(trade(("5.04", "100"), ("5", "100"), instrument=spot), D(50), D(20))
        assert quantities(part.parts) == [D("5.04")]
        assert part.expected == D("50.4")

    def test_a_trade_that_would_keep_less_than_the_minimum_is_closed_whole(self) -> None:
        """0.1, worth 11, in loss would stay; it goes too, and takes its loss off."""
        part = winner_part(trade(("5", "100"), ("0.1", "120")), D(50), D(20))
        assert quantities(part.parts) == [5, D("0.1")]
        assert part.expected == 49

    def test_contracts_are_counted_with_their_size(self) -> None:
        small = market(contract_size=D("0.01"), step=ONE, min_quantity=ONE)
        part = winner_part(trade(("1000", "100"), instrument=small), D(50), D(20))
        assert (part.quantity, part.expected) == these(500, 50)

    def test_nothing_is_sold_where_nothing_is_needed(self) -> None:
        assert not winner_part(trade(("10", "100")), ZERO, D(20)).parts

    def test_what_the_leg_sold_before_is_kept_with_the_part(self) -> None:
        winner = trade(("10", "100"))
        leg = msgspec.structs.replace(winner.legs[0], sold=D(3))
        part = winner_part(msgspec.structs.replace(winner, legs=(leg,)), D(50), D(20))
        assert part.parts[0].sold_before == 3


class TestALosersPart:
    def test_a_budget_pays_for_its_share_at_the_loss_of_a_contract_now(self) -> None:
        part = loser_part(trade(("10", "100"), price="90"), D(50))
        assert (part.quantity, part.expected, part.bound) == these(5, -50, 90)

    def test_rounding_down_leaves_room_for_a_worse_price(self) -> None:
        """51 / 10 = 5.1; at step 1 it is 5, which may lose 10.2 each."""
        coarse = market(step=ONE, min_quantity=ONE)
        part = loser_part(trade(("10", "100"), price="90", instrument=coarse), D(51))
        assert (part.quantity, part.bound) == these(5, D("89.8"))

    def test_a_bound_is_rounded_to_the_safe_side(self) -> None:
        """All of it may lose 101, so 89.9 for 10: a tick further would lose 102."""
        long = loser_part(trade(("10", "100"), price="90"), D("101.5"))
        assert (long.quantity, long.bound) == these(10, D("89.9"))
        short = loser_part(trade(("10", "90"), price="100", side="short"), D("101.5"))
        assert (short.quantity, short.bound) == these(10, D("100.1"))

    def test_the_exit_fee_is_part_of_the_loss(self) -> None:
        loser = trade(("10", "100"), price="90", instrument=WITH_FEES)
        part = loser_part(loser, D(50))
        # 50 / (100 - 90 x 0.9995) = 4.9776…
        assert part.quantity == D("4.977")
        assert part.expected == realized(loser, part.parts, D(90)) == D("-49.993965")

    def test_a_budget_for_everything_sells_everything(self) -> None:
        part = loser_part(trade(("10", "100"), ("5", "95"), price="90"), D(125))
        assert quantities(part.parts) == [10, 5]
        assert (part.bound, part.expected) == these(90, -125)

    def test_legs_are_paid_in_their_order_each_by_its_own_cost(self) -> None:
        part = loser_part(trade(("2", "95"), ("10", "100"), price="90"), D(40))
        assert quantities(part.parts) == [2, 3]
        assert part.expected == -40

    def test_what_the_first_legs_earn_is_spent_on_the_next(self) -> None:
        part = loser_part(trade(("2", "85"), ("10", "100"), price="90"), D(40))
        assert quantities(part.parts) == [2, 5]
        assert part.expected == -40

    def test_a_later_gain_is_never_counted_on(self) -> None:
        """Sold in order the first leg alone would lose 100 of 50, whatever the second earns."""
        part = loser_part(trade(("10", "100"), ("10", "89"), price="90"), D(50))
        assert quantities(part.parts) == [5]

    def test_where_everything_goes_what_gains_goes_first(self) -> None:
        part = loser_part(trade(("10", "100"), ("10", "80"), price="90"), D(50))
        assert [p.leg_id for p in part.parts] == ["g1-p0-l1", "g1-p0-l0"]
        assert (part.quantity, part.expected, part.bound) == these(20, 0, D("87.5"))

    def test_no_prefix_of_the_sale_loses_more_than_the_budget_at_the_bound(self) -> None:
        """The first leg alone may lose 1 more, 0.1 each, whatever the second earns after it."""
        coarse = market(step=ONE, min_quantity=ONE)
        lots = (("10", "95.9"), ("10", "80"), ("9", "130"))
        loser = trade(*lots, price="90", instrument=coarse)
        part = loser_part(loser, D(60))
        assert quantities(part.parts) == [10, 10, 2]
        assert part.bound == D("89.9")
        assert realized(loser, part.parts[:1], part.bound) == -60

    def test_too_little_for_the_venue_sells_nothing(self) -> None:
        spot = market(kind="spot", reduce_only_exempt=False)
        assert not loser_part(trade(("10", "100"), price="90", instrument=spot), D("0.5")).parts
        assert loser_part(trade(("10", "100"), price="90", instrument=spot), D("0.6")).parts

    def test_a_rest_too_small_to_be_sold_is_avoided_by_selling_less(self) -> None:
        """9.98 of 10 would leave 1.8 on spot: 0.056 must stay, worth 5.04."""
        spot = market(kind="spot", reduce_only_exempt=False)
        part = loser_part(trade(("10", "100"), price="90", instrument=spot), D("99.8"))
        assert part.quantity == D("9.944")

    def test_of_a_lot_that_cannot_be_halved_nothing_is_sold(self) -> None:
        spot = market(kind="spot", reduce_only_exempt=False)
        part = loser_part(trade(("0.08", "100"), price="90", instrument=spot), D("0.7"))
        assert not part.parts

    def test_a_price_between_ticks_is_rounded_against_us(self) -> None:
        part = loser_part(trade(("10", "100"), price="90.05"), D(50))
        assert (part.quantity, part.bound) == these(5, 90)

    def test_a_loser_that_recovered_is_sold_for_next_to_nothing_lost(self) -> None:
        part = loser_part(trade(("10", "80"), price="90"), D(50))
        assert (part.quantity, part.expected, part.bound) == these(10, 100, 75)

    def test_without_a_budget_nothing_is_sold(self) -> None:
        assert not loser_part(trade(("10", "100"), price="90"), ZERO).parts


RULES = OffsetSettings()


class TestAPlan:
    def test_the_richest_winner_pays_first_and_only_what_is_needed(self) -> None:
        loser = trade(("10", "100"), price="90", name="loser")
        rich = trade(("20", "100"), name="rich")
        poor = trade(("5", "100"), name="poor")
        drawn = plan(loser, [poor, rich], RULES)
        assert [winner.trade.group_id for winner in drawn.winners] == ["rich"]
        assert (drawn.needed, drawn.expected) == these(100, 100)
        assert drawn.winners[0].part.quantity == 10
        assert drawn.is_covered
        assert drawn.is_feasible
        assert drawn.reduction.quantity == 10

    def test_the_next_winner_pays_what_the_first_left(self) -> None:
        loser = trade(("10", "100"), price="90", name="loser")
        first, second = trade(("6", "100"), name="first"), trade(("5", "100"), name="second")
        drawn = plan(loser, [first, second], RULES)
        assert [winner.need for winner in drawn.winners] == [100, 40]
        assert [winner.part.quantity for winner in drawn.winners] == [6, 4]

    def test_a_winner_too_small_to_sell_takes_nobodys_place(self) -> None:
        loser = trade(("10", "100"), price="90", name="loser")
        tiny = trade(("0.1", "10"), name="tiny")
        small = trade(("1", "100"), name="small")
        rules = msgspec.structs.replace(RULES, max_winners=1, partial_cover="reduce_loser")
        drawn = plan(loser, [tiny, small], rules)
        assert [winner.trade.group_id for winner in drawn.winners] == ["small"]

    def test_no_more_winners_than_allowed_pay(self) -> None:
        loser = trade(("10", "100"), price="90", name="loser")
        winners = [trade(("3", "100"), name=f"w{number}") for number in range(4)]
        drawn = plan(loser, winners, RULES)
        assert len(drawn.winners) == 3
        assert drawn.expected == 90
        assert drawn.reason == NOT_COVERED

    def test_a_loser_may_be_reduced_by_what_there_is(self) -> None:
        loser = trade(("10", "100"), price="90", name="loser")
        rules = msgspec.structs.replace(RULES, partial_cover="reduce_loser")
        drawn = plan(loser, [trade(("3", "100"), name="w")], rules)
        assert drawn.is_feasible
        assert not drawn.is_covered
        assert drawn.reduction.quantity == 3

    def test_it_says_why_nothing_can_be_done(self) -> None:
        loser = trade(("10", "100"), price="90", name="loser")
        either = msgspec.structs.replace(RULES, partial_cover="reduce_loser")
        assert plan(loser, [], RULES).reason == NO_WINNERS
        tiny = trade(("0.1", "100"), name="tiny")
        assert plan(loser, [tiny], RULES).reason == NOTHING_TO_SELL
        lump = market(step=ONE, min_quantity=D(4))
        stiff = trade(("10", "100"), price="90", name="loser", instrument=lump)
        assert plan(stiff, [trade(("3", "100"), name="w")], either).reason == LOSER_TOO_SMALL

    def test_of_equal_winners_the_oldest_pays_first(self) -> None:
        young, old = trade(("5", "100"), name="a"), trade(("5", "100"), name="b", age=1)
        level = trade(("5", "110"), name="c")
        twin = trade(("5", "100"), name="d")
        names = [t.group_id for t in ranked_winners([twin, young, level, old])]
        assert names == ["b", "a", "d"]
