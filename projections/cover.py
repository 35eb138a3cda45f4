"""What guards a lot: the exit that takes its profit and the stop, working or watched."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain.exit import Aim
from projections.position_views import ExitState, ExitView

_STATES: dict[str | None, ExitState] = {
    None: "REQUESTED",
    "requested": "REQUESTED",
    "unknown": "UNKNOWN",
    "open": "RESTING",
}


class ExitRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `exits` with its order: `order_status` None = none is known, `order_filled` of it.

    `covers` are leg ids, a space between them.
    """

    exit_id: str
    group_id: str
    aim: Aim
    covers: str
    price: Decimal
    quantity: Decimal
    client_order_id: str
    reason: str
    order_status: str | None
    order_filled: Decimal

    @property
    def is_watched(self) -> bool:
        """Whether no order rests, and we watch the mark instead."""
        return not self.client_order_id

    @property
    def leg_ids(self) -> tuple[str, ...]:
        """The legs whose lots it is about."""
        return tuple(self.covers.split())


def exit_of(leg_id: str, exits: Sequence[ExitRow]) -> ExitRow | None:
    """What takes a leg's profit: an order before a watched price, the nearer before the group's."""
    own = [each for each in exits if each.aim == "take_profit" and leg_id in each.leg_ids]
    own.sort(key=lambda each: (each.is_watched, each.exit_id == each.group_id, each.exit_id))
    return own[0] if own else None


def stop_of(leg_id: str, exits: Sequence[ExitRow]) -> ExitView | None:
    """The stop that guards a leg; resting, it may leave out what take-profits offer."""
    stops = (each for each in exits if each.aim == "stop" and leg_id in each.leg_ids)
    return next((exit_view(stop) for stop in stops), None)


def of_group(group_id: str, exits: Sequence[ExitRow]) -> tuple[ExitView | None, ExitView | None]:
    """The take-profit of the whole group and its stop, where it has them."""
    whole = (exit_view(each) for each in exits if each.exit_id == group_id)
    stops = (exit_view(each) for each in exits if each.aim == "stop")
    return next(whole, None), next(stops, None)


def exit_view(row: ExitRow) -> ExitView:
    """The exit as it stands, with what it still would sell."""
    state = "WATCHED" if row.is_watched else _STATES.get(row.order_status, "ENDED")
    return ExitView(
        exit_id=row.exit_id,
        aim=row.aim,
        state=state,
        price=row.price,
        quantity=row.quantity - row.order_filled,
        covers=len(row.leg_ids),
        client_order_id=row.client_order_id,
        reason=row.reason,
    )
