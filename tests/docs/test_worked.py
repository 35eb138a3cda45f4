"""The numbers of docs/positions.md and docs/risk.md are those of the engine."""

import pytest

from tests.docs import position_examples, risk_examples
from tests.docs.worked import blocks, shown

# Computed by tests/simulation/test_crash.py, where the recorded candles are.
ELSEWHERE = {"crash"}
PAGES = {
    (example.PAGE.name, name): example
    for example in (position_examples, risk_examples)
    for name in example.EXAMPLES
}


@pytest.mark.parametrize(("page", "name"), sorted(PAGES))
def test_each_example_on_a_page_is_what_the_engine_computes(page: str, name: str) -> None:
    example = PAGES[page, name]

    computed = example.EXAMPLES[name]()

    assert shown(example.PAGE)[name] == computed, f"run `python -m {example.__name__}`"


@pytest.mark.parametrize("example", [position_examples, risk_examples])
def test_no_block_of_numbers_is_without_its_example(example: object) -> None:
    page, examples = example.PAGE, example.EXAMPLES  # type: ignore[attr-defined]

    elsewhere = {name for name in shown(page) if name in ELSEWHERE}
    assert blocks(page) == len(shown(page)) == len(examples) + len(elsewhere)
