"""Which steps the states of orders, trades and exits may take: the specification as tables."""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import msgspec

from application.journal import Recorded
from domain import exit as exits
from domain import order, position_group
from domain.identity import aggregate_of

Table = Mapping[str, frozenset[str]]


def _table(text: str) -> Table:
    """`before: after after`, a line a state."""
    rows = (line.split(":") for line in text.strip().splitlines())
    return {before.strip(): frozenset(after.split()) for before, after in rows}


# Spec §4. UNKNOWN is left by asking only; what is final stays final, but a trade that the
# venue reports late is a fact in any state, and completes the order if it was the last.
ORDER = _table(
    """
    none: requested
    requested: requested open unknown filled ended rejected expired
    unknown: unknown requested open filled ended rejected expired
    open: open unknown filled ended
    filled: filled
    ended: ended filled
    rejected: rejected filled
    expired: expired filled
    """
)

# A trade as a trader sees it. A pyramid brings PROFIT_TAKING back to DCA_ACTIVE; CLOSING is
# one-way, and only from there it is CLOSED.
GROUP = _table(
    """
    none: WAITING LIVE
    WAITING: WAITING LIVE CLOSING CLOSED
    LIVE: LIVE DCA_ACTIVE PROFIT_TAKING CLOSING CLOSED
    DCA_ACTIVE: DCA_ACTIVE PROFIT_TAKING CLOSING CLOSED
    PROFIT_TAKING: PROFIT_TAKING DCA_ACTIVE CLOSING CLOSED
    CLOSING: CLOSING CLOSED
    CLOSED: CLOSED
    """
)

# A trade's own facts, as its aggregate keeps them.
TRADE = _table(
    """
    none: open
    open: open reducing closing
    reducing: reducing open closing
    closing: closing closed
    closed: closed
    """
)

# An exit works at the venue, is watched by us, or neither; a working one has to end first.
EXIT = _table(
    """
    none: working watched
    idle: working watched
    working: idle
    watched: watched working idle
    """
)


class Steps:
    """Folds what is recorded, and notes every step that a state takes."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str, str]] = set()
        self._states: dict[str, Any] = {}

    def take_in(self, recorded: Iterable[Recorded]) -> None:
        """Fold further events; each step must be in its table."""
        for each in recorded:
            kind = _KINDS.get(aggregate_of(each.stream))
            if kind is None:
                continue
            before = self._states.get(each.stream)
            after = kind.aggregate.evolve(before, each.event)
            self._states[each.stream] = after
            self._note(kind, kind.name_of(before), kind.name_of(after), each.event.NAME)

    def _note(self, kind: "Kind", before: str, after: str, cause: str) -> None:
        assert after in kind.table[before], f"{kind.noun} went from {before} to {after} by {cause}"
        self.seen.add((kind.noun, before, after))


def name_of_order(state: order.Order | None) -> str:
    """Its status."""
    return "none" if state is None else state.status.value


def name_of_trade(state: position_group.PositionGroup | None) -> str:
    """Where the trade stands by its own facts."""
    if state is None:
        return "none"
    if state.closed is not None:
        return "closed"
    if state.closing is not None:
        return "closing"
    return "reducing" if state.reducing else "open"


def name_of_exit(state: exits.Exit | None) -> str:
    """What it does; never two things at once."""
    if state is None:
        return "none"
    assert state.working is None or state.watched is None, "an exit works and is watched"
    if state.working is not None:
        return "working"
    return "idle" if state.watched is None else "watched"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A sort of state with its table."""

    noun: str
    aggregate: ModuleType
    table: Table

    def name_of(self, state: Any) -> str:
        """The state's name in the table."""
        return _NAMES[self.noun](state)


_NAMES: dict[str, Any] = {
    "order": name_of_order,
    "trade": name_of_trade,
    "exit": name_of_exit,
}
_KINDS = {
    "order": Kind(noun="order", aggregate=order, table=ORDER),
    "position_group": Kind(noun="trade", aggregate=position_group, table=TRADE),
    "exit": Kind(noun="exit", aggregate=exits, table=EXIT),
}
