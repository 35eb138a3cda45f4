"""Trades as a trader sees them: groups, their legs, and the exits that guard both.

Amounts in the account's capital currency, prices in quote units, quantities in contracts,
percentages in percent, times in UTC. None means unknown: never shown as zero.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from domain.exit import Aim
from domain.instrument import PositionSide

GroupState = Literal["WAITING", "LIVE", "DCA_ACTIVE", "PROFIT_TAKING", "CLOSING", "CLOSED"]
LegState = Literal[
    "PLANNED",
    "REQUESTED",
    "UNKNOWN",
    "OPEN",
    "PARTIALLY_FILLED",
    "FILLED",
    "CLOSED",
    "CANCELLED",
    "REJECTED",
    "SKIPPED",
]
ExitState = Literal["REQUESTED", "UNKNOWN", "RESTING", "WATCHED", "ENDED"]


class ExitView(msgspec.Struct, frozen=True, kw_only=True):
    """What sells at a price: an order at the venue, or our own watch on the mark.

    REQUESTED: the venue has not confirmed the order yet; ENDED: it is final, the next one is
    due. `quantity` is what it still would sell, of `covers` legs together. A watched one has no
    order, and `reason` says why it is watched.
    """

    exit_id: str
    aim: Aim
    state: ExitState
    price: Decimal
    quantity: Decimal
    covers: int
    client_order_id: str
    reason: str


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """A pyramid that holds slot and `capital`, and waits for its market's rules, so long at most.

    At `gives_up_at` it is put before the gate again, or expires.
    """

    pyramid_id: str
    index: int
    entry_price: Decimal
    capital: Decimal
    waiting_since: datetime
    gives_up_at: datetime


class LegView(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a group. A skipped leg has no weight or target; `reason` says why.

    `exit` is what takes its profit: an order of its own, of its pyramid or of the group; else
    what is watched. `target` is its price, else the price the take-profit percent leads to; a
    mode that gives legs no targets of their own has none then.
    `stop` guards it against a loss. A lot without `exit` is `unprotected`, unless it is
    `being_sold` at market just now.
    `progress_percent` is the way to the target that the mark has gone, from the average fill of
    all that the exit sells together: negative is away from it, 100 is reached.
    """

    leg_id: str
    pyramid_id: str
    pyramid_index: int
    index: int
    state: LegState
    price: Decimal
    gap_percent: Decimal | None
    weight_percent: Decimal | None
    take_profit_percent: Decimal | None
    target: Decimal | None
    progress_percent: Decimal | None
    quantity: Decimal
    filled: Decimal
    average_fill: Decimal | None
    open_quantity: Decimal
    realized: Decimal
    fees: Decimal
    exit: ExitView | None
    stop: ExitView | None
    being_sold: bool
    unprotected: bool
    reason: str


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """One trade. PnL = realized + unrealized, `pnl_percent` of all that its entries cost.

    Realized includes `funding`, its share of the settlements (below zero: paid). `exit` is the
    take-profit of the whole, `stop` its stop, `trailed_from` the best price a trailing one
    follows. `reducing`: a part of it is being sold, for `reducing_reason`.

    Unrealized = (mark - entry) x quantity, mirrored for shorts, less entry fees not yet
    realized. It is None while there is something open and no mark. `fees_pending` counts the
    fees that have no value yet: profits are too high by them. `waiting` are pyramids without
    any order yet.
    """

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    state: GroupState
    mode: str
    signal_id: str
    pyramids: int
    max_pyramids: int
    legs_filled: int
    legs_total: int
    quantity: Decimal
    average_entry: Decimal | None
    mark: Decimal | None
    mark_at: datetime | None
    unrealized: Decimal | None
    realized: Decimal
    funding: Decimal
    fees: Decimal
    fees_pending: int
    pnl: Decimal | None
    pnl_percent: Decimal | None
    committed: Decimal
    exit: ExitView | None
    stop: ExitView | None
    trailed_from: Decimal | None
    reducing: bool
    reducing_reason: str
    unprotected_legs: int
    opened_at: datetime
    closing_reason: str
    closed_at: datetime | None
    waiting: tuple[WaitingView, ...]
    legs: tuple[LegView, ...]
