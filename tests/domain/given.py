"""Tests that read as sentences: given what happened, when something is asked for, then that."""

from collections.abc import Iterable
from decimal import localcontext
from types import ModuleType
from typing import Any

from domain.message import Command, Event
from domain.money import DECISION_CONTEXT


def given(aggregate: ModuleType, *events: Event) -> "Given":
    """What happened to one aggregate so far, the oldest first."""
    return Given(aggregate, events)


def fold(aggregate: ModuleType, events: Iterable[Event], state: Any = None) -> Any:
    """The state these events lead to."""
    with localcontext(DECISION_CONTEXT):
        for event in events:
            state = aggregate.evolve(state, event)
    return state


def decide(aggregate: ModuleType, state: Any, command: Command) -> tuple[Event, ...]:
    """What the aggregate answers, decided as the engine decides."""
    with localcontext(DECISION_CONTEXT):
        happened: tuple[Event, ...] = aggregate.decide(state, command)
        return happened


class Given:
    """An aggregate with a past."""

    def __init__(self, aggregate: ModuleType, events: tuple[Event, ...]) -> None:
        self._aggregate = aggregate
        self.state = fold(aggregate, events)

    def when(self, command: Command) -> "When":
        return When(self._aggregate, self.state, command)


class When:
    """A command, and what it made happen."""

    def __init__(self, aggregate: ModuleType, before: Any, command: Command) -> None:
        self._aggregate = aggregate
        self._command = command
        self.happened = decide(aggregate, before, command)
        self.state = fold(aggregate, self.happened, before)

    def then(self, *expected: Event) -> Any:
        """Exactly these events, and the same command again makes nothing happen."""
        assert self.happened == expected
        again = decide(self._aggregate, self.state, self._command)
        assert again == (), f"the same command again made this happen: {again}"
        return self.state

    def then_each_time(self, *expected: Event) -> Any:
        """Exactly these events, each time anew: the documented exceptions, which are facts."""
        assert self.happened == expected
        assert decide(self._aggregate, self.state, self._command) == expected
        return self.state

    def then_nothing(self) -> None:
        """Nothing happens."""
        assert self.happened == ()
