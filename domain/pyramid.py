"""One entry within a position group: a price, a budget and a ladder of legs."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.grid import SkippedLeg
from domain.instrument import PositionSide
from domain.message import Command, Event

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class PyramidPlanned(Event, frozen=True, kw_only=True):
    """A ladder was laid out. `entry_price` is unrounded, `capital` in the capital currency."""

    NAME: ClassVar[str] = "pyramid.planned.v1"
    pyramid_id: str
    group_id: str
    index: int
    signal_id: str
    symbol: str
    side: PositionSide
    entry_price: Decimal
    capital: Decimal
    leg_ids: tuple[str, ...]
    skipped: tuple[SkippedLeg, ...]
    planned_at: datetime


class PyramidEntriesHalted(Event, frozen=True, kw_only=True):
    """The rest of the ladder is not to be bought, for this reason."""

    NAME: ClassVar[str] = "pyramid.entries_halted.v1"
    pyramid_id: str
    reason: str


class PyramidClosed(Event, frozen=True, kw_only=True):
    """Its group closed. `realized` in the capital currency, fees in."""

    NAME: ClassVar[str] = "pyramid.closed.v1"
    pyramid_id: str
    realized: Decimal
    fees: Decimal


PyramidEvent = PyramidPlanned | PyramidEntriesHalted | PyramidClosed


# Commands


class PyramidCommand(Command, frozen=True, kw_only=True):
    """A command to one pyramid."""

    AGGREGATE: ClassVar[str] = "pyramid"
    pyramid_id: str

    @property
    def key(self) -> str:
        """A pyramid's stream is named after its id."""
        return self.pyramid_id


class PlanPyramid(PyramidCommand, frozen=True, kw_only=True):
    """Lay out an approved ladder."""

    plan: PyramidPlanned


class HaltPyramidEntries(PyramidCommand, frozen=True, kw_only=True):
    """Buy no more of this ladder."""

    reason: str


class ClosePyramid(PyramidCommand, frozen=True, kw_only=True):
    """Close the books of the pyramid."""

    realized: Decimal
    fees: Decimal


PyramidCommands = PlanPyramid | HaltPyramidEntries | ClosePyramid


# State


class Pyramid(msgspec.Struct, frozen=True, kw_only=True):
    """A ladder and whether it still buys."""

    plan: PyramidPlanned
    halted: str = ""
    closed: bool = False


def evolve(state: Pyramid | None, event: PyramidEvent) -> Pyramid:
    """Fold one event into the state."""
    if isinstance(event, PyramidPlanned):
        return Pyramid(plan=event)
    assert state is not None, "a pyramid's first event is PyramidPlanned"
    match event:
        case PyramidEntriesHalted():
            return msgspec.structs.replace(state, halted=event.reason)
        case PyramidClosed():
            return msgspec.structs.replace(state, closed=True)
        case _:
            assert_never(event)


def decide(state: Pyramid | None, command: PyramidCommands) -> tuple[PyramidEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, PlanPyramid):
        return () if state is not None else (command.plan,)
    if isinstance(command, ClosePyramid) and state is None:
        # Its group closed while it waited for the market's rules: nothing was ever laid out.
        return ()
    assert state is not None, f"pyramid {command.pyramid_id} was never planned"
    match command:
        case HaltPyramidEntries():
            if state.halted or state.closed:
                return ()
            return (PyramidEntriesHalted(pyramid_id=command.pyramid_id, reason=command.reason),)
        case ClosePyramid():
            if state.closed:
                return ()
            return (
                PyramidClosed(
                    pyramid_id=command.pyramid_id, realized=command.realized, fees=command.fees
                ),
            )
        case _:
            assert_never(command)
