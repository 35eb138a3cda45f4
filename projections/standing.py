"""How a trade stands: the states and figures of its legs and group, from their rows and marks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

import msgspec

from domain.instrument import PositionSide
from domain.money import DECISION_CONTEXT, HUNDRED, ONE, ZERO
from projections.cover import ExitRow, exit_of, exit_view, of_group, stop_of
from projections.position_views import (
    ExitView,
    GroupState,
    GroupView,
    LegState,
    LegView,
    WaitingView,
)

# Modes in which each leg takes its profit at a target of its own.
MODES_BY_LEG = frozenset({"per_leg", "hybrid"})


class LegRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `legs` with the status of its entry order; None = none was requested."""

    leg_id: str
    group_id: str
    pyramid_id: str
    index: int
    side: PositionSide
    price: Decimal
    quantity: Decimal
    gap_percent: Decimal | None
    weight_percent: Decimal | None
    take_profit_percent: Decimal | None
    contract_size: Decimal
    skipped: str
    entry_open: bool
    entry_reason: str
    entry_filled: Decimal
    entry_cost: Decimal
    open_quantity: Decimal
    open_cost: Decimal
    open_fee: Decimal
    realized: Decimal
    fees: Decimal
    fees_pending: int
    reduced_from: int
    entry_status: str | None


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `position_groups` with what its legs commit. `funding`: received less paid."""

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    signal_id: str
    mode: str
    pyramids: int
    max_pyramids: int
    opened_at: datetime
    trailed_from: Decimal | None
    funding: Decimal
    reducing_from: int
    reducing_reason: str
    closing_reason: str
    closing_at: datetime | None
    closed_at: datetime | None
    committed: Decimal


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The price a symbol is valued at, in quote units, and when it was seen."""

    price: Decimal
    at: datetime


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to one group: its legs, what guards them, and what has no legs yet."""

    legs: Sequence[LegRow]
    exits: Sequence[ExitRow] = ()
    waiting: Sequence[WaitingView] = ()


def group_view(row: GroupRow, parts: Parts, mark: Mark | None) -> GroupView:
    """The group with its legs. Figures are exact sums; quotients have 34 digits."""
    legs = parts.legs
    price = None if mark is None else mark.price
    exits = [each for each in parts.exits if row.closing_at is None or not each.is_watched]
    whole, stop = of_group(row.group_id, exits)
    with localcontext(DECISION_CONTEXT):
        shown = tuple(
            leg_view(leg, price, _guards(row, leg, legs, exits)) for leg in sorted(legs, key=_place)
        )
        realized = row.funding + _total(leg.realized for leg in legs)
        unrealized = unrealized_of(legs, price)
        entered = _total(leg.entry_cost for leg in legs)
        pnl = None if unrealized is None else realized + unrealized
        ratio = None if pnl is None or entered == ZERO else pnl / entered * HUNDRED
        return GroupView(
            group_id=row.group_id,
            symbol=row.symbol,
            timeframe=row.timeframe,
            side=row.side,
            mode=row.mode,
            signal_id=row.signal_id,
            pyramids=row.pyramids,
            max_pyramids=row.max_pyramids,
            committed=row.committed,
            opened_at=row.opened_at,
            closing_reason=row.closing_reason,
            closed_at=row.closed_at,
            state=group_state(row, legs),
            legs_filled=sum(1 for leg in legs if is_filled(leg)),
            legs_total=sum(1 for leg in legs if not leg.skipped),
            quantity=_total(leg.open_quantity for leg in legs),
            average_entry=average_entry(legs),
            mark=price,
            mark_at=None if mark is None else mark.at,
            unrealized=unrealized,
            realized=realized,
            funding=row.funding,
            fees=_total(leg.fees for leg in legs),
            fees_pending=sum(leg.fees_pending for leg in legs),
            pnl=pnl,
            pnl_percent=ratio,
            exit=whole,
            stop=stop,
            trailed_from=row.trailed_from,
            reducing=row.reducing_from > 0,
            reducing_reason=row.reducing_reason,
            unprotected_legs=sum(1 for leg in shown if leg.unprotected),
            waiting=tuple(parts.waiting),
            legs=shown,
        )


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """What sees to a leg's lot, and what its profit is measured from.

    `has_own_target`: the mode gives each leg a target of its own. `entry` is the average of all
    lots that its exit sells together; None: there is no exit, and the leg's own average counts.
    """

    profit: ExitView | None = None
    stop: ExitView | None = None
    being_sold: bool = False
    has_own_target: bool = True
    entry: Decimal | None = None


def _guards(row: GroupRow, leg: LegRow, legs: Sequence[LegRow], exits: Sequence[ExitRow]) -> Guards:
    held = exits if leg.open_quantity > ZERO else ()
    found = exit_of(leg.leg_id, held)
    sold = () if found is None else tuple(one for one in legs if one.leg_id in found.leg_ids)
    return Guards(
        profit=None if found is None else exit_view(found),
        stop=stop_of(leg.leg_id, held),
        being_sold=is_being_sold(row, leg),
        has_own_target=row.mode in MODES_BY_LEG,
        entry=average_entry(sold),
    )


def leg_view(row: LegRow, mark: Decimal | None, guards: Guards | None = None) -> LegView:
    """The leg as it stands, with what guards its lot."""
    guards = guards or Guards()
    average = _average(row.entry_cost, row.entry_filled, row.contract_size)
    profit, being_sold = guards.profit, guards.being_sold
    planned = target_of(row, average) if guards.has_own_target else None
    target = planned if profit is None else profit.price
    entry = average if guards.entry is None else guards.entry
    names = ("leg_id", "pyramid_id", "index", "price", "gap_percent", "weight_percent")
    more = ("take_profit_percent", "quantity", "open_quantity", "realized", "fees")
    return LegView(
        **{name: getattr(row, name) for name in (*names, *more)},
        pyramid_index=pyramid_index(row),
        state=leg_state(row),
        target=target,
        progress_percent=_progress(entry, target, mark) if row.open_quantity else None,
        filled=row.entry_filled,
        average_fill=average,
        exit=profit,
        stop=guards.stop,
        being_sold=being_sold,
        unprotected=row.open_quantity > ZERO and profit is None and not being_sold,
        reason=row.skipped or ("" if row.entry_open else row.entry_reason),
    )


def leg_state(row: LegRow) -> LegState:
    """Spec §4: the leg's plan and fills, and while nothing filled its order."""
    if row.skipped:
        return "SKIPPED"
    if row.entry_status == "unknown":
        return "UNKNOWN"
    if row.entry_filled == ZERO:
        return _unfilled_state(row)
    if row.entry_open and row.entry_filled < row.quantity:
        return "PARTIALLY_FILLED"
    return "FILLED" if row.open_quantity > ZERO else "CLOSED"


def group_state(row: GroupRow, legs: Sequence[LegRow]) -> GroupState:
    """Spec §4: derived from the group's own road out and from its legs."""
    if row.closed_at is not None:
        return "CLOSED"
    if row.closing_at is not None:
        return "CLOSING"
    if any(leg.entry_filled > ZERO for leg in legs):
        resting = any(leg.entry_open and leg.entry_filled < leg.quantity for leg in legs)
        return "DCA_ACTIVE" if resting else "PROFIT_TAKING"
    return "LIVE" if any(leg.entry_status for leg in legs) else "WAITING"


def is_being_sold(row: GroupRow, leg: LegRow) -> bool:
    """Whether its lot goes at market now: with the whole trade, or in the part that is reduced."""
    is_closing = row.closing_at is not None
    is_reduced = 0 < row.reducing_from <= leg.reduced_from
    return leg.open_quantity > ZERO and (is_closing or is_reduced)


def is_filled(leg: LegRow) -> bool:
    """Whether the leg bought something and its entry is over."""
    complete = not leg.entry_open or leg.entry_filled >= leg.quantity
    return leg.entry_filled > ZERO and complete


def unrealized_of(legs: Sequence[LegRow], mark: Decimal | None) -> Decimal | None:
    """Spec §11: (mark - entry) x quantity, mirrored, less entry fees not yet realized."""
    held = [leg for leg in legs if leg.open_quantity]
    if not held:
        return ZERO
    if mark is None:
        return None
    return _total(_unrealized(leg, mark) for leg in held)


def average_entry(legs: Sequence[LegRow]) -> Decimal | None:
    """The weighted average entry of all open lots, fees excluded."""
    base = _total(leg.open_quantity * leg.contract_size for leg in legs)
    return None if base == ZERO else _total(leg.open_cost for leg in legs) / base


def target_of(row: LegRow, average: Decimal | None) -> Decimal | None:
    """Where the take-profit percent leads from the average fill, or the plan, unrounded."""
    if row.take_profit_percent is None:
        return None
    way = row.take_profit_percent / HUNDRED
    start = row.price if average is None else average
    return start * (ONE + way if row.side == "long" else ONE - way)


def pyramid_index(row: LegRow) -> int:
    """The number at the end of a pyramid's id; see `domain.identity.pyramid_id`."""
    return int(row.pyramid_id.rpartition("-p")[2])


def _unfilled_state(row: LegRow) -> LegState:
    if not row.entry_open:
        return "REJECTED" if row.entry_status == "rejected" else "CANCELLED"
    if row.entry_status is None:
        return "PLANNED"
    if row.entry_status == "open":
        return "OPEN"
    if row.entry_status == "requested":
        return "REQUESTED"
    return "REJECTED" if row.entry_status == "rejected" else "CANCELLED"


def _unrealized(leg: LegRow, mark: Decimal) -> Decimal:
    gain = mark * leg.open_quantity * leg.contract_size - leg.open_cost
    return (gain if leg.side == "long" else -gain) - leg.open_fee


def _average(cost: Decimal, quantity: Decimal, contract_size: Decimal) -> Decimal | None:
    return None if quantity == ZERO else cost / (quantity * contract_size)


def _progress(
    average: Decimal | None, target: Decimal | None, mark: Decimal | None
) -> Decimal | None:
    if average is None or target is None or mark is None or target == average:
        return None
    return (mark - average) / (target - average) * HUNDRED


def _place(leg: LegRow) -> tuple[int, int]:
    return pyramid_index(leg), leg.index


def _total(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
