"""Ladders by formula: rungs that lie evenly, ever farther apart, or that double on the way."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal, localcontext

from domain.money import DECISION_CONTEXT, HUNDRED, ONE, ZERO, canonical
from domain.settings import GeneratorSettings, GridSettings, LegSettings, Progression

# A weight is cut to as many decimals as the settings document allows anybody to write.
WEIGHT_UNIT = Decimal("0.000000000001")


def ladder_of(grid: GridSettings, index: int) -> tuple[LegSettings, ...]:
    """The legs of pyramid `index`: its own, else the generator's, else those of the grid."""
    own = grid.pyramid_legs.get(index)
    if own is not None:
        return own
    return generated(grid.generator) if grid.generator is not None else grid.legs


def generated(generator: GeneratorSettings) -> tuple[LegSettings, ...]:
    """The rungs a generator stands for. Their weights sum to exactly 100.

    Weights are cut upwards and the last takes the remainder, so that a share that buys whole
    steps exactly never loses one to the cut, except the last.
    """
    with localcontext(DECISION_CONTEXT, rounding=ROUND_CEILING):
        gaps, sizes = tuple(_gaps(generator)), tuple(_sizes(generator))
        total = sum(sizes, ZERO)
        weights = [(size * HUNDRED / total).quantize(WEIGHT_UNIT) for size in sizes[:-1]]
        weights.append(HUNDRED - sum(weights, ZERO))
    return tuple(
        LegSettings(
            gap_percent=canonical(gap),
            weight_percent=canonical(weight),
            take_profit_percent=generator.take_profit_percent,
        )
        for gap, weight in zip(gaps, weights, strict=True)
    )


def _gaps(generator: GeneratorSettings) -> Iterator[Decimal]:
    """The first rung lies at the entry price, each further one a step below the one before."""
    gap = ZERO
    yield gap
    change = -generator.gap_step if generator.gaps == "arithmetic" else generator.gap_step
    first = generator.gap_percent
    for step in _progression(generator.gaps, first, change, generator.legs - 1):
        gap += step
        yield gap


def _sizes(generator: GeneratorSettings) -> Iterator[Decimal]:
    return _progression(generator.sizes, ONE, generator.size_step, generator.legs)


def _progression(
    kind: Progression, first: Decimal, change: Decimal, count: int
) -> Iterator[Decimal]:
    """`count` terms, each like the one before, `change` more than it, or `change` times it."""
    term = first
    for _ in range(count):
        yield term
        if kind == "arithmetic":
            term += change
        elif kind == "geometric":
            term *= change
