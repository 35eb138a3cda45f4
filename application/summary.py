"""A run in figures: what became of signals, groups and money, folded from the events alone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from application.journal import Recorded
from domain import dca_leg, position_group
from domain.day_terms import Outcome
from domain.dca_leg import DCALeg, LegEvent
from domain.identity import group_of
from domain.message import Input
from domain.money import ONE, ZERO, canonical
from domain.pnl import combined, unrealized
from domain.position_group import PositionGroupEvent, PositionGroupOpened
from domain.trading_day import SignalJudged


class GroupSummary(msgspec.Struct, kw_only=True, frozen=True):
    """One trade of a run. Quantities in contracts, amounts in the capital currency.

    `realized_pnl` includes the trade's share of funding.
    """

    group: str
    symbol: str
    timeframe: str
    side: str
    state: str
    pyramids: int
    legs_filled: int
    legs: int
    quantity_open: Decimal
    average_entry: Decimal | None
    realized_pnl: Decimal
    fees: Decimal
    opened_at: datetime
    closed_at: datetime | None


class RunSummary(msgspec.Struct, kw_only=True, frozen=True):
    """A whole run. `equity` = balance + realized + unrealized, exactly."""

    inputs: int
    events: int
    signals: dict[str, int]
    groups: tuple[GroupSummary, ...]
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    equity: Decimal
    digest: str


class _Trade:
    """A group and its legs as the events tell them."""

    def __init__(self, opened: PositionGroupOpened) -> None:
        self.group = position_group.evolve(None, opened)
        self.legs: dict[str, DCALeg] = {}

    def summary(self) -> GroupSummary:
        opened, closed = self.group.opened, self.group.closed
        legs = [self.legs[leg_id] for leg_id in sorted(self.legs)]
        held = combined([leg.lot for leg in legs])
        size = legs[0].plan.contract_size if legs else ONE
        return GroupSummary(
            group=opened.group_id,
            symbol=opened.symbol,
            timeframe=opened.timeframe,
            side=opened.side,
            state=self._state(),
            pyramids=len(self.group.pyramid_ids),
            legs_filled=sum(leg.entry_filled > ZERO and not leg.entry_open for leg in legs),
            legs=len(legs),
            quantity_open=canonical(held.quantity),
            average_entry=held.cost / (held.quantity * size) if held.quantity else None,
            realized_pnl=canonical(sum((leg.realized for leg in legs), self.group.funding)),
            fees=canonical(sum((leg.fees for leg in legs), ZERO)),
            opened_at=opened.opened_at,
            closed_at=closed.closed_at if closed is not None else None,
        )

    def _state(self) -> str:
        """Spec §4: derived from the road out and from the legs."""
        legs = self.legs.values()
        if self.group.closed is not None:
            return "CLOSED"
        if not self.group.is_open:
            return "CLOSING"
        if any(leg.entry_filled > ZERO for leg in legs):
            return "DCA_ACTIVE" if any(leg.entry_open for leg in legs) else "PROFIT_TAKING"
        return "LIVE" if legs else "WAITING"

    def unrealized(self, mark: Decimal | None) -> Decimal:
        if mark is None:
            return ZERO
        return sum(
            (
                unrealized(leg.lot, mark, leg.plan.side, leg.plan.contract_size)
                for _, leg in sorted(self.legs.items())
            ),
            ZERO,
        )


class RunLedger:
    """Folds the events of one account, in the order of the log, into a summary."""

    def __init__(self) -> None:
        self._inputs = 0
        self._events = 0
        self._outcomes: dict[str, Outcome] = {}
        self._trades: dict[str, _Trade] = {}

    def take_in(self, recorded: Iterable[Recorded]) -> None:
        """Fold further events."""
        for each in recorded:
            self._events += 1
            assert each.account, f"stream {each.stream} names no account"
            self._fold(each)

    def summary(self, balance: Decimal, marks: Mapping[str, Decimal], digest: str) -> RunSummary:
        """The figures so far; `marks` in quote units, `balance` that of the start."""
        ordered = sorted(self._trades.values(), key=_by_opening)
        groups = tuple(trade.summary() for trade in ordered)
        realized = sum((group.realized_pnl for group in groups), ZERO)
        floating = sum((t.unrealized(marks.get(t.group.opened.symbol)) for t in ordered), ZERO)
        counts: dict[str, int] = {}
        for _, outcome in sorted(self._outcomes.items()):
            counts[outcome] = counts.get(outcome, 0) + 1
        return RunSummary(
            inputs=self._inputs,
            events=self._events,
            signals=dict(sorted(counts.items())),
            groups=groups,
            realized_pnl=canonical(realized),
            unrealized_pnl=canonical(floating),
            fees=canonical(sum((group.fees for group in groups), ZERO)),
            equity=canonical(balance + realized + floating),
            digest=digest,
        )

    def _fold(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, Input):
            self._inputs += 1
        elif isinstance(event, SignalJudged):
            self._outcomes[event.signal_id] = event.outcome
        elif isinstance(event, PositionGroupOpened):
            self._trades[event.group_id] = _Trade(event)
        elif isinstance(event, PositionGroupEvent):
            trade = self._trades[event.group_id]
            trade.group = position_group.evolve(trade.group, event)
        elif isinstance(event, LegEvent):
            trade = self._trades[group_of(event.leg_id)]
            trade.legs[event.leg_id] = dca_leg.evolve(trade.legs.get(event.leg_id), event)


def _by_opening(trade: _Trade) -> tuple[datetime, str]:
    opened = trade.group.opened
    return opened.opened_at, opened.group_id
