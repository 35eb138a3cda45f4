"""Market rules that are missing: nothing is rounded by them, and others may stand in."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain.instrument import completed, round_price, round_quantity
from domain.settings import FallbackRules
from tests.domain.test_grid import BTC

D = Decimal
RULES = FallbackRules(tick=D(1), step=D("0.1"), min_quantity=D("0.1"), min_notional=D(2))


def test_a_market_is_complete_with_a_tick_and_a_step() -> None:
    assert BTC.is_complete
    assert not msgspec.structs.replace(BTC, tick=D(0)).is_complete
    assert not msgspec.structs.replace(BTC, step=D(0)).is_complete


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ({"tick": D(0)}, (D(1), D("0.001"))),
        ({"step": D(0)}, (D("0.1"), D("0.1"))),
        ({"tick": D(0), "step": D(0)}, (D(1), D("0.1"))),
    ],
)
def test_only_what_is_missing_is_taken_from_the_fallback(missing: Any, expected: Any) -> None:
    found = completed(msgspec.structs.replace(BTC, **missing), RULES)

    assert (found.tick, found.step) == expected
    assert (found.fallback, found.is_complete) == (True, True)


def test_of_two_minimums_the_larger_holds() -> None:
    found = completed(msgspec.structs.replace(BTC, tick=D(0)), RULES)

    assert (found.min_quantity, found.min_notional) == (D("0.1"), D(5))


def test_a_complete_market_keeps_its_own_rules() -> None:
    assert completed(BTC, RULES) == BTC


def test_without_a_rule_to_round_by_a_figure_stays_as_it_is() -> None:
    unknown = msgspec.structs.replace(BTC, tick=D(0), step=D(0))

    assert round_price(unknown, D("1.23456"), "sell") == D("1.23456")
    assert round_quantity(unknown, D("0.0001234")) == D("0.0001234")
