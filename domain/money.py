"""Exact decimal arithmetic: one context for every decision, rounding only where a venue asks."""

import re
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
)

_NEEDLESS_ZEROS = re.compile(r"\.?0*\Z")

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)

# Entered by the engine around every decision and by replay, so that a host's own context
# can change nothing. 34 digits are those of IEEE 754 decimal128.
DECISION_CONTEXT = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, Clamped, FloatOperation],
)


def round_down(value: Decimal, unit: Decimal) -> Decimal:
    """The largest multiple of `unit` that is not above `value`."""
    return canonical((value / unit).to_integral_value(ROUND_FLOOR) * unit)


def round_up(value: Decimal, unit: Decimal) -> Decimal:
    """The smallest multiple of `unit` that is not below `value`."""
    return canonical((value / unit).to_integral_value(ROUND_CEILING) * unit)


def percent_of(value: Decimal, percent: Decimal) -> Decimal:
    """`percent` % of `value`; 1.5 means 1.5 %."""
    return value * percent / HUNDRED


def plain(value: Decimal) -> str:
    """Every digit and none too many, whatever the ambient precision: `0.001`, `1200`, `0`."""
    text = format(value, "f")
    shortest = _NEEDLESS_ZEROS.sub("", text) if "." in text else text
    return "0" if shortest in ("-0", "") else shortest


def canonical(value: Decimal) -> Decimal:
    """Without trailing zeros or an exponent, so that equal amounts have equal bytes."""
    return Decimal(plain(value))
