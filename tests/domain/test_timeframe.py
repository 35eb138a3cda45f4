"""Timeframes: many ways to write the same bars, one to keep them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.timeframe import normalize_timeframe


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("60", "60"),
        ("1H", "60"),
        ("1h", "60"),
        ("H", "60"),
        ("60m", "60"),
        ("4h", "240"),
        ("D", "1D"),
        ("1D", "1D"),
        ("1440", "1D"),
        ("24H", "1D"),
        ("30S", "30S"),
        ("60s", "1"),
        ("S", "1S"),
        ("W", "1W"),
        ("M", "1M"),
        ("1W", "1W"),
        ("1w", "1W"),
        ("3M", "3M"),
        ("1m", "1"),
        ("1d", "1D"),
        ("D ", "1D"),
        ("2880", "2D"),
        ("120S", "2"),
        ("90S", "90S"),
        ("5s", "5S"),
        (" 15 ", "15"),
    ],
)
def test_a_timeframe_has_one_canonical_form(written: str, canonical: str) -> None:
    assert normalize_timeframe(written) == canonical


@pytest.mark.parametrize(
    "written",
    ["", "0", "0H", "fast", "100R", "1.5", "-5", "2000H", "12345", "{{interval}}", "\u0661"],
)
def test_what_names_no_timeframe_is_none(written: str) -> None:
    assert normalize_timeframe(written) is None


@given(st.text("0123456789smhdwSMHDW", max_size=6))
def test_normalizing_a_timeframe_twice_changes_nothing(written: str) -> None:
    canonical = normalize_timeframe(written)

    if canonical is not None:
        assert normalize_timeframe(canonical) == canonical
