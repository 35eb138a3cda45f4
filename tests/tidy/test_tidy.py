"""What the style asks of the whole tree, as far as a rule can say it."""

from collections.abc import Callable

import pytest

from tests.tidy.aggregates import disorder, is_aggregate
from tests.tidy.determinism import CLOCK_FILE, clock_reads, impurities
from tests.tidy.shape import (
    banners,
    careless_structs,
    fixed_sleeps,
    misnamed_events,
    mocks,
    nameless_module,
    oversized,
    swallowed_errors,
    unfinished,
)
from tests.tidy.sources import ROOMS, Source, tree_of

HOUSE = tree_of(*ROOMS)
TESTS = tree_of("tests")
DECISIONS = [
    source for source in HOUSE if source.path.startswith(("domain/", "application/processes/"))
]


def breaches(rule: Callable[[Source], list[str]], sources: list[Source]) -> list[str]:
    return [breach for source in sources for breach in rule(source)]


def none_of(found: list[str]) -> None:
    """All breaches, a line each, in the report of the failure."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_decisions_are_pure() -> None:
    none_of(breaches(impurities, DECISIONS))


def test_one_file_reads_the_clock() -> None:
    others = [source for source in HOUSE if source.path != CLOCK_FILE]
    none_of(breaches(clock_reads, others))
    [clock] = [source for source in HOUSE if source.path == CLOCK_FILE]
    assert clock_reads(clock) != []


def test_modules_and_functions_are_short() -> None:
    none_of(breaches(oversized, [*HOUSE, *TESTS]))


def test_every_module_is_named_after_a_noun() -> None:
    none_of(breaches(nameless_module, [*HOUSE, *TESTS]))


def test_every_struct_says_that_it_is_frozen_and_takes_keywords_only() -> None:
    none_of(careless_structs(HOUSE))


def test_every_event_has_a_name_of_its_own() -> None:
    none_of(misnamed_events(HOUSE))


def test_aggregates_have_one_inner_order_and_closed_matches() -> None:
    none_of(disorder(HOUSE))
    assert [source.path for source in HOUSE if is_aggregate(source)] != []


@pytest.mark.parametrize("rule", [unfinished, banners, swallowed_errors])
def test_nothing_is_unfinished_adorned_or_swallowed(rule: Callable[[Source], list[str]]) -> None:
    none_of(breaches(rule, [*HOUSE, *TESTS, *tree_of("migrations", "benchmarks")]))


def test_stubs_of_domain_and_application_are_written_by_hand() -> None:
    inner = [source for source in TESTS if source.path.startswith(("tests/domain", "tests/applic"))]
    none_of(breaches(mocks, inner))


def test_no_test_sleeps_for_a_fixed_time() -> None:
    none_of(breaches(fixed_sleeps, TESTS))
