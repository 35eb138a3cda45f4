"""Chart timeframes, so that `60`, `1H` and `1h` name the same bars."""

import re

_WRITTEN = re.compile(r"(?P<count>[0-9]{0,4})(?P<unit>[smhdwSMHDW]?)")
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 1440
_SECONDS_PER_MINUTE = 60
_COUNT_MAX = 9999


def normalize_timeframe(text: str) -> str | None:
    """The one way to write a timeframe, or None if `text` names none.

    It is TradingView's own: minutes as a bare number (`15`, `60`, `240`), else a count with
    its unit: `30S`, `1D`, `1W`, `1M`. Only `m` is a minute and only `M` a month; the other
    units may be written in either case. A day of minutes is `1D`, a minute of seconds is `1`.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or not match.group():
        return None

    count = int(match["count"] or 1)
    unit = match["unit"] if match["unit"] in {"m", "M"} else match["unit"].upper()

    if count == 0:
        return None
    if unit == "S":
        return _of_seconds(count)
    if unit == "H":
        return _of_minutes(count * _MINUTES_PER_HOUR)
    if unit in {"", "m"}:
        return _of_minutes(count)
    return f"{count}{unit}"


def _of_seconds(count: int) -> str | None:
    """Whole minutes become minutes, so that `60S` and `1` are the same bars."""
    if count % _SECONDS_PER_MINUTE == 0:
        return _of_minutes(count // _SECONDS_PER_MINUTE)
    return f"{count}S"


def _of_minutes(count: int) -> str | None:
    """Crypto never closes, so 1440 minutes and one day are the same bars."""
    if count % _MINUTES_PER_DAY == 0:
        return f"{count // _MINUTES_PER_DAY}D"
    return str(count) if count <= _COUNT_MAX else None
