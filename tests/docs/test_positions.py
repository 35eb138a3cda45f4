"""The numbers of docs/positions.md are those of the engine."""

import re

import pytest

from tests.docs.position_examples import BLOCK, EXAMPLES, PAGE


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_each_example_on_the_page_is_what_the_engine_computes(name: str) -> None:
    shown = {block["name"]: block["body"] for block in BLOCK.finditer(PAGE.read_text("utf-8"))}

    assert shown[name] == EXAMPLES[name](), "run `python -m tests.docs.position_examples`"


def test_no_block_of_numbers_is_without_its_example() -> None:
    page = PAGE.read_text("utf-8")
    fenced = re.findall(r"^```text$", page, re.MULTILINE)

    assert len(fenced) == len(list(BLOCK.finditer(page))) == len(EXAMPLES)
