"""How figures are set on a page: grouped, signed, aligned, and never rounded where it is money."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from domain.money import ZERO, plain

ABSENT: Final = "—"
MINUS: Final = "−"
_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def money(value: Decimal | None, places: int = 2) -> str:
    """`1,234.50`: an amount in the capital currency, shown to the cent."""
    return ABSENT if value is None else _typeset(_rounded(value, places))


def signed(value: Decimal | None, places: int = 2) -> str:
    """`+1,234.50` or `−3.20`: readable without colour."""
    if value is None:
        return ABSENT
    rounded = _rounded(value, places)
    return ("+" if rounded > ZERO else "") + _typeset(rounded)


def percent(value: Decimal | None, places: int = 2) -> str:
    """`+1.25 %`, signed."""
    return ABSENT if value is None else f"{signed(value, places)} %"


def share(value: Decimal | None, places: int = 1) -> str:
    """`62.5 %`, unsigned."""
    return ABSENT if value is None else f"{_typeset(_rounded(value, places))} %"


def exact(value: Decimal | None) -> str:
    """A price or quantity with every digit it has, grouped."""
    return ABSENT if value is None else _typeset(Decimal(plain(value)))


def short(value: Decimal | None) -> str:
    """A figure with its digits, but no more than two after the point."""
    return ABSENT if value is None else _typeset(Decimal(plain(_rounded(value, 2))))


def number(value: Decimal) -> str:
    """A figure as it is typed into a form: every digit, no grouping."""
    return plain(value)


def price(value: Decimal | None) -> str:
    """A price to read: at most eight significant digits after which nothing is tradable."""
    if value is None:
        return ABSENT
    places = max(2, 7 - value.adjusted()) if value else 2
    return exact(_rounded(value, min(places, 10)))


def trend(value: Decimal | None) -> str:
    """The class of a figure: `up`, `down` or `flat`."""
    if value is None or value == ZERO:
        return "flat"
    return "up" if value > ZERO else "down"


def bar(value: Decimal | None) -> str:
    """A percentage as the length of a bar, 0 to 100."""
    if value is None:
        return "0"
    return plain(_rounded(min(max(value, ZERO), Decimal(100)), 1))


def stamp(moment: datetime | None) -> str:
    """`2026-01-05 12:00:00`: UTC, to the second."""
    return ABSENT if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: datetime | None) -> str:
    """For machines: the whole moment in UTC."""
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def age(moment: datetime | None, now: datetime) -> str:
    """`12 s`, `3 min`, `2 h`, `5 d`: how long ago."""
    if moment is None:
        return "never"
    return span(int((now - moment).total_seconds()))


def span(seconds: int) -> str:
    """A duration in its largest unit."""
    seconds = max(0, seconds)
    for size, unit in _SECONDS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


def words(name: str) -> str:
    """`DCA_ACTIVE` as `dca active`; what is a sentence already stays as written."""
    return name if " " in name else name.replace("_", " ").lower()


def sentence(text: str) -> str:
    """A reason as a sentence begins. Symbols and names of settings keep their case."""
    first = text.partition(" ")[0]
    return text if "." in first or "_" in first else text[:1].upper() + text[1:]


def until(moment: datetime | None, now: datetime) -> str:
    """`in 12 min`, or `due` from then on."""
    if moment is None:
        return ABSENT
    seconds = int((moment - now).total_seconds())
    return f"in {span(seconds)}" if seconds > 0 else "due"


def ranking(part: str) -> str:
    """`deepest_loss=-0.0718252…` as `deepest loss −0.07 %`: what one queue rule gave, to read.

    What is not of the form `rule=value` is shown as it was written.
    """
    rule, divider, value = part.partition("=")
    if not divider:
        return part
    return f"{words(rule)} {_PERCENT_RULES.get(rule, _ranked)(value)}"


def indented(document: str) -> str:
    """A JSON document, one field a line. Its numbers keep every digit they were written with."""
    return msgspec.json.format(document, indent=2)


def _ranked(value: str) -> str:
    return {"true": "yes", "false": "no"}.get(value, value)


def _ranked_percent(value: str) -> str:
    return value if value == "unknown" else percent(Decimal(value))


_PERCENT_RULES: Final = {"deepest_loss": _ranked_percent, "expected_profit": _ranked_percent}


def _rounded(value: Decimal, places: int) -> Decimal:
    if not value.is_finite():
        return ZERO
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    # A loss of a tenth of a cent would read `−0.00`.
    return rounded or abs(rounded)


def _typeset(value: Decimal) -> str:
    return f"{value:,f}".replace("-", MINUS)
