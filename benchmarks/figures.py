"""What a benchmark found: figures, each with the limit that was measured beside it."""

import math
import os
import platform
from collections.abc import Sequence
from typing import Literal

import msgspec

Unit = Literal["ms", "/s"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. `limit` was measured in the same run and has the same unit.

    Milliseconds: less is better, a ratio of 2 takes twice the limit's time. Per second: more
    is better, a ratio of 0.5 reaches half of the limit.
    """

    name: str
    value: float
    unit: Unit
    limit: float | None = None
    limit_name: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure in units of its limit."""
        return None if self.limit is None else self.value / self.limit


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one benchmark, and how long it took."""

    benchmark: str
    title: str
    seconds: float
    figures: tuple[Figure, ...]


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that `share` of all samples do not exceed. Raises ValueError if none."""
    if not samples:
        raise ValueError("there were no samples: let the benchmark run for longer")
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latencies(
    name: str,
    samples: Sequence[float],
    limits: Sequence[float] | None = None,
    limit_name: str = "",
) -> list[Figure]:
    """p50 and p99 in milliseconds of samples in seconds, beside those of the limit."""
    return [
        Figure(
            name=f"{name}, {word}",
            value=percentile(samples, share) * 1000,
            unit="ms",
            limit=None if limits is None else percentile(limits, share) * 1000,
            limit_name=limit_name,
        )
        for word, share in (("p50", 0.5), ("p99", 0.99))
    ]


def rate(name: str, count: int, seconds: float, limit: tuple[str, float] | None = None) -> Figure:
    """How many a second, beside a limit as (name, how many a second)."""
    return Figure(
        name=name,
        value=count / seconds,
        unit="/s",
        limit=limit[1] if limit else None,
        limit_name=limit[0] if limit else "",
    )


def machine(server_version: str) -> str:
    """What it was measured on, and how busy that was before the run began."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()} {platform.machine()},"
        f" Python {platform.python_version()}, Postgres {server_version},"
        f" load before the run {load}"
    )


def table(result: Result) -> str:
    """One benchmark's figures as aligned text."""
    header = ("figure", "value", "ratio", "limit", "")
    rows = [header, *(_row(figure) for figure in result.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [f"{result.benchmark}: {result.title} ({result.seconds:.0f} s)"]
    lines += [
        "  "
        + "  ".join(
            cell.rjust(width) if 0 < column < len(header) - 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    if figure.limit is None or figure.ratio is None:
        return (figure.name, _shown(figure.value, figure.unit), "", "", "")
    return (
        figure.name,
        _shown(figure.value, figure.unit),
        f"{figure.ratio:.2f}",
        _shown(figure.limit, figure.unit),
        figure.limit_name,
    )


def _shown(value: float, unit: Unit) -> str:
    if unit == "/s":
        return f"{value:,.0f} /s"
    return f"{value:,.2f} ms" if value < 1000 else f"{value:,.0f} ms"
