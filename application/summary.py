"""A run in figures: what became of signals, groups and money, folded from the events alone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from application.journal import Recorded
from domain.day_terms import Outcome
from domain.dca_leg import (
    LegDustWrittenOff,
    LegEntryEnded,
    LegEntryFilled,
    LegExitFilled,
    LegFeeValued,
    LegPlanned,
)
from domain.message import Input
from domain.money import ONE, ZERO, canonical
from domain.pnl import Lot, combined, unrealized
from domain.position_group import (
    FundingShared,
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    PyramidAdmitted,
)
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


LegTold = LegEntryFilled | LegEntryEnded | LegExitFilled | LegFeeValued | LegDustWrittenOff


class _Leg:
    """A leg's lot as the events tell it."""

    def __init__(self, plan: LegPlanned) -> None:
        self.plan = plan
        self.lot = Lot()
        self.entry_open = True
        self.bought = False
        self.realized = ZERO
        self.fees = ZERO

    @property
    def is_filled(self) -> bool:
        """Whether it bought something and its entry is over."""
        return self.bought and not self.entry_open

    def take_in(self, event: LegTold) -> None:
        match event:
            case LegEntryEnded():
                self.entry_open = False
            case LegEntryFilled():
                self.bought = True
                self.fees += event.fee_value or ZERO
                self.lot = Lot(
                    quantity=self.lot.quantity + event.quantity,
                    cost=self.lot.cost + event.cost,
                    entry_fee=self.lot.entry_fee + (event.fee_value or ZERO),
                )
            case LegFeeValued():
                self.realized += event.realized
                self.fees += event.fee_value
                entry_fee = self.lot.entry_fee + event.entry_fee
                self.lot = msgspec.structs.replace(self.lot, entry_fee=entry_fee)
            case LegExitFilled() | LegDustWrittenOff():
                self.realized += event.realized
                self.lot = Lot(
                    quantity=self.lot.quantity - event.quantity,
                    cost=self.lot.cost - event.cost,
                    entry_fee=self.lot.entry_fee - event.entry_fee,
                )
                if isinstance(event, LegExitFilled):
                    self.fees += event.fee_value or ZERO


class _Group:
    """A group as the events tell it."""

    def __init__(self, opened: PositionGroupOpened) -> None:
        self.opened = opened
        self.pyramids = 0
        self.closing = False
        self.funding = ZERO
        self.closed_at: datetime | None = None
        self.legs: dict[str, _Leg] = {}

    def summary(self) -> GroupSummary:
        legs = [self.legs[leg_id] for leg_id in sorted(self.legs)]
        held = combined([leg.lot for leg in legs])
        size = legs[0].plan.contract_size if legs else ONE
        return GroupSummary(
            group=self.opened.group_id,
            symbol=self.opened.symbol,
            timeframe=self.opened.timeframe,
            side=self.opened.side,
            state=self._state(),
            pyramids=self.pyramids,
            legs_filled=sum(leg.is_filled for leg in legs),
            legs=len(legs),
            quantity_open=canonical(held.quantity),
            average_entry=held.cost / (held.quantity * size) if held.quantity else None,
            realized_pnl=canonical(sum((leg.realized for leg in legs), self.funding)),
            fees=canonical(sum((leg.fees for leg in legs), ZERO)),
            opened_at=self.opened.opened_at,
            closed_at=self.closed_at,
        )

    def _state(self) -> str:
        """Spec §4: derived from the road out and from the legs."""
        legs = [self.legs[leg_id] for leg_id in sorted(self.legs)]
        if self.closed_at is not None:
            return "CLOSED"
        if self.closing:
            return "CLOSING"
        if any(leg.bought for leg in legs):
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
        self._groups: dict[str, _Group] = {}
        self._group_of_leg: dict[str, str] = {}

    def take_in(self, recorded: Iterable[Recorded]) -> None:
        """Fold further events."""
        for each in recorded:
            self._events += 1
            assert each.account, f"stream {each.stream} names no account"
            self._fold(each)

    def summary(self, balance: Decimal, marks: Mapping[str, Decimal], digest: str) -> RunSummary:
        """The figures so far; `marks` in quote units, `balance` that of the start."""
        ordered = sorted(
            self._groups.values(), key=lambda g: (g.opened.opened_at, g.opened.group_id)
        )
        groups = tuple(group.summary() for group in ordered)
        realized = sum((group.realized_pnl for group in groups), ZERO)
        floating = sum((g.unrealized(marks.get(g.opened.symbol)) for g in ordered), ZERO)
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
        match recorded.event:
            case Input():
                self._inputs += 1
            case SignalJudged(signal_id=signal_id, outcome=outcome):
                self._outcomes[signal_id] = outcome
            case PositionGroupOpened() as opened:
                self._groups[opened.group_id] = _Group(opened)
            case PyramidAdmitted(group_id=group_id):
                self._groups[group_id].pyramids += 1
            case PositionGroupClosing(group_id=group_id):
                self._groups[group_id].closing = True
            case PositionGroupClosed(group_id=group_id, closed_at=closed_at):
                self._groups[group_id].closed_at = closed_at
            case LegPlanned() as plan:
                self._group_of_leg[plan.leg_id] = plan.group_id
                self._groups[plan.group_id].legs[plan.leg_id] = _Leg(plan)
            case FundingShared(group_id=group_id, amount=amount):
                self._groups[group_id].funding += amount
            case (
                LegEntryFilled()
                | LegEntryEnded()
                | LegExitFilled()
                | LegFeeValued()
                | LegDustWrittenOff()
            ):
                group = self._groups[self._group_of_leg[recorded.event.leg_id]]
                group.legs[recorded.event.leg_id].take_in(recorded.event)
            case _:
                return
