"""A second pair of eyes on a desk: the naive model and the tables, beside every step."""

from collections.abc import Callable
from decimal import localcontext
from typing import Any

from domain.dca_leg import LegExcessSold
from domain.holdings import PositionAdopted
from domain.message import Input
from domain.trading_day import EngineStarted, InputFailed, SignalRead
from tests.application.comparing import TINY, compare
from tests.application.desk import Desk, of
from tests.application.invariants import START
from tests.application.naive_model import NaiveModel
from tests.application.transitions import GROUP, Steps

# Nobody else trades the account: what the venue does is ours, or a defect.
NEVER = (InputFailed, PositionAdopted, LegExcessSold)


class Auditor:
    """Follows what a desk records. The desk knows nothing of it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.model = NaiveModel()
        self.steps = Steps()
        self.states: dict[str, str] = {}
        # Who else reads along: each is shown an event before the model hears of it.
        self.witnesses: list[Callable[[Any], None]] = []
        self._heard = 0
        # Exits just read: the signal, the trades it must close, the signals it must call off.
        self._exits: list[tuple[str, list[str], list[str]]] = []

    def look(self) -> None:
        """Take in what is new, and lay the books beside it."""
        fresh = self.desk.recorded[self._heard :]
        self._heard += len(fresh)
        for kind in NEVER:
            assert of(fresh, kind) == [], f"{kind.__name__} must never happen here"
        self.steps.take_in(fresh)
        for recorded in fresh:
            if isinstance(recorded.event, Input | EngineStarted):
                self._note_states()
            for witness in self.witnesses:
                witness(recorded.event)
            self.model.follow(recorded.event, recorded.at)
            if isinstance(recorded.event, SignalRead) and recorded.event.kind == "exit":
                self._exits.append(self._meant_by(recorded.event))
        self._note_states()
        compare(self.model, self.desk.book)

    def check_settled(self) -> None:
        """With nothing on its way: the venue's money is ours, and every lot is guarded."""
        with localcontext(prec=60):
            ours = START + self.model.worth(self.desk.core.prices())
            assert abs(self.desk.core.equity - ours) < TINY, (
                f"the venue has {self.desk.core.equity}, we {ours}"
            )
        assert self.model.unguarded() == []

    def _note_states(self) -> None:
        """Between two inputs: what a trader sees of each trade."""
        for group_id in self.model.groups:
            before, after = self.states.get(group_id, "none"), self.model.state_of(group_id)
            assert after in GROUP[before], f"trade {group_id} went from {before} to {after}"
            self.steps.seen.add(("group", before, after))
            self.states[group_id] = after
        for signal_id, groups, queued in self._exits:
            assert all(self.model.groups[group_id].closing for group_id in groups)
            assert set(queued).isdisjoint(self.model.queued), "a key waits that was closed"
            outcome = "admitted" if groups or queued else "no_effect"
            assert self.model.outcomes[signal_id] == outcome, signal_id
        self._exits = []

    def _meant_by(self, read: SignalRead) -> tuple[str, list[str], list[str]]:
        """What an exit leaves out means all."""
        wanted = (read.symbol, read.timeframe, read.side)

        def is_meant(key: tuple[str, str, str]) -> bool:
            return all(part in ("", own) for part, own in zip(wanted, key, strict=True))

        groups = [
            group_id
            for group_id, group in self.model.open_groups().items()
            if not group.closing and is_meant(group.key)
        ]
        queued = [signal for signal, key in self.model.queued.items() if is_meant(key)]
        return read.signal_id, groups, queued
