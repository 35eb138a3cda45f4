"""What the risk engine promised, read from the log alone: no import of a decision of it.

Followed event by event, as a suspicious reader of the log would, beside the naive model.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.application.naive_model import NaiveModel
from tests.application.naive_orders import NaiveOrder
from tests.application.offset_sums import OffsetSums

ZERO = Decimal(0)
TINY = Decimal("1e-9")


class RiskRules:
    """Which holds stand, what trading is, what the day lost, and what was ever reached.

    Each event is shown to it before the model has heard of it.
    """

    def __init__(self, model: NaiveModel) -> None:
        self._model = model
        self._sums = OffsetSums(model)
        # By cause: how tightly it holds.
        self.holds: dict[str, str] = {}
        self.state = "active"
        self.seen: set[str] = set()
        # The trades that keep their entries although the breaker tripped.
        self._kept: set[str] = set()
        # What had been realized when the day began, and the result of a reset since.
        self._realized_before = ZERO
        self._reference = ZERO
        self._may_unlatch = False
        self._must_unlatch = False
        # The loser's step whose sale is to follow.
        self._step: Any = None
        self._told: dict[str, Callable[[Any], None]] = {
            "brakes.opened.v1": self._opened,
            "brakes.day_begun.v1": self._new_day,
            "brakes.hold_placed.v1": self._held,
            "brakes.hold_lifted.v1": self._lifted,
            "brakes.breaker_tripped.v1": self._tripped,
            "brakes.breaker_reset.v1": self._reset,
            "risk_engine.trading_state_changed.v1": self._state,
            "risk_engine.approved.v1": lambda _: self._nothing_holds("an approval"),
            "risk_engine.denied.v1": lambda event: self.seen.add(f"denied by {event.reason}"),
            "order.requested.v1": self._asked,
            "order.resent.v1": lambda event: self._asked(self._order(event).asked),
            "offset.planned.v1": self._planned,
            "offset.winner_started.v1": self._stepped,
            "offset.winner_ended.v1": self._sums.winner_ended,
            "offset.loser_started.v1": self._stepped,
            "offset.settled.v1": self._settled,
            "position_group.reduction_started.v1": self._reduced,
            "equity.emergency_stopped.v1": self._stopped,
        }

    def follow(self, event: Any) -> None:
        """One event more; raises AssertionError where a promise is broken."""
        if hasattr(event, "marks"):
            # Whatever the input before it caused is written down: now all of it must hold.
            self.check_standing()
            self._may_unlatch = False
        told = self._told.get(event.NAME)
        if told is not None:
            told(event)

    def check_standing(self) -> None:
        """Between two inputs: capital, and what every brake that holds has called off."""
        if self._model.settings is None:
            return
        self._check_capital()
        self._check_breaker()
        assert not self._must_unlatch, "the breaker outlived its day"
        if "emergency_stop" in self.holds:
            stays = [name for name, group in self._open() if not group.closing]
            assert stays == [], f"{stays} stay open in an emergency"
            self._check_called_off("an emergency", set())
        if "breaker" in self.holds:
            self._check_called_off("the breaker", self._kept)

    def _check_capital(self) -> None:
        """Committed capital, resting orders included, is within the limits at every instant.

        A short that sells above the price it reserved at commits so much more: its better price.
        """
        risk, reserved = self._model.settings.risk, self._model.reservations()
        by_symbol: dict[str, Decimal] = {}
        for _, group in self._open():
            for leg_id, leg in group.legs.items():
                resting, cost = reserved.get(leg_id, (ZERO, ZERO))
                better = max(ZERO, cost - leg.held * leg.reserve_price * leg.size)
                spared = better if group.sign < 0 else ZERO
                symbol = group.opened.symbol
                by_symbol[symbol] = by_symbol.get(symbol, ZERO) + resting + cost - spared
        total = sum(by_symbol.values(), ZERO)
        limit, each = risk.max_committed_capital, risk.max_committed_capital_per_symbol
        assert limit is None or total <= limit + TINY, f"{total} committed, {limit} allowed"
        assert each is None or all(one <= each + TINY for one in by_symbol.values()), (
            f"{by_symbol} committed, {each} allowed by symbol"
        )

    def _check_breaker(self) -> None:
        """Spec §6: a realized loss of the day that reaches the limit has tripped it.

        What is counted from a reset with open losses in it needs prices: not judged here.
        """
        risk = self._model.settings.risk
        if risk.max_daily_loss is None or (risk.daily_loss_includes_open and self._reference):
            return
        lost = self._reference - (self._model.realized() - self._realized_before)
        assert lost < risk.max_daily_loss or "breaker" in self.holds, (
            f"the day lost {lost}, allowed were {risk.max_daily_loss}, and it goes on"
        )

    def _check_called_off(self, by_whom: str, kept: set[str]) -> None:
        rest = [order for order in self._entries() if not order.cancel_wanted]
        left = [order.asked.client_order_id for order in rest if order.asked.group_id not in kept]
        assert left == [], f"{left} may still buy, though called off by {by_whom}"

    def _open(self) -> list[tuple[str, Any]]:
        return list(self._model.open_groups().items())

    def _entries(self) -> list[NaiveOrder]:
        every = self._model.orders.values()
        return [o for o in every if o.asked.purpose == "entry" and not o.is_final]

    def _order(self, event: Any) -> Any:
        return self._model.orders[event.client_order_id]

    def _opened(self, event: Any) -> None:
        self.holds = {cause: hold.state for cause, hold in event.state.holds.items()}

    def _new_day(self, _: Any) -> None:
        self._realized_before, self._reference = self._model.realized(), ZERO
        self._may_unlatch, self._must_unlatch = True, "breaker" in self.holds

    def _reset(self, event: Any) -> None:
        assert self.holds.get("breaker"), "a breaker was reset that held nothing"
        if not self._model.settings.risk.daily_loss_includes_open:
            result = self._model.realized() - self._realized_before
            assert abs(event.reference - result) <= TINY, f"it counts from {event.reference}"
        self._reference, self._may_unlatch = event.reference, True

    def _held(self, event: Any) -> None:
        self.holds[event.hold.cause] = event.hold.state
        self.seen.add(f"{event.hold.cause} holds")

    def _lifted(self, event: Any) -> None:
        is_latched = event.cause == "breaker" and not self._may_unlatch
        assert not is_latched, f"the breaker let go: {event.reason}"
        self.holds.pop(event.cause)
        self._must_unlatch = self._must_unlatch and event.cause != "breaker"
        self.seen.add(f"{event.cause} lifted")

    def _tripped(self, _: Any) -> None:
        keeps = self._model.settings.risk.breaker_dca == "keep"
        filled = {n for n, g in self._open() if any(leg.bought for leg in g.legs.values())}
        self._kept = filled if keeps else set()

    def _state(self, event: Any) -> None:
        self.state = event.state

    def _asked(self, asked: Any) -> None:
        self._sums.asked(asked)
        if asked.purpose == "entry":
            self._nothing_holds(f"entry {asked.client_order_id}")

    def _nothing_holds(self, what: str) -> None:
        assert not self.holds, f"{what} came while {sorted(self.holds)} held trading"
        assert self.state == "active", f"{what} came while trading was {self.state}"

    def _is_halted(self) -> bool:
        return self.state == "halted" or "halted" in self.holds.values()

    def _planned(self, event: Any) -> None:
        assert not self._is_halted(), "an offset was planned while trading was halted"
        self._sums.planned(event)
        self.seen.add("offset planned")

    def _stepped(self, event: Any) -> None:
        assert not self._is_halted(), "an offset took a step while trading was halted"
        if event.NAME == "offset.winner_started.v1":
            self._sums.winner_started(event)
        else:
            self._step = event

    def _reduced(self, event: Any) -> None:
        """The loser of an offset is sold at the bound of its step, never at any price."""
        step = self._step
        if step is not None and (event.group_id, event.parts) == (step.group_id, step.parts):
            assert event.bound == step.bound, f"the bound was {event.bound}, not {step.bound}"
            self._step = None

    def _stopped(self, event: Any) -> None:
        self.seen.add(f"emergency stop by {event.trigger}")

    def _settled(self, event: Any) -> None:
        """Spec §6: the loss stays within the profit, and the whole sums up to the last digit."""
        self._sums.settled(event)
        self.seen.add(f"offset {event.outcome}")
