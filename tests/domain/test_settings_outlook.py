"""What settings may come to: warned of where a full group passes a limit of all capital."""

import json

from domain.settings_document import parse_settings
from domain.settings_outlook import outlook_of
from domain.settings_rules import validate, warnings


def test_a_full_group_above_the_limit_of_all_capital_is_warned_of() -> None:
    settings = parse_settings('{"capital": {"pyramid_capital": "full", "group_budget": "10001"}}')

    assert [problem.value for problem in warnings(settings)] == ["50005 for one full group"]


def test_a_full_group_over_the_limit_of_its_symbol_is_warned_of_by_its_override() -> None:
    document = {
        "risk": {"max_committed_capital_per_symbol": "6000"},
        "overrides": [
            {"symbol": "ETH/USDT:USDT", "grid": {"max_pyramids": 2}},
            {"symbol": "BTC/USDT:USDT", "capital": {"group_budget": "6001"}},
        ],
    }

    (problem,) = warnings(parse_settings(json.dumps(document)))

    assert problem.field == "overrides[1].capital.group_budget"
    assert problem.remedy == (
        "the gate will deny above risk.max_committed_capital_per_symbol, 6000"
    )


def test_a_ladder_may_reach_just_short_of_the_whole_price() -> None:
    settings = parse_settings('{"grid": {"generator": {"gap_percent": "-24.99"}}}')

    assert validate(settings) == ()


def test_the_outlook_tells_worst_cases_first_and_warnings_after_them() -> None:
    wide = '{"capital": {"pyramid_capital": "full", "group_budget": "10001"}}'

    told = list(outlook_of(parse_settings(wide)).told())

    assert told[0] == "any symbol: a full group commits at most 50005 USDT, 10 of them 500050 USDT"
    assert told[-1].startswith("warning: capital.group_budget was 50005 for one full group: ")
