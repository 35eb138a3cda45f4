"""What a venue takes, has free and liquidates: each of these rules at its limit and over it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain.day_loss import DayLoss
from domain.gate import EntryProposal, ProposedLeg, RiskedNow, Rule, RuleCheck
from domain.gate_rules import assess
from domain.grid import PlannedLeg
from domain.liquidation import Stake, average_price, distance_percent, liquidation_price
from domain.settings import ExitSettings, RiskSettings
from tests.domain.proposals import NOON, PERPETUAL, facts, proposal

D = Decimal
CALM = RiskedNow(trading_state="active", slots=(), committed=D(0), committed_symbol=D(0))


def line(rule: Rule, wanted: EntryProposal, reserved: str = "0", **known: Any) -> RuleCheck:
    """One rule's line; what is no field of the facts changes the instrument."""
    fields = facts().__struct_fields__
    rules = {name: known.pop(name) for name in list(known) if name not in fields}
    given = facts(**{"instrument": msgspec.structs.replace(PERPETUAL, **rules), **known})
    risked = msgspec.structs.replace(CALM, reserved=D(reserved))
    (found,) = [each for each in assess(wanted, given, risked).receipt if each.rule == rule]
    return found


def ladder(*rungs: tuple[str, str], **changes: Any) -> EntryProposal:
    """Legs of (price, quantity)."""
    legs = tuple(
        ProposedLeg(
            leg_id=f"g1-p0-l{index}",
            leg=PlannedLeg(
                index=index,
                price=D(price),
                quantity=D(quantity),
                notional=D(price) * D(quantity),
                gap_percent=D(0),
                weight_percent=D(100) / len(rungs),
                take_profit_percent=D(1),
            ),
            reserve_price=D(price),
            reserve=D(price) * D(quantity),
        )
        for index, (price, quantity) in enumerate(rungs)
    )
    return proposal(legs=legs, **changes)


# 90 on average, the deepest at 80.
DEEP = ladder(("100", "1"), ("80", "1"))


@pytest.mark.parametrize(
    ("side", "leverage", "price"),
    [
        ("long", 1, "0"),
        ("long", 5, "80"),
        ("long", 10, "90"),
        ("short", 1, "160"),
        ("short", 5, "96"),
    ],
)
def test_liquidation_is_where_the_margin_left_is_the_maintenance_margin(
    side: Any, leverage: int, price: str
) -> None:
    maintenance = D(0) if side == "long" else D(25)

    found = liquidation_price(side, D(100), leverage, maintenance)

    assert found == D(price)
    gain = found - 100 if side == "long" else 100 - found
    assert D(100) / leverage + gain == found * maintenance / 100


def test_a_maintenance_margin_brings_a_longs_liquidation_nearer() -> None:
    assert liquidation_price("long", D(39), 2, D("2.5")) == D(20)


@pytest.mark.parametrize(("leverage", "margin"), [(0, "2.5"), (1, "100"), (1, "-1"), (1, "NaN")])
def test_no_liquidation_is_told_by_impossible_terms(leverage: int, margin: str) -> None:
    assert liquidation_price("short", D(100), leverage, D(margin)) is None


def test_the_average_weighs_what_each_stake_holds() -> None:
    stakes = [
        Stake(group_id="g", price=D(100), quantity=D(3)),
        Stake(group_id="g", price=D(80), quantity=D(1)),
    ]
    assert average_price(stakes) == D(95)
    assert average_price([]) is None


def test_the_distance_is_below_zero_where_the_liquidation_comes_first() -> None:
    assert distance_percent("long", D(80), D(60)) == D(25)
    assert distance_percent("long", D(80), D(100)) == D(-25)
    assert distance_percent("short", D(80), D(100)) == D(25)


@pytest.mark.parametrize(("percent", "passes"), [("25", True), ("25.01", False), (None, True)])
def test_liquidation_with_every_leg_filled_keeps_its_distance_from_the_deepest_leg(
    percent: str | None, *, passes: bool
) -> None:
    # 90 x (1 - 1/3) / (1 - 0) = 60, which is 25 % below 80.
    risk = RiskSettings(min_liquidation_distance_percent=D(percent) if percent else None)

    check = line(
        "liquidation_distance", DEEP, risk=risk, leverage=3, maintenance_margin_percent=D(0)
    )

    assert check.passed is passes
    assert D(check.value or "NaN").quantize(D("0.0001")) == D(25)
    assert check.limit == percent


def test_a_short_is_liquidated_above_its_ladder_even_without_leverage() -> None:
    wanted = ladder(("100", "1"), ("120", "1"), side="short")
    # 110 x 2 / 1.1 = 200, two thirds above 120.
    check = line("liquidation_distance", wanted, maintenance_margin_percent=D(10))

    assert check.passed
    assert D(check.value or "NaN").quantize(D("0.01")) == D("66.67")


@pytest.mark.parametrize(
    ("stop", "passes"), [("81", True), ("79", True), ("61", False), ("59", False), (None, True)]
)
def test_a_stop_that_liquidation_could_forestall_fails(stop: str | None, *, passes: bool) -> None:
    check = line(
        "liquidation_distance",
        DEEP,
        leverage=3,
        maintenance_margin_percent=D(0),
        stop_loss=None if stop is None else D(stop),
    )

    assert check.passed is passes, check
    assert (D(check.value or "NaN") < 0) is (stop == "59")


@pytest.mark.parametrize("kind", ["stop_loss_percent", "trailing_stop_percent"])
def test_the_stop_of_the_settings_counts_from_the_average_with_every_leg_filled(kind: str) -> None:
    exits = ExitSettings(**{kind: D(30)})  # type: ignore[arg-type] # one of two fields
    # 30 % below 90 is 63, and 60 is 4.76 % below that.
    check = line(
        "liquidation_distance", DEEP, exits=exits, leverage=3, maintenance_margin_percent=D(0)
    )

    assert D(check.value or "NaN").quantize(D("0.01")) == D("4.76")


def test_the_whole_position_counts_with_its_highest_leverage() -> None:
    other = Stake(group_id="g0", price=D(120), quantity=D(2), leverage=5)
    # (2 x 120 + 100 + 80) / 4 = 105, x 0.8 = 84: before the leg at 80 is reached.
    check = line("liquidation_distance", DEEP, stakes=(other,), maintenance_margin_percent=D(0))

    assert (check.value, check.passed) == ("-5", False)


def test_spot_is_never_liquidated() -> None:
    check = line("liquidation_distance", DEEP, kind="spot", leverage=5)

    assert (check.value, check.limit, check.passed) == ("spot", None, True)


@pytest.mark.parametrize(
    ("free", "known", "passes"),
    [
        ("1000.5", {}, True),
        ("1000.49", {}, False),
        ("200.5", {"leverage": 5}, True),
        ("200.49", {"leverage": 5}, False),
        ("1000.49", {"leverage": 5, "kind": "spot"}, False),
        ("-1", {}, False),
    ],
)
def test_the_margin_with_the_fee_must_be_free(
    free: str, known: dict[str, Any], *, passes: bool
) -> None:
    check = line("free_balance", proposal(reserve="1000"), free_balance=D(free), **known)

    assert check.passed is passes
    assert check.limit == free


def test_a_position_that_stands_at_less_leverage_asks_for_more_margin() -> None:
    standing = Stake(group_id="g0", price=D(100), quantity=D(1), leverage=2)
    check = line("free_balance", proposal(reserve="1000"), leverage=5, stakes=(standing,))

    assert check.value == "500.5"


def test_what_an_entry_reserved_while_it_waited_is_free_for_itself() -> None:
    free = {"free_balance": D(0)}

    own = line("free_balance", proposal(reserve="1000"), "1000", **free)

    assert (own.value, own.limit, own.passed) == ("1000.5", "1000.5", True)
    assert not line("free_balance", proposal(reserve="1000"), "999", **free).passed


@pytest.mark.parametrize(("limit", "passes"), [("10", True), ("9.999", False), (None, True)])
def test_a_leg_may_be_as_large_as_one_order(limit: str | None, *, passes: bool) -> None:
    wanted = proposal(reserve="1000")
    check = line("max_quantity", wanted, max_quantity=None if limit is None else D(limit))

    assert (check.value, check.limit, check.passed) == ("10", limit, passes)


def test_a_leg_that_was_cut_to_one_order_is_judged_by_what_its_capital_would_buy() -> None:
    check = line("max_quantity", ladder(("100", "6"), capital=D(1000)), max_quantity=D(6))

    assert (check.value, check.limit, check.passed) == ("10", "6", False)


@pytest.mark.parametrize(("limit", "passes"), [(24, True), (23, False), (None, True)])
def test_orders_count_with_the_exits_they_will_need(limit: int | None, *, passes: bool) -> None:
    check = line("open_orders", DEEP, orders=20, max_open_orders=limit)

    assert (check.value, check.passed) == ("24", passes)


@pytest.mark.parametrize(
    ("exits", "stop", "orders"),
    [
        ({}, D(70), "4"),
        ({"stop_execution": "resting"}, None, "4"),
        ({"stop_execution": "resting"}, D(70), "5"),
        ({"stop_execution": "resting", "stop_loss_percent": D(5)}, None, "5"),
        ({"stop_execution": "resting", "trailing_stop_percent": D(5)}, None, "5"),
    ],
)
def test_a_stop_that_rests_is_an_order_too(exits: dict[str, Any], stop: Any, orders: str) -> None:
    known = {"exits": ExitSettings(**exits), "stop_loss": stop}

    assert line("open_orders", DEEP, **known).value == orders
    assert line("open_orders", ladder(("100", "1"), index=1), **known).value == "2"


@pytest.mark.parametrize(
    ("side", "prices", "value", "one_sided"),
    [
        ("long", ("100", "80"), "20", "0"),
        ("long", ("103", "98"), "3", "3"),
        ("short", ("100", "120"), "20", "0"),
        ("short", ("96", "101"), "4", "4"),
    ],
)
def test_the_band_is_measured_by_the_leg_farthest_from_the_mark(
    side: Any, prices: tuple[str, str], value: str, one_sided: str
) -> None:
    wanted = ladder(*((price, "1") for price in prices), side=side)
    both = line("price_band", wanted, band_percent=D(value))
    taking = line("price_band", wanted, band_percent=D(value), band_taking_only=True)

    assert (both.value, both.passed) == (value, True)
    assert (taking.value, taking.passed) == (one_sided, True)
    assert not line("price_band", wanted, band_percent=D(value) - D("0.01")).passed


@pytest.mark.parametrize(("limit", "passes"), [("7", True), ("6.9", False), (None, True)])
def test_what_is_held_and_rests_counts_against_the_position_limit(
    limit: str | None, *, passes: bool
) -> None:
    check = line("position_limit", DEEP, position=D(5), position_limit=limit and D(limit))

    assert (check.value, check.limit, check.passed) == ("7", limit, passes)


@pytest.mark.parametrize(("equity", "passes"), [("80.01", True), ("80", False), ("120", True)])
def test_a_drawdown_that_reaches_its_limit_holds_entries_back(equity: str, *, passes: bool) -> None:
    assert line("max_drawdown", DEEP, equity=D(equity), peak=D(100)).passed is passes


@pytest.mark.parametrize(
    ("minutes", "wanted", "value", "passes"),
    [(29, 30, "29", False), (30, 30, "30", True), (1, 0, "1", True), (None, 30, "no loss", True)],
)
def test_a_symbol_cools_down_after_a_loss(
    minutes: int | None, wanted: int, value: str, *, passes: bool
) -> None:
    last = None if minutes is None else NOON - timedelta(minutes=minutes)
    risk = RiskSettings(cooldown_minutes_after_loss=wanted)

    check = line("cooldown", DEEP, risk=risk, last_loss_at=last)

    assert (check.value, check.limit) == (value, str(wanted) if wanted else None)
    assert check.passed is passes


@pytest.mark.parametrize(
    ("realized", "open_loss", "reference", "value"),
    [("-400", "100", "0", "500"), ("-900", "0", "-500", "400"), ("300", "100", "0", "0")],
)
def test_a_days_loss_counts_what_is_open_and_from_where_it_was_reset(
    realized: str, open_loss: str, reference: str, value: str
) -> None:
    loss = DayLoss(realized=D(realized), open_loss=D(open_loss), reference=D(reference))

    check = line("max_daily_loss", DEEP, day_loss=loss)

    assert (check.value, check.limit, check.passed) == (value, "500", value != "500")
