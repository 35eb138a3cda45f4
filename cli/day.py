"""A UTC day as it is written on the command line."""

from datetime import date


def parse_day(option: str, text: str) -> date:
    """The day, written in full and in one way only, since files and streams are named by it.

    Raises ValueError naming the option, its value and the form.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"{option} was {text!r}: write a day of the calendar as 2026-01-05")
    return day
