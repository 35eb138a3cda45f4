"""Exports: what was traded as rows anyone can check, the same bytes every time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path

import msgspec

from application.fifo import FifoBook, Matched, Parcel
from application.fills import Fill, fills, leg_index, pyramid_index, request_of
from application.journal import GENESIS, JournalMapper, Recorded, seal
from application.rowfile import Written, write_rows, write_stored
from domain.account import AccountOpened, InstrumentsChanged
from domain.dca_leg import LegEntryFilled, LegExitFilled, LegPlanned
from domain.identity import group_of
from domain.instrument import PositionSide, Side, exit_side
from domain.money import DECISION_CONTEXT, ONE, ZERO
from domain.order import OrderAccepted, OrderFilled, OrderRequested


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One fill with all that led to it, and what it realized.

    `at` is when the engine recorded it (which decides the day, and never changes), `traded_at`
    the venue's own time. Quantity in contracts, price in quote units, fee in `fee_asset`;
    `fee_value` in the capital currency, None if it could not be valued when the trade was
    recorded: what it is worth later is in the log (`dca_leg.fee_valued.v1`) and in the account's
    results, and changes no row of a past range.

    Realized amounts stand on closing fills only, in the capital currency: `realized_pnl` by
    the lots of the legs that were closed, `fifo_realized_gain` by the account's oldest parcels
    of the symbol, of which `fifo_quantity` was found; both net of both fees. One order may
    close several legs: it is one row. What was closed outside, by no order of ours, is a row a
    leg of the purpose `adopted`.
    """

    at: datetime
    traded_at: datetime
    account: str
    venue: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    liquidity: str
    client_order_id: str
    venue_order_id: str
    trade_id: str
    signal_id: str
    group: str
    pyramid: int | None
    leg: int | None
    purpose: str
    event_id: str
    fifo_quantity: Decimal | None
    fifo_cost_basis: Decimal | None
    fifo_realized_gain: Decimal | None
    realized_pnl: Decimal | None


def trades(events: Iterable[Recorded]) -> Iterator[TradeRow]:
    """One row a fill, in the order of the log. Give a whole log, from its start.

    FIFO and the orders' own stories reach back before any range: `trades_between` cuts rows,
    not events. Memory grows with the orders of the log. Raises ValueError for a cut log.
    """
    desk = _Desk()
    for recorded in events:
        # An input begins: whatever the one before it filled has found its lots.
        if not recorded.causation_id:
            yield from desk.settle()
        desk.note(recorded)
    yield from desk.settle()


def trades_between(
    events: Iterable[Recorded], start: datetime, end: datetime
) -> Iterator[TradeRow]:
    """The rows recorded within [start, end), from a whole log: the same ones for ever."""
    return (row for row in trades(events) if start <= row.at < end)


def write_fills(path: Path, events: Iterable[Recorded]) -> Written:
    """Write `fills.csv` of a whole log, or of a whole simulated run."""
    with path.open("wb") as out:
        return write_rows(fills(events), Fill, "csv", out)


def write_events(path: Path, events: Sequence[Recorded]) -> Written:
    """Write `events.jsonl` of ONE account's whole log: sealed again, to the same bytes."""
    mapper = JournalMapper()
    sealed, _ = seal(GENESIS, [mapper.to_stored_event(event) for event in events])
    with path.open("wb") as out:
        return write_stored(sealed, out)


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A fill whose share in lots, fees and profit the events right after it tell."""

    recorded: Recorded
    filled: OrderFilled
    request: OrderRequested
    bought: tuple[Decimal, ...] = ()
    fee_values: tuple[Decimal | None, ...] = ()
    realized: tuple[Decimal, ...] = ()


class _Desk:
    """What must be remembered from event to event."""

    def __init__(self) -> None:
        self._venues: dict[str, str] = {}
        self._sizes: dict[tuple[str, str], Decimal] = {}
        self._requests: dict[tuple[str, str], OrderRequested] = {}
        self._venue_ids: dict[tuple[str, str], str] = {}
        self._books: dict[str, FifoBook] = {}
        self._pending: dict[tuple[str, str, str], _Pending] = {}
        self._plans: dict[tuple[str, str], LegPlanned] = {}
        self._adopted: list[TradeRow] = []

    def note(self, recorded: Recorded) -> None:
        """Take one event in."""
        event, account = recorded.event, recorded.account
        match event:
            case AccountOpened():
                self._venues[account] = event.venue
            case InstrumentsChanged():
                for market in event.instruments:
                    self._sizes[account, market.symbol] = market.contract_size
            case OrderRequested():
                self._requests[account, event.client_order_id] = event
            case OrderAccepted():
                self._venue_ids[account, event.client_order_id] = event.venue_order_id
            case OrderFilled():
                self._fill(recorded, event)
            case LegPlanned():
                self._plans[account, event.leg_id] = event
            case LegExitFilled(client_order_id=""):
                self._adopted.append(self._outside(recorded, event))
            case LegEntryFilled() | LegExitFilled():
                self._share(account, event)
            case _:
                pass

    def settle(self) -> Iterator[TradeRow]:
        """The rows of the fills taken in, in their order."""
        pending, self._pending = self._pending, {}
        adopted, self._adopted = self._adopted, []
        for fill in pending.values():
            yield self._row(fill)
        yield from adopted

    def _fill(self, recorded: Recorded, event: OrderFilled) -> None:
        request = request_of(self._requests, recorded, event.client_order_id)
        self._pending[recorded.account, event.client_order_id, event.trade_id] = _Pending(
            recorded=recorded, filled=event, request=request
        )

    def _share(self, account: str, event: LegEntryFilled | LegExitFilled) -> None:
        key = (account, event.client_order_id, event.trade_id)
        fill = self._pending.get(key)
        if fill is None:
            raise ValueError(
                f"leg {event.leg_id} counts trade {event.trade_id} of order"
                f" {event.client_order_id}, which no order fill before it tells;"
                " fold the log from its start"
            )
        realized = (event.realized,) if isinstance(event, LegExitFilled) else ()
        bought = (event.quantity,) if isinstance(event, LegEntryFilled) else ()
        self._pending[key] = msgspec.structs.replace(
            fill,
            bought=(*fill.bought, *bought),
            fee_values=(*fill.fee_values, event.fee_value),
            realized=(*fill.realized, *realized),
        )

    def _row(self, fill: _Pending) -> TradeRow:
        recorded, filled, request = fill.recorded, fill.filled, fill.request
        account = recorded.account
        matched, gain = self._matched(fill)
        closing = request.purpose != "entry"
        return TradeRow(
            at=recorded.at,
            traded_at=filled.traded_at,
            account=account,
            venue=self._venues.get(account, ""),
            symbol=request.symbol,
            side=request.side,
            quantity=filled.quantity,
            price=filled.price,
            fee=filled.fee,
            fee_asset=filled.fee_asset,
            fee_value=_fee_value(fill),
            liquidity=filled.liquidity,
            client_order_id=filled.client_order_id,
            venue_order_id=self._venue_ids.get((account, filled.client_order_id), ""),
            trade_id=filled.trade_id,
            signal_id=request.signal_id,
            group=request.group_id,
            pyramid=pyramid_index(request.pyramid_id),
            leg=leg_index(request.leg_id),
            purpose=request.purpose,
            event_id=recorded.event_id,
            fifo_quantity=matched.quantity if closing else None,
            fifo_cost_basis=matched.basis if closing else None,
            fifo_realized_gain=gain if closing else None,
            realized_pnl=_sum(fill.realized) if closing else None,
        )

    def _outside(self, recorded: Recorded, event: LegExitFilled) -> TradeRow:
        """A lot that no order of ours closed; what its fee was is not known."""
        account = recorded.account
        plan = self._plans[account, event.leg_id]
        with localcontext(DECISION_CONTEXT):
            book = self._books.setdefault(account, FifoBook())
            matched = book.close(plan.symbol, plan.side, event.quantity)
            value = event.price * event.quantity * plan.contract_size
            gain = _gain(matched, plan.side, (value, ZERO), event.quantity)
        return TradeRow(
            at=recorded.at,
            traded_at=event.traded_at,
            account=account,
            venue=self._venues.get(account, ""),
            symbol=plan.symbol,
            side=exit_side(plan.side),
            quantity=event.quantity,
            price=event.price,
            fee=event.fee,
            fee_asset=event.fee_asset,
            fee_value=event.fee_value,
            liquidity="",
            client_order_id="",
            venue_order_id="",
            trade_id=event.trade_id,
            signal_id=plan.signal_id,
            group=group_of(event.leg_id),
            pyramid=pyramid_index(plan.pyramid_id),
            leg=leg_index(event.leg_id),
            purpose="adopted",
            event_id=recorded.event_id,
            fifo_quantity=matched.quantity,
            fifo_cost_basis=matched.basis,
            fifo_realized_gain=gain,
            realized_pnl=event.realized,
        )

    def _matched(self, fill: _Pending) -> tuple[Matched, Decimal]:
        """What a closing fill met and gained; an opening one adds a parcel."""
        request, filled = fill.request, fill.filled
        account = fill.recorded.account
        book = self._books.setdefault(account, FifoBook())
        side = position_side(request)
        size = self._sizes.get((account, request.symbol), ONE)
        with localcontext(DECISION_CONTEXT):
            # On spot the venue may keep its fee in what was bought: then less came in.
            quantity = _sum(fill.bought) or filled.quantity
            value = filled.price * quantity * size
            fee = _fee_value(fill) or ZERO
            if request.purpose == "entry":
                basis = value + fee if side == "long" else value - fee
                parcel = Parcel(quantity=quantity, basis=basis)
                book.open(request.symbol, side, parcel)
                return Matched(), ZERO
            matched = book.close(request.symbol, side, filled.quantity)
            return matched, _gain(matched, side, (value, fee), filled.quantity)


def position_side(request: OrderRequested) -> PositionSide:
    """The side of the position an order serves: an entry opens it, everything else closes it."""
    opens = request.purpose == "entry"
    return "long" if (request.side == "buy") == opens else "short"


def _gain(
    matched: Matched, side: PositionSide, closing: tuple[Decimal, Decimal], quantity: Decimal
) -> Decimal:
    """Of the matched quantity only: what the rest cost is not known here."""
    value, fee = closing
    share = matched.quantity / quantity
    if side == "long":
        return (value - fee) * share - matched.basis
    return matched.basis - (value + fee) * share


def _fee_value(fill: _Pending) -> Decimal | None:
    """In the capital currency, summed over the legs that share the fill; None if pending."""
    if not fill.fee_values or None in fill.fee_values:
        return None
    return _sum(value for value in fill.fee_values if value is not None)


def _sum(values: Iterable[Decimal]) -> Decimal:
    with localcontext(DECISION_CONTEXT):
        return sum(values, ZERO)
