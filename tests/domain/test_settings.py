"""The settings document: its defaults, its refusals and what of it binds a group."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settings import (
    CapitalPatch,
    CapitalSettings,
    ExitSettings,
    ExitsPatch,
    GridPatch,
    GridSettings,
    Override,
    Settings,
    resolve,
)
from domain.settings_document import (
    SettingsRefused,
    parse_settings,
    render_settings,
    settings_hash,
)
from domain.settings_rules import validate, warnings

SPECIFIED = """
{"pool":    {"max_open_groups": 10, "pyramids_need_slot": false},
 "queue":   {"limit": null, "max_age_minutes": 1440,
             "rules": ["continuation", "deepest_loss", "replacements", "oldest"],
             "replace": true, "anchor": "better"},
 "signals": {"max_age_seconds": 300, "duplicate_window_seconds": 20, "opposite": "queue",
             "source_allow_list": [], "allow_stop_loss": false},
 "grid":    {"legs": [
               {"gap_percent": "0",    "weight_percent": "20", "take_profit_percent": "1"},
               {"gap_percent": "-0.5", "weight_percent": "20", "take_profit_percent": "0.5"},
               {"gap_percent": "-1",   "weight_percent": "20", "take_profit_percent": "2"},
               {"gap_percent": "-1.5", "weight_percent": "20", "take_profit_percent": "1.5"},
               {"gap_percent": "-2",   "weight_percent": "20", "take_profit_percent": "1"}],
             "generator": null, "pyramid_legs": {}, "max_pyramids": 5, "entry_order": "limit",
             "post_only": false, "undersized_leg": "skip",
             "cancel_dca_beyond_percent": null, "unfilled_minutes": 240},
 "exits":   {"mode": "per_leg", "take_profit_percent": "1", "pyramid_targets": {},
             "execution": "resting", "close_when_flat": true, "coalesce_ms": 500,
             "stop_loss_percent": null, "trailing_stop_percent": null,
             "trailing_step_percent": "0.1", "stop_execution": "watch",
             "max_slippage_percent": "1"},
 "capital": {"currency": "USDT", "allocation": null, "group_budget_rule": "fixed",
             "group_budget": "5000", "pyramid_capital": "split", "leverage": 1,
             "margin_mode": "isolated", "hedge_mode": false},
 "risk":    {"max_open_groups_per_symbol": null, "max_committed_capital": "50000",
             "max_committed_capital_per_symbol": null, "max_leverage": 5,
             "max_daily_loss": "500", "daily_loss_includes_open": false,
             "breaker_dca": "cancel", "max_drawdown_percent": "20",
             "max_mark_age_seconds": 30, "max_entry_deviation_percent": "5",
             "cooldown_minutes_after_loss": 0, "symbols_allowed": [],
             "min_liquidation_distance_percent": "10", "stale_seconds": 60,
             "countdown_seconds": null, "countdown_with_positions": false,
             "offset": {"enabled": true, "require_full_pyramids": true,
                        "required_pyramids": 5, "timer_start": "pyramids_full",
                        "post_full_wait_minutes": 60, "reset_timer_on_replacement": false,
                        "loss_threshold_percent": "-5", "min_age_minutes": null,
                        "max_winners": 3, "partial_cover": "abort",
                        "min_close_notional": "20", "evaluate_seconds": 10}},
 "precision": {"refresh_seconds": 3600, "on_missing": "wait", "wait_seconds": 300,
               "fallback": null},
 "overrides": [{"symbol": "BTC/USDT:USDT", "timeframe": "15",
                "grid": {}, "exits": {}, "capital": {}}]}
"""


def refused_fields(document: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(SettingsRefused) as refusal:
        parse_settings(json.dumps(document))
    return tuple(problem.field for problem in refusal.value.problems)


def parsed_or_refused(text: str) -> Settings | None:
    try:
        return parse_settings(text)
    except SettingsRefused:
        return None


def leg(gap: str = "0", weight: str = "100", target: str = "1") -> dict[str, str]:
    return {"gap_percent": gap, "weight_percent": weight, "take_profit_percent": target}


def test_an_empty_document_is_the_specified_document() -> None:
    specified = parse_settings(SPECIFIED)

    assert msgspec.structs.replace(specified, overrides=()) == Settings() == parse_settings("{}")
    assert specified.overrides == (Override(symbol="BTC/USDT:USDT", timeframe="15"),)


def test_the_defaults_are_valid_and_raise_no_warning() -> None:
    assert validate(Settings()) == ()
    assert warnings(Settings()) == ()


def test_a_rendered_document_parses_to_the_same_settings() -> None:
    settings = parse_settings(SPECIFIED)

    assert parse_settings(render_settings(settings)) == settings
    assert render_settings(settings) == render_settings(parse_settings(render_settings(settings)))


def test_amounts_are_read_exactly_from_strings_and_from_numbers() -> None:
    written = parse_settings('{"capital": {"group_budget": "1234.567890123"}}')
    number = parse_settings('{"capital": {"group_budget": 1234.567890123}}')

    assert written.capital.group_budget == Decimal("1234.567890123")
    assert number == written


def test_the_hash_depends_on_values_and_not_on_how_they_are_written() -> None:
    short = parse_settings('{"capital": {"group_budget": "1.5"}}')
    long = parse_settings('{"capital": {"group_budget": "1.50"}}')

    assert settings_hash(short) == settings_hash(long) != settings_hash(Settings())


def test_unknown_keys_are_refused_by_name_with_the_nearest_known_one() -> None:
    with pytest.raises(SettingsRefused) as refusal:
        parse_settings('{"pol": {}, "risk": {"offset": {"enable": true}}}')

    first, second = refusal.value.problems
    assert (first.field, second.field) == ("pol", "risk.offset.enable")
    assert "pool" in first.remedy
    assert "enabled" in second.remedy


def test_every_problem_of_a_document_is_named_at_once() -> None:
    fields = refused_fields(
        {
            "pool": {"max_open_groups": 0},
            "queue": {"rules": ["luck"]},
            "grid": {"max_pyramids": True},
            "capital": {"leverage": 9, "margin_mode": "shared"},
            "risk": {"max_drawdown_percent": "101"},
        }
    )

    assert fields == (
        "queue.rules[0]",
        "grid.max_pyramids",
        "capital.margin_mode",
        "pool.max_open_groups",
        "risk.max_drawdown_percent",
        "capital.leverage",
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "nope", "null", "[" * 100_000, '{"a":1e99999999999999999999}', b"\xff"]
)
def test_what_is_no_document_is_refused_as_a_whole(text: str | bytes) -> None:
    with pytest.raises(SettingsRefused) as refusal:
        parse_settings(text)

    assert [problem.field for problem in refusal.value.problems] == ["document"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1E+30", "1E-30", "1E+9999999"])
def test_numbers_that_cannot_be_counted_exactly_are_refused(number: str) -> None:
    assert refused_fields({"capital": {"group_budget": number}}) == ("capital.group_budget",)


@pytest.mark.parametrize(
    ("legs", "field"),
    [
        ([], "grid.legs"),
        ([leg(weight="12.5")] * 8, "grid.legs"),
        ([leg(weight="50"), leg(weight="49.98")], "grid.legs"),
        ([leg(gap="0.1")], "grid.legs[0].gap_percent"),
        ([leg(gap="-100")], "grid.legs[0].gap_percent"),
        ([leg(target="0")], "grid.legs[0].take_profit_percent"),
        ([leg(), leg(weight="0")], "grid.legs[1].weight_percent"),
        ([{"gap_percent": "0", "weight_percent": "100"}], "grid.legs[0].take_profit_percent"),
    ],
)
def test_a_ladder_that_breaks_a_rule_is_refused(legs: list[dict[str, str]], field: str) -> None:
    assert refused_fields({"grid": {"legs": legs}}) == (field,)


def test_weights_may_miss_100_by_a_hundredth() -> None:
    thirds = [leg(weight="33.33")] * 3

    assert len(parse_settings(json.dumps({"grid": {"legs": thirds}})).grid.legs) == 3


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"queue": {"rules": []}}, "queue.rules"),
        ({"queue": {"rules": ["oldest", "oldest"]}}, "queue.rules[1]"),
        ({"signals": {"source_allow_list": ["moon"]}}, "signals.source_allow_list[0]"),
        ({"risk": {"symbols_allowed": ["BTCUSDT"]}}, "risk.symbols_allowed[0]"),
        (
            {"risk": {"offset": {"loss_threshold_percent": "5"}}},
            "risk.offset.loss_threshold_percent",
        ),
        ({"precision": {"on_missing": "fallback"}}, "precision.fallback"),
        ({"grid": {"pyramid_legs": {"5": [leg()]}}}, "grid.pyramid_legs.5"),
        ({"grid": {"pyramid_legs": {"first": [leg()]}}}, "grid.pyramid_legs.first"),
        ({"grid": {"generator": {"legs": 8}}}, "grid.generator.legs"),
        ({"grid": {"generator": {"legs": 10**9}}}, "grid.generator.legs"),
        ({"grid": {"generator": {"gap_percent": "-100"}}}, "grid.generator.gap_percent"),
        ({"grid": {"generator": {"gap_percent": "1"}}}, "grid.generator.gap_percent"),
        ({"grid": {"generator": {"gap_percent": "-25"}}}, "grid.generator"),
        (
            {"grid": {"generator": {"gap_percent": "-1", "gaps": "geometric", "gap_step": "5"}}},
            "grid.generator",
        ),
        ({"grid": {"generator": {"gaps": "arithmetic", "gap_step": "20"}}}, "grid.generator"),
        (
            {"grid": {"generator": {"legs": 7, "sizes": "geometric", "size_step": "0.001"}}},
            "grid.generator.size_step",
        ),
        ({"exits": {"pyramid_targets": {"0": "-1"}}}, "exits.pyramid_targets.0"),
        ({"exits": {"trailing_stop_percent": "0.05"}}, "exits.trailing_step_percent"),
        ({"capital": {"pyramid_capital": ["1", "2"]}}, "capital.pyramid_capital"),
        ({"capital": {"pyramid_capital": "all"}}, "capital.pyramid_capital"),
        ({"capital": {"currency": "usdt"}}, "capital.currency"),
        ({"capital": {"group_budget": "0"}}, "capital.group_budget"),
        ({"risk": None}, "risk"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_by_its_field(
    document: dict[str, Any], field: str
) -> None:
    assert refused_fields(document) == (field,)


def test_null_turns_a_limit_off() -> None:
    settings = parse_settings('{"risk": {"max_daily_loss": null, "max_leverage": null}}')

    assert settings.risk.max_daily_loss is None
    assert settings.risk.max_leverage is None


def test_what_may_not_be_null_is_refused_as_null() -> None:
    assert refused_fields({"capital": {"group_budget": None}}) == ("capital.group_budget",)


@pytest.mark.parametrize("key", ["hedge_mode", "currency", "allocation"])
def test_what_an_account_has_once_is_not_overridable(key: str) -> None:
    override = {"symbol": "BTC/USDT", "capital": {key: None}}

    assert refused_fields({"overrides": [override]}) == (f"overrides[0].capital.{key}",)


def test_leverage_is_overridable_for_a_symbol_but_not_for_one_timeframe() -> None:
    whole = {"symbol": "BTC/USDT:USDT", "capital": {"leverage": 3}}
    part = {**whole, "timeframe": "15"}

    bound = resolve(parse_settings(json.dumps({"overrides": [whole]})), "BTC/USDT:USDT", "15")
    assert bound.capital.leverage == 3
    assert refused_fields({"overrides": [part]}) == ("overrides[0].capital.leverage",)


def test_an_override_is_judged_as_it_will_apply() -> None:
    overrides = [
        {"symbol": "BTC/USDT", "capital": {"leverage": 6}},
        {"symbol": "ETH/USDT", "timeframe": "fast"},
        {"symbol": "ETHUSDT"},
    ]

    assert refused_fields({"overrides": overrides}) == (
        "overrides[0].capital.leverage",
        "overrides[1].timeframe",
        "overrides[2].symbol",
    )


def test_the_same_override_twice_is_refused_however_its_timeframe_is_written() -> None:
    twice = [{"symbol": "BTC/USDT", "timeframe": text} for text in ("60", "1h")]

    assert refused_fields({"overrides": twice}) == ("overrides[1]",)


def test_timeframes_of_overrides_are_normalized() -> None:
    settings = parse_settings('{"overrides": [{"symbol": "BTC/USDT", "timeframe": "4H"}]}')

    assert settings.overrides[0].timeframe == "240"


def test_the_most_specific_value_binds_a_group() -> None:
    settings = Settings(
        overrides=(
            Override(
                symbol="BTC/USDT",
                timeframe="60",
                grid=GridPatch(unfilled_minutes=None),
                capital=CapitalPatch(group_budget=Decimal(300)),
            ),
            Override(
                symbol="BTC/USDT",
                grid=GridPatch(max_pyramids=2, unfilled_minutes=30),
                capital=CapitalPatch(group_budget=Decimal(200)),
            ),
        )
    )

    hourly = resolve(settings, "BTC/USDT", "1h")
    daily = resolve(settings, "BTC/USDT", "D")
    other = resolve(settings, "ETH/USDT", "60")

    assert (hourly.grid.max_pyramids, hourly.grid.unfilled_minutes) == (2, None)
    assert (daily.grid.max_pyramids, daily.grid.unfilled_minutes) == (2, 30)
    assert hourly.capital.group_budget == Decimal(300)
    assert daily.capital.group_budget == Decimal(200)
    assert (other.grid, other.exits, other.capital) == (
        settings.grid,
        settings.exits,
        settings.capital,
    )


def test_overrides_merge_objects_by_key_and_replace_lists_whole() -> None:
    short = parse_settings(json.dumps({"grid": {"legs": [leg()]}})).grid.legs
    settings = Settings(
        exits=ExitSettings(pyramid_targets={0: Decimal(1), 1: Decimal(2)}),
        overrides=(
            Override(
                symbol="BTC/USDT",
                grid=GridPatch(legs=short),
                exits=ExitsPatch(pyramid_targets={1: Decimal(9)}),
            ),
        ),
    )

    bound = resolve(settings, "BTC/USDT", None)

    assert bound.grid.legs == short
    assert bound.exits.pyramid_targets == {0: Decimal(1), 1: Decimal(9)}


def test_an_override_knows_every_key_of_what_it_overrides() -> None:
    assert GridPatch.__struct_fields__ == GridSettings.__struct_fields__
    assert ExitsPatch.__struct_fields__ == ExitSettings.__struct_fields__
    kept = {"currency", "allocation", "hedge_mode"}
    assert {*CapitalPatch.__struct_fields__} == {*CapitalSettings.__struct_fields__} - kept


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    section=st.sampled_from(Settings.__struct_fields__),
    key=st.sampled_from(
        [*GridSettings.__struct_fields__, *CapitalSettings.__struct_fields__, "rules", "offset"]
    ),
    value=JSON_VALUES,
)
def test_any_document_is_read_or_refused_and_never_raises_otherwise(
    section: str, key: str, value: object
) -> None:
    text = json.dumps({section: {key: value}})

    settings = parsed_or_refused(text)

    if settings is not None:
        assert parse_settings(render_settings(settings)) == settings
