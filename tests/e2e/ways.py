"""The ways a trade can go, each from its alert to its end, in the settings of one account."""

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec

from application.processes.reconciling import CONFIRMED_AFTER
from tests.e2e.journey import Journey, price_of
from tests.e2e.venue_desk import BTC
from tests.e2e.waiting import until

ETHER = "ETH/USDT:USDT"

# Two legs have every kind of step that five have: each kind of order, and one to take back.
LEGS = [
    {"gap_percent": "0", "weight_percent": "30", "take_profit_percent": "1"},
    {"gap_percent": "-1", "weight_percent": "70", "take_profit_percent": "1"},
]
# What rests at which timeframe, so that one prepared account serves every way.
EXITS: dict[str, dict[str, str]] = {
    "1": {"mode": "aggregate"},
    "3": {"stop_loss_percent": "2"},
    "5": {"stop_loss_percent": "2", "stop_execution": "resting"},
    "45": {"mode": "hybrid", "take_profit_percent": "0.5"},
}
FIVE_LEGS = [
    {"gap_percent": gap, "weight_percent": "20", "take_profit_percent": "1"}
    for gap in ("0", "-0.5", "-1", "-1.5", "-2")
]
# Trades that one pyramid fills, and that no target of their own ends.
HELD = {"legs": [{**leg, "take_profit_percent": "30"} for leg in LEGS], "max_pyramids": 1}
GRIDS: dict[str, dict[str, Any]] = {
    "60": {"post_only": True},
    "120": {"legs": FIVE_LEGS},
    "240": HELD,
    "360": HELD,
}
SETTINGS: dict[str, Any] = {
    # Marks of the allowed symbols are followed from the start.
    "risk": {"symbols_allowed": [BTC]},
    "grid": {"legs": LEGS},
    "overrides": [
        *({"symbol": BTC, "timeframe": name, "exits": exits} for name, exits in EXITS.items()),
        *({"symbol": BTC, "timeframe": name, "grid": grid} for name, grid in GRIDS.items()),
    ],
}
HEDGED: dict[str, Any] = {**SETTINGS, "capital": {"hedge_mode": True}}

FIRST, SECOND = "59900", "59301"
BOTH_LOTS = Decimal("0.016")

Act = Callable[[Journey], Awaitable[None]]


async def _nothing(_: Journey) -> None:
    """The way begins with its alert."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How a trade goes. Steps count, and troubles come, from the end of `prepare` on.

    `admitted` are the signals that were, in the end; `refused` the codes with which the venue
    does not take some of the orders.
    """

    travel: Act
    prepare: Act = _nothing
    timeframe: str = "15"
    admitted: int = 1
    refused: tuple[str, ...] = ()
    hedged: bool = False


async def _enter(journey: Journey) -> None:
    await journey.send("signal")
    await journey.rests(entries=2)


async def _hold_one(journey: Journey) -> None:
    await _enter(journey)
    await journey.venue.move(FIRST)
    await journey.rests(entries=1, exits=1)


async def _hold_two(journey: Journey) -> None:
    await _enter(journey)
    await journey.venue.move(SECOND)
    await journey.rests(exits=2)


async def _take_profit(journey: Journey) -> None:
    await _hold_one(journey)
    (take_profit,) = await journey.venue.exits()
    await journey.venue.move(price_of(take_profit))
    await journey.closed(1)


async def _leave(journey: Journey) -> None:
    await journey.send("exit")
    await journey.closed(1)


async def _take_profit_together(journey: Journey) -> None:
    """One exit for the first lot makes way for one of both, at the target of their average."""
    await journey.venue.move(SECOND)
    await journey.rests(exits=1)
    (together,) = await journey.venue.exits()
    assert together.quantity == BOTH_LOTS
    await journey.venue.move(price_of(together))
    await journey.closed(1)


async def _fall_through_watched_stop(journey: Journey) -> None:
    await journey.venue.move("58000")
    await journey.closed(1)
    assert [why[:17] for why in await journey.reasons_to_close()] == ["stop loss touched"]
    assert await journey.sales("close") == [BOTH_LOTS]


async def _hold_two_with_stop(journey: Journey) -> None:
    await journey.venue.move(SECOND)
    await journey.rests(exits=2, stops=1)


async def _enter_and_hold_two_with_stop(journey: Journey) -> None:
    await _enter(journey)
    await _hold_two_with_stop(journey)


async def _fall_through_resting_stop(journey: Journey) -> None:
    await _hold_two_with_stop(journey)
    await journey.venue.move("58000")
    await _was_stopped(journey)


async def _fall_through_it_while_dead(journey: Journey) -> None:
    async with journey.mortal.dead():
        await journey.venue.move("58000")
        assert await journey.venue.positions() == {}
    await _was_stopped(journey)


async def _was_stopped(journey: Journey) -> None:
    await journey.closed(1)
    assert await journey.reasons_to_close() == ["stop loss"]
    assert await journey.sales("stop") == [BOTH_LOTS]


async def _halve(journey: Journey) -> None:
    """The nearer target's leg gives all of it, and the rest of its lot is offered again."""
    await journey.send("reduce")
    await journey.happened("position_group.reduction_ended.v1")
    await journey.rests(exits=2)
    assert await journey.sales("reduce") == [BOTH_LOTS / 2]
    assert await journey.venue.position() == BOTH_LOTS / 2


async def _touch_the_whole(journey: Journey) -> None:
    """The target of the whole is nearer than those of its legs, and is only watched."""
    await journey.venue.move("59800")
    await journey.closed(1)
    assert [why[:19] for why in await journey.reasons_to_close()] == ["take-profit touched"]
    assert await journey.sales("close") == [BOTH_LOTS]


async def _turn(journey: Journey) -> None:
    """Long, then short once flat; the short's ladder goes up from the signal's price."""
    await journey.send("reverse", price="60000")
    await journey.closed(1)
    await journey.rests(entries=2)
    await journey.venue.move("60000")
    await journey.rests(entries=1, exits=1)
    assert await journey.log.count("position_group.opened.v1") == 2
    assert await journey.venue.position() == Decimal("-0.005")


async def _hold_both_sides(journey: Journey) -> None:
    await journey.send("signal")
    await journey.send("short", price="60100")
    await journey.rests(entries=4)
    await journey.venue.move(FIRST)
    await journey.rests(entries=3, exits=1)


async def _leave_both_sides(journey: Journey) -> None:
    """Each side has its own lots and exits; an exit signal for the long leaves the short."""
    await journey.venue.move("60100")
    await journey.rests(entries=2, exits=2)
    await journey.send("exit")
    await journey.closed(1)
    await journey.rests(entries=1, exits=1)
    (take_profit,) = await journey.venue.exits()
    assert take_profit.side == "buy"
    await journey.venue.move(price_of(take_profit))
    await journey.closed(2)


async def _lose_an_exit(journey: Journey) -> None:
    """The venue ends it by itself, as self-trade prevention does: another takes its place."""
    ended = (await journey.venue.exits())[0]
    await journey.venue.expire(ended.client_order_id)
    await journey.happened("exit.ended.v1")
    await journey.rests(exits=2)
    assert ended.client_order_id not in {
        order.client_order_id for order in await journey.venue.exits()
    }
    await journey.venue.move("60600")
    await journey.closed(1)


async def _only_make(journey: Journey) -> None:
    """The first leg would take: refused, it rests at the touch of its own side instead."""
    await journey.send("signal", price="60000")
    await journey.rests(entries=2)
    assert len(await journey.venue.refused()) == 1
    prices = [price_of(order) for order in await journey.venue.entries()]
    assert sorted(prices) == [Decimal(59400), Decimal("59999.9")]
    await journey.venue.move(max(prices))
    await journey.rests(entries=1, exits=1)
    await journey.venue.move("60700")
    await journey.closed(1)


async def _run_out_of_funds(journey: Journey) -> None:
    """By hand most of the balance goes elsewhere, after the gate saw it: two of five legs fit."""
    await journey.happened("holdings.balance_recorded.v1")
    await journey.venue.trade_by_hand("buy", "33.15", ETHER)
    await journey.send("signal")
    await journey.rests(entries=2)
    assert await journey.alerts("insufficient_funds") == 1
    await journey.venue.trade_by_hand("sell", "33.15", ETHER)
    await journey.venue.move("58000")
    await journey.rests(exits=2)
    await journey.venue.move("60700")
    await journey.closed(1)


async def _be_closed_by_hand(journey: Journey) -> None:
    """What is missing twice leaves the books at the price it was traded for."""
    await journey.venue.trade_by_hand("sell", BOTH_LOTS)
    await _compared(journey)
    await journey.happened("holdings.discrepancy_found.v1")
    await _confirmed()
    assert await journey.log.count("holdings.position_adopted.v1") == 0
    await _compared(journey)
    await journey.happened("holdings.position_adopted.v1")
    await journey.closed(1)
    assert await journey.venue.working() == []
    (adopted,) = await journey.log.states("holdings.position_adopted.v1")
    assert (adopted["priced_by"], Decimal(adopted["quantity"])) == ("trade", BOTH_LOTS)
    assert {part["price"] for part in adopted["parts"]} == {SECOND}


async def _stand_beside_a_stranger(journey: Journey) -> None:
    """A surplus is not ours: it is left alone, and holds entries back until it is gone."""
    await journey.venue.trade_by_hand("buy", "0.01")
    await _compared(journey)
    await journey.happened("holdings.discrepancy_found.v1")
    await journey.send("signal", timeframe="30")
    await journey.happened("queue.signal_queued.v1")
    await journey.rests(exits=2, foreign=Decimal("0.01"))

    await journey.venue.trade_by_hand("sell", "0.01")
    await _compared(journey)
    await journey.happened("holdings.discrepancy_cleared.v1")
    await journey.rests(entries=1, exits=3)


async def _compared(journey: Journey) -> None:
    """Once its streams are back, the house lays the venue's position beside its books."""
    await journey.venue.line("disconnect_private")


async def _confirmed() -> None:
    """A difference counts once it was seen again so much later."""
    seen = time.monotonic()

    async def later() -> bool:
        return time.monotonic() - seen > CONFIRMED_AFTER.total_seconds()

    await until(later, "the difference is old enough to be confirmed")


TAKE_PROFIT = Way(travel=_take_profit)
EXIT_SIGNAL = Way(prepare=_hold_one, travel=_leave, admitted=2)
AGGREGATE = Way(timeframe="1", prepare=_hold_one, travel=_take_profit_together)
WATCHED_STOP = Way(timeframe="3", prepare=_hold_two, travel=_fall_through_watched_stop)
RESTING_STOP = Way(timeframe="5", prepare=_enter, travel=_fall_through_resting_stop)
STOPPED_WHILE_DEAD = Way(
    timeframe="5", prepare=_enter_and_hold_two_with_stop, travel=_fall_through_it_while_dead
)
REDUCE = Way(prepare=_hold_two, travel=_halve, admitted=2)
HYBRID = Way(timeframe="45", prepare=_hold_two, travel=_touch_the_whole)
REVERSE = Way(prepare=_hold_one, travel=_turn, admitted=2)
BOTH_SIDES = Way(prepare=_hold_both_sides, travel=_leave_both_sides, admitted=3, hedged=True)
ENDED_EXIT = Way(prepare=_hold_two, travel=_lose_an_exit)
POST_ONLY = Way(timeframe="60", travel=_only_make, refused=("-5022",))
NO_FUNDS = Way(timeframe="120", travel=_run_out_of_funds, refused=("-2019",))
CLOSED_BY_HAND = Way(prepare=_hold_two, travel=_be_closed_by_hand, refused=("-2022",))
STRANGER = Way(prepare=_hold_two, travel=_stand_beside_a_stranger, admitted=2)
