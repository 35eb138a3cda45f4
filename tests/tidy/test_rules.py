"""The tidy rules themselves, on code that breaks them and code that does not."""

from textwrap import dedent

import pytest

from tests.tidy.aggregates import disorder
from tests.tidy.determinism import clock_reads, impurities
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
from tests.tidy.sources import Source


def source(text: str, path: str = "domain/queue.py") -> Source:
    return Source(path, dedent(text).strip() + "\n")


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "from uuid import uuid4",
        "import os",
        "from time import monotonic",
        "import logging",
        "price = 0.1",
        "def f(x: float) -> None: ...",
        "key = hash(symbol)",
        "print(price)",
        "now = datetime.now(UTC)",
        "today = datetime.date.today()",
        "async def decide(): ...",
        "for leg in legs.values(): ...",
        "keys = [key for key, leg in legs.items()]",
        "total = sum(legs.values())",
        "for symbol in {'a', 'b'}: ...",
        "for symbol in set(symbols): ...",
        "for symbol in set(symbols) - held: ...",
        "names = list({s for s in symbols})",
        "text = ','.join(frozenset(symbols))",
        "pair = (*{a, b},)",
        "def f(held: frozenset[str]):\n    return [s for s in held]",
        "def f(held):\n    seen = set(held)\n    return tuple(seen)",
        "HELD = {'a'}\ndef f():\n    for s in HELD: ...",
        "class S:\n    held: frozenset[str]\ndef f(s):\n    for x in s.held: ...",
    ],
)
def test_an_impure_decision_is_found(text: str) -> None:
    assert impurities(source(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import UTC, datetime",
        "for key, leg in sorted(legs.items()): ...",
        "legs = sorted(leg for leg in book.values() if leg.open)",
        "for symbol in sorted(set(symbols)): ...",
        "known = symbol in {'a', 'b'}",
        "seen = {s for s in set(symbols)}",
        "found = any(s.open for s in set(groups))",
        "key = hash(symbol)  # deterministic: used only to compare within this call",
        "def f(legs: tuple[str, ...]):\n    for leg in legs: ...",
    ],
)
def test_a_pure_decision_is_not_found(text: str) -> None:
    assert impurities(source(text)) == []


def test_an_exemption_must_give_its_reason() -> None:
    assert impurities(source("key = hash(symbol)  # deterministic:")) != []


@pytest.mark.parametrize(
    "text",
    [
        "at = datetime.now(UTC)",
        "at = datetime.datetime.now(UTC)",
        "at = datetime.utcnow()",
        "today = date.today()",
        "at = time.time()",
        "read = time.time_ns",
        "from time import time",
        "field(default_factory=datetime.now)",
    ],
)
def test_a_reading_of_the_clock_is_found(text: str) -> None:
    assert clock_reads(source(text, "web/api.py")) != []


def test_measuring_how_long_is_no_reading_of_the_clock() -> None:
    assert clock_reads(source("start = time.monotonic()\nat = clock.now()")) == []


def test_a_long_module_and_a_long_function_are_found() -> None:
    assert len(oversized(source("x = 1\n" * 401))) == 1
    assert oversized(source("x = 1\n" * 400)) == []
    assert len(oversized(source("def f():\n" + "    x = 1\n" * 70))) == 1
    assert oversized(source("def f():\n" + "    x = 1\n" * 69)) == []


def test_a_module_named_after_nothing_is_found() -> None:
    assert nameless_module(source("", "web/utils.py")) != []
    assert nameless_module(source("", "web/common/pages.py")) != []
    assert nameless_module(source("", "web/pages.py")) == []


def test_a_banner_is_found() -> None:
    assert banners(source("# --- Writing ---\nx = 1")) != []
    assert banners(source("x = 1  # because it is so")) == []


def test_a_promise_in_a_comment_is_found() -> None:
    assert unfinished(source(f"x = 1  # {'TO'}DO: later")) != []
    assert unfinished(source("x = 'TODO'  # a word in a text")) == []


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept (ValueError, BaseException):\n    ...",
        "for x in y:\n    try:\n        f()\n    except Exception:\n        continue",
        "with contextlib.suppress(Exception):\n    f()",
    ],
)
def test_a_swallowed_error_is_found(text: str) -> None:
    assert swallowed_errors(source(text)) != []


def test_a_narrow_or_answered_error_is_not_found() -> None:
    text = "try:\n    f()\nexcept Exception:\n    log()\nwith suppress(OSError):\n    f()"
    assert swallowed_errors(source(text)) == []


@pytest.mark.parametrize(
    "text", ["import unittest.mock", "from unittest.mock import Mock", "from unittest import mock"]
)
def test_a_mock_library_is_found(text: str) -> None:
    assert mocks(source(text)) != []


def test_a_fixed_sleep_is_found_and_a_wait_for_a_condition_is_not() -> None:
    assert fixed_sleeps(source("time.sleep(1)")) != []
    assert fixed_sleeps(source("async def f():\n    await asyncio.sleep(0.5)")) != []
    assert fixed_sleeps(source("while not done():\n    time.sleep(0.01)")) == []
    assert fixed_sleeps(source("async def f():\n    await asyncio.sleep(0)")) == []


def test_a_struct_without_its_flags_is_found_also_through_its_parents() -> None:
    parent = source("class Event(msgspec.Struct, frozen=True, kw_only=True): ...", "domain/m.py")
    child = source("class Opened(Event, frozen=True): ...")
    assert careless_structs([parent, child]) == ["domain/queue.py:1: Opened lacks kw_only=True"]
    assert careless_structs([source("class A(Struct, frozen=False, kw_only=True): ...")]) != []
    assert careless_structs([source("class A(Protocol): ...")]) == []


def test_an_event_without_a_name_of_its_own_is_found() -> None:
    def event(name: str, body: str) -> str:
        return f"class {name}(Event):\n    {body}\n"

    good = event("Opened", 'NAME: ClassVar[str] = "queue.opened.v1"')
    assert misnamed_events([source(good)]) == []
    assert misnamed_events([source(good + event("Closed", "pass"))]) != []
    assert misnamed_events([source(good + event("Closed", 'NAME = "queue.opened.v1"'))]) != []
    assert misnamed_events([source(event("Closed", 'NAME = "Queue.Closed"'))]) != []


AGGREGATE = {
    "event": 'class Opened(Event): NAME = "queue.opened.v1"',
    "command": "class Open(Command): ...",
    "state": "class Queue(msgspec.Struct): ...",
    "evolve": "def evolve(state: Queue | None, event):\n    assert_never(event)",
    "decide": "def decide(state, command):\n    assert_never(command)",
}


def test_an_aggregate_in_order_with_closed_matches_is_not_found() -> None:
    assert disorder([source("\n".join(AGGREGATE.values()))]) == []


@pytest.mark.parametrize(
    "order",
    [
        ["command", "event", "state", "evolve", "decide"],
        ["event", "state", "command", "evolve", "decide"],
        ["event", "command", "evolve", "state", "decide"],
        ["event", "command", "state", "decide", "evolve"],
        ["command", "state", "evolve", "decide"],
    ],
)
def test_an_aggregate_in_another_order_is_found(order: list[str]) -> None:
    assert disorder([source("\n".join(AGGREGATE[part] for part in order))]) != []


@pytest.mark.parametrize("part", ["evolve", "decide"])
def test_an_open_match_is_found(part: str) -> None:
    text = "\n".join({**AGGREGATE, part: f"def {part}(state: Queue, message): ..."}.values())
    assert disorder([source(text)]) == [
        breach for breach in disorder([source(text)]) if "assert_never" in breach
    ]
    assert disorder([source(text)]) != []
