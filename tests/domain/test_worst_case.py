"""The most a full group commits under some settings, and as many as there are slots."""

import json
from decimal import Decimal
from typing import Any

import pytest

from domain.settings_document import parse_settings
from domain.worst_case import WorstCase, worst_cases

D = Decimal


def cases(**document: Any) -> list[tuple[Decimal, int, Decimal, bool]]:
    found = worst_cases(parse_settings(json.dumps(document))).cases
    return [(case.group, case.slots, case.all_groups, case.of_equity) for case in found]


@pytest.mark.parametrize(
    ("capital", "group", "every"),
    [
        ({"pyramid_capital": "split"}, "5000", "50000"),
        ({"pyramid_capital": "full"}, "25000", "250000"),
        ({"pyramid_capital": ["1", "2", "3", "4", "5.5"]}, "15.5", "155"),
    ],
)
def test_an_amount_counts_once_if_split_and_for_each_pyramid_if_full(
    capital: Any, group: str, every: str
) -> None:
    assert cases(capital=capital) == [(D(group), 10, D(every), False)]


def test_a_share_of_the_equity_is_told_in_percent_of_it() -> None:
    share = {"group_budget_rule": "equity_share"}

    assert cases(capital=share) == [(D(10), 10, D(100), True)]
    assert cases(capital={**share, "pyramid_capital": "full"}) == [(D(50), 10, D(500), True)]
    # A third is told a little too high rather than too low.
    assert cases(capital=share, pool={"max_open_groups": 3}) == [(D("33.34"), 3, D(100), True)]


def test_a_list_of_amounts_is_no_share_whatever_the_rule() -> None:
    capital = {"group_budget_rule": "equity_share", "pyramid_capital": ["10"] * 5}

    assert cases(capital=capital) == [(D(50), 10, D(500), False)]


def test_each_override_has_its_own_within_the_slots_of_its_symbol() -> None:
    override = {"symbol": "BTC/USDT:USDT", "capital": {"group_budget": "100"}}
    found = cases(risk={"max_open_groups_per_symbol": 2}, overrides=[override])

    assert found == [(D(5000), 10, D(50000), False), (D(100), 2, D(200), False)]


def test_it_is_told_in_words_beside_the_limit() -> None:
    override = {"symbol": "BTC/USDT:USDT", "timeframe": "15", "grid": {"max_pyramids": 2}}
    document = {"capital": {"pyramid_capital": "full"}, "overrides": [override]}

    assert list(worst_cases(parse_settings(json.dumps(document))).told()) == [
        "any symbol: a full group commits at most 25000 USDT, 10 of them 250000 USDT",
        "BTC/USDT:USDT on 15: a full group commits at most 10000 USDT, 10 of them 100000 USDT",
        "the gate allows 50000 as committed capital in all (risk.max_committed_capital)",
    ]
    unlimited = worst_cases(parse_settings('{"risk": {"max_committed_capital": null}}'))
    assert list(unlimited.told())[-1].startswith("nothing limits committed capital in all")


def test_the_default_is_about_any_symbol() -> None:
    (default,) = worst_cases(parse_settings("{}")).cases

    assert default == WorstCase(
        symbol=None,
        timeframe=None,
        group=D(5000),
        slots=10,
        all_groups=D(50000),
        of_equity=False,
    )
