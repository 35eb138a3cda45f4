"""Which exits a trade should have just now: computed from its lots, its mode and its market."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.processes.targets import average_of, has_leg_targets, leg_target, target_of
from domain.dca_leg import DCALeg
from domain.exit import Aim
from domain.identity import stop_id
from domain.instrument import Instrument, is_undersized, round_quantity
from domain.money import ZERO
from domain.position_group import PositionGroup
from domain.stop import StopFacts, stop_price

TOO_SMALL = "too small to rest at the venue"
TOO_LARGE = "more than the venue takes in one order"
FAILING = "three of its orders failed within a minute"
RESERVED = "other exits offer its quantity already"


class WantedExit(msgspec.Struct, frozen=True, kw_only=True):
    """An exit as it should be. `watch` says why its price is watched; empty = an order rests."""

    exit_id: str
    aim: Aim
    covers: tuple[str, ...]
    price: Decimal
    quantity: Decimal
    watch: str = ""


def wanted_exits(book: Book, group: PositionGroup, now: datetime) -> dict[str, WantedExit]:
    """Every exit the trade should have, by id; none once it is closing.

    What is being sold belongs to no take-profit meanwhile.
    """
    instrument = book.instrument(group.opened.symbol)
    holding = [leg for leg in book.legs_of(group) if leg.lot.quantity > ZERO]
    if instrument is None or not group.is_open or not holding:
        return {}
    being_sold = _being_sold(book, group)
    free = [leg for leg in holding if leg.plan.leg_id not in being_sold]
    profits = [
        _as_it_may_rest(book, group, instrument, wanted, now)
        for wanted in _take_profits(group, instrument, free)
    ]
    stops = _stops(book, group, instrument, (tuple(holding), profits), now)
    return {wanted.exit_id: wanted for wanted in (*stops, *profits)}


def _being_sold(book: Book, group: PositionGroup) -> set[str]:
    """The legs a reduction is to sell, and those its latest order may still sell.

    A reduction may take the place of one at a bound whose order is still under way.
    """
    legs, last = {part.leg_id for part in group.reducing}, group.last_attempt
    if last is None:
        return legs
    order = book.order(last.client_order_id)
    return legs if order is not None and order.is_final else legs.union(last.covers)


def _take_profits(
    group: PositionGroup, instrument: Instrument, legs: Sequence[DCALeg]
) -> Iterator[WantedExit]:
    exits, whole = group.opened.exits, group.opened.group_id
    if not legs:
        return
    if has_leg_targets(group):
        yield from _joined([_of_leg(leg, instrument) for leg in legs], legs, instrument)
    if exits.mode == "hybrid":
        together = _together(whole, tuple(legs), instrument, exits.take_profit_percent)
        yield msgspec.structs.replace(together, watch="exits.mode is hybrid")
    elif exits.mode == "aggregate":
        yield _together(whole, tuple(legs), instrument, exits.take_profit_percent)
    elif exits.mode == "pyramid_aggregate":
        for index, pyramid_id in enumerate(group.pyramid_ids):
            own = tuple(leg for leg in legs if leg.plan.pyramid_id == pyramid_id)
            percent = exits.pyramid_targets.get(index, exits.take_profit_percent)
            if own:
                yield _together(pyramid_id, own, instrument, percent)


def _of_leg(leg: DCALeg, instrument: Instrument) -> WantedExit:
    return WantedExit(
        exit_id=leg.plan.leg_id,
        aim="take_profit",
        covers=(leg.plan.leg_id,),
        price=leg_target(leg, instrument),
        quantity=round_quantity(instrument, leg.lot.quantity),
    )


def _together(
    exit_id: str, legs: tuple[DCALeg, ...], instrument: Instrument, percent: Decimal
) -> WantedExit:
    return WantedExit(
        exit_id=exit_id,
        aim="take_profit",
        covers=tuple(leg.plan.leg_id for leg in legs),
        price=target_of(legs, instrument, percent),
        quantity=_sellable(legs, instrument),
    )


def _joined(
    exits: Sequence[WantedExit], legs: Sequence[DCALeg], instrument: Instrument
) -> Iterator[WantedExit]:
    """What no venue would take alone goes with the exit whose price is nearest to its own."""
    small = [each for each in exits if _is_small(each, instrument)]
    hosts = [each for each in exits if each not in small]
    lots = {leg.plan.leg_id: leg for leg in legs}
    for host in hosts:
        guests = [each for each in small if _nearest(each, hosts) == host.exit_id]
        covers = (*host.covers, *(guest.exit_id for guest in guests))
        quantity = _sellable([lots[leg_id] for leg_id in covers], instrument)
        yield msgspec.structs.replace(host, covers=covers, quantity=quantity)
    if not hosts:
        yield from small


def _nearest(guest: WantedExit, hosts: Sequence[WantedExit]) -> str:
    return min(hosts, key=lambda host: (abs(host.price - guest.price), host.exit_id)).exit_id


def _sellable(legs: Sequence[DCALeg], instrument: Instrument) -> Decimal:
    return round_quantity(instrument, sum((leg.lot.quantity for leg in legs), ZERO))


def _is_small(wanted: WantedExit, instrument: Instrument) -> bool:
    return is_undersized(instrument, wanted.price, wanted.quantity, reduce_only=True)


def _as_it_may_rest(
    book: Book, group: PositionGroup, instrument: Instrument, wanted: WantedExit, now: datetime
) -> WantedExit:
    """With the reason why no order of it may rest, if there is one."""
    known = book.exit(wanted.exit_id)
    execution = group.opened.exits.execution
    if wanted.aim == "stop":
        execution = group.opened.exits.stop_execution
    reasons = (
        (wanted.watch, bool(wanted.watch)),
        (f"{wanted.aim.replace('_', '-')} execution is watch", execution == "watch"),
        (FAILING, known.is_failing(now)),
        (TOO_SMALL, _is_small(wanted, instrument) and not _rests_already(book, wanted)),
        (TOO_LARGE, wanted.quantity > (instrument.max_quantity or wanted.quantity)),
    )
    reason = next((reason for reason, holds in reasons if holds), "")
    return msgspec.structs.replace(wanted, watch=reason)


def _rests_already(book: Book, wanted: WantedExit) -> bool:
    """What an order's own fills left of it goes on working, however little a new one may be."""
    working = book.exit(wanted.exit_id).working
    order = book.order(working.client_order_id) if working is not None else None
    return order is not None and order.request.quantity - order.filled == wanted.quantity


def _stops(
    book: Book,
    group: PositionGroup,
    instrument: Instrument,
    held: tuple[tuple[DCALeg, ...], Sequence[WantedExit]],
    now: datetime,
) -> Iterator[WantedExit]:
    """One stop for all lots; where the venue counts both, only what nothing else offers.

    A reduction makes every such stop that guards its lots give way: until it ends the stop is
    watched, or it would be in the way of the sale for ever.
    """
    legs, profits = held
    price = stop_price(stop_facts(group, instrument, legs))
    if price is None:
        return
    quantity = _sellable(legs, instrument)
    stop = WantedExit(
        exit_id=stop_id(group.opened.group_id),
        aim="stop",
        covers=tuple(leg.plan.leg_id for leg in legs),
        price=price,
        quantity=quantity,
    )
    stop = _as_it_may_rest(book, group, instrument, stop, now)
    if not stop.watch and stops_count(instrument):
        resting = sum((each.quantity for each in profits if not each.watch), ZERO)
        rest = msgspec.structs.replace(stop, quantity=quantity - resting)
        whole = msgspec.structs.replace(stop, watch=RESERVED)
        stop = whole if group.reducing or _is_small(rest, instrument) else rest
    yield stop


def stops_count(instrument: Instrument) -> bool:
    """Whether a resting stop holds quantity that no other exit may offer."""
    return instrument.stops_reserve or instrument.kind == "spot"


def stop_facts(group: PositionGroup, instrument: Instrument, legs: tuple[DCALeg, ...]) -> StopFacts:
    """What the group's stop is computed from; `legs` hold its open lots."""
    return StopFacts(
        instrument=instrument,
        side=group.opened.side,
        average_entry=average_of(legs, instrument),
        exits=group.opened.exits,
        best=group.best,
        of_signal=group.opened.stop_loss,
    )
