"""What an offset's sales really made, by the naive model's lots: its own sums must be the same."""

from decimal import Decimal
from typing import Any

from tests.application.naive_model import NaiveModel

ZERO = Decimal(0)
TINY = Decimal("1e-9")


class OffsetSums:
    """One offset at a time: from the venue's trades alone."""

    def __init__(self, model: NaiveModel) -> None:
        self._model = model
        # Every sale at a bound that was ever asked for, by trade: only offsets have bounds.
        self._bounded: dict[str, set[str]] = {}
        self._loser = ""
        self._loser_before = ZERO
        self._winner = ""
        self._winner_before = ZERO
        self._earned = ZERO
        # The sales asked for in a winner's step: what they had made when the step ended.
        self._step: set[str] = set()
        self._made_in_steps: dict[str, Decimal] = {}

    def asked(self, asked: Any) -> None:
        """An order goes out: it may be a sale of the step under way."""
        group = self._model.groups[asked.group_id]
        if asked.purpose != "reduce":
            return
        if group.bound is not None:
            self._bounded.setdefault(asked.group_id, set()).add(asked.client_order_id)
            if asked.group_id == self._winner:
                self._step.add(asked.client_order_id)

    def planned(self, event: Any) -> None:
        """From here on all is counted."""
        self._loser = event.loser.group_id
        self._loser_before = self._made(self._bounded.get(self._loser, set()))
        self._earned, self._made_in_steps = ZERO, {}

    def winner_started(self, event: Any) -> None:
        """Its step begins."""
        self._winner, self._step = event.group_id, set()
        self._winner_before = self._of_lots(event.group_id)

    def winner_ended(self, event: Any) -> None:
        """All that it made in its step counts, also by its own exits. One passed over has none."""
        earned = ZERO
        if self._winner == event.group_id:
            earned = self._of_lots(event.group_id) - self._winner_before
            self._made_in_steps |= {name: self._model.made.get(name, ZERO) for name in self._step}
        assert abs(event.earned - earned) <= TINY, f"it earned {earned}, told was {event.earned}"
        self._earned += earned
        self._winner = ""

    def settled(self, event: Any) -> None:
        """What its winners' sales made later counts as well, and the loser's at its bound."""
        late = self._made(set(self._made_in_steps)) - sum(self._made_in_steps.values(), ZERO)
        earned = self._earned + late
        realized = self._made(self._bounded.get(self._loser, set())) - self._loser_before
        assert abs(event.earned - earned) <= TINY, f"earned were {earned}, told {event.earned}"
        assert abs(event.realized - realized) <= TINY, (
            f"the loser realized {realized}, told was {event.realized}"
        )
        assert event.result == event.earned + event.realized, "the offset does not sum up"
        assert -realized <= max(ZERO, earned) + TINY, f"it lost {-realized} and earned {earned}"

    def _made(self, orders: set[str]) -> Decimal:
        return sum((self._model.made.get(name, ZERO) for name in orders), ZERO)

    def _of_lots(self, group_id: str) -> Decimal:
        return sum((leg.realized for leg in self._model.groups[group_id].legs.values()), ZERO)
