"""Signals and operators that close a part: how much, of which trades, in which order."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.inputs import OperatorActed
from application.journal import Recorded
from application.processes.parts import free_quantity, parts_of
from domain.instrument import is_undersized, round_quantity
from domain.money import ZERO
from domain.position_group import PositionGroup, ReductionPart, ReductionStarted
from domain.settings import GridSettings, LegSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import MARKETS, PROMPT, Desk, market, of

D = Decimal
# Three legs that buy 10 each at once; the second takes profit first, then the first.
LEGS = tuple(
    LegSettings(gap_percent=D(0), weight_percent=D(weight), take_profit_percent=D(target))
    for weight, target in (("40", "2"), ("30", "1"), ("30", "3"))
)
FILLED = msgspec.structs.replace(
    PROMPT, grid=GridSettings(legs=LEGS, max_pyramids=1, unfilled_minutes=None)
)


def desk_with_lots(*timeframes: str, settings: Settings = FILLED, **options: Any) -> Desk:
    """Groups of 20, 15 and 15 contracts each, with the venue silent from here on."""
    desk = Desk(settings, **options)
    for timeframe in timeframes or ("15",):
        desk.signal(timeframe=timeframe)
        desk.now += timedelta(seconds=1)
    return desk


def reduce(desk: Desk, side: str | None = "long", **extra: Any) -> list[Recorded]:
    tv = {key: extra.pop(key) for key in ("prev", "now") if key in extra}
    sizes = {}
    if tv:
        sizes = {"prev_market_position_size": tv["prev"], "market_position_size": tv["now"]}
    symbol, timeframe = extra.pop("symbol", "BTCUSDT.P"), extra.pop("timeframe", None)
    price = extra.pop("price", None)
    intent = {"type": "reduce", "side": side, **extra}
    body: dict[str, Any] = {
        "tv": {"symbol": symbol, "timeframe": timeframe, "entry_price": price, **sizes},
        "execution_intent": intent,
    }
    return desk.handle(desk.received(**body))


def operator(desk: Desk, subject: str, percent: str | None) -> list[Recorded]:
    amount = None if percent is None else D(percent)
    return desk.handle(
        OperatorActed(
            action="reduce_group", subject=subject, actor="ann", reason="less", percent=amount
        )
    )


def quantities(parts: Iterable[ReductionPart]) -> list[tuple[str, Decimal]]:
    """By the leg's number within its pyramid."""
    return [(part.leg_id.rpartition("-")[2], part.quantity) for part in parts]


def started(happened: list[Recorded]) -> list[list[tuple[str, Decimal]]]:
    return [quantities(event.parts) for event in of(happened, ReductionStarted)]


def test_an_amount_takes_the_nearest_target_whole_and_the_last_leg_in_part() -> None:
    desk = desk_with_lots()

    happened = reduce(desk, amount="18")

    (event,) = of(happened, ReductionStarted)
    assert quantities(event.parts) == [("l1", D(15)), ("l0", D(3))]
    assert [part.sold_before for part in event.parts] == [ZERO, ZERO]
    assert (event.reason, event.signal_id) == ("reduce signal", desk.last_signal)
    group = desk.group().opened.group_id
    assert desk.outcome() == ("admitted", f"closes 18 of {group}")


def test_a_share_is_of_the_open_quantity() -> None:
    desk = desk_with_lots()

    happened = reduce(desk, prev="0.4", now="0.1")

    assert started(happened) == [[("l1", D(15)), ("l0", D(20)), ("l2", D("2.5"))]]


def test_an_amount_is_capped_by_what_is_held() -> None:
    desk = desk_with_lots()

    happened = reduce(desk, amount="900")

    assert started(happened) == [[("l1", D(15)), ("l0", D(20)), ("l2", D(15))]]


def test_an_amount_goes_over_the_groups_oldest_first() -> None:
    desk = desk_with_lots("15", "60")

    happened = reduce(desk, amount="52")

    assert started(happened) == [
        [("l1", D(15)), ("l0", D(20)), ("l2", D(15))],
        [("l1", D(2))],
    ]
    first, second = (group.opened.group_id for group in desk.book.open_groups())
    assert desk.outcome() == ("admitted", f"closes 50 of {first}, 2 of {second}")


def test_a_share_applies_to_each_group() -> None:
    desk = desk_with_lots("15", "60")

    happened = reduce(desk, prev="10", now="5")

    assert started(happened) == [[("l1", D(15)), ("l0", D(10))]] * 2


def test_a_timeframe_and_a_side_narrow_it_down() -> None:
    desk = desk_with_lots("15", "60")

    happened = reduce(desk, amount="1", timeframe="1h")
    assert [event.group_id for event in of(happened, ReductionStarted)] == [
        desk.group(1).opened.group_id
    ]
    reduce(desk, "short", amount="1")
    assert desk.outcome() == ("no_effect", "there was nothing to reduce")
    assert len(started(reduce(desk, None, amount="1"))) == 1


def test_a_base_amount_is_told_in_contracts() -> None:
    coin = market("BTC", contract_size=D("0.01"), step=D(1), min_quantity=D(1))
    desk = desk_with_lots(markets=(coin, *MARKETS[1:]))

    happened = reduce(desk, amount="0.5", position_size_type="base")

    assert started(happened) == [[("l1", D(50))]]


def test_a_quote_amount_is_worth_the_mark() -> None:
    desk = desk_with_lots()

    happened = reduce(desk, amount="250", position_size_type="quote", price="50")

    assert started(happened) == [[("l1", D("2.5"))]]


@pytest.mark.parametrize("price", ["50", None])
def test_a_quote_amount_without_a_mark_is_worth_the_signals_own_price(price: str | None) -> None:
    desk = desk_with_lots()
    desk.start()  # forgets every mark
    received = desk.received(
        tv={"symbol": "BTCUSDT.P", "entry_price": price},
        execution_intent={"type": "reduce", "amount": "250", "position_size_type": "quote"},
    )

    handled = desk.engine.handle(received, desk.now, {})
    desk.commit(handled.stored, handled.recorded)

    assert started(list(handled.recorded)) == ([[("l1", D(5))]] if price else [])
    assert desk.outcome()[0] == ("admitted" if price else "refused")


def test_a_rest_under_the_venues_minimum_is_taken_too() -> None:
    big = market("BTC", min_quantity=D(2))
    desk = desk_with_lots(markets=(big, *MARKETS[1:]))

    happened = reduce(desk, amount="13.5")

    assert started(happened) == [[("l1", D(15))]]


def test_a_quantity_is_rounded_down_to_the_step() -> None:
    desk = desk_with_lots()

    assert started(reduce(desk, amount="0.0129")) == [[("l1", D("0.012"))]]


def test_what_is_too_small_to_be_sold_has_no_effect_and_says_why() -> None:
    desk = desk_with_lots()

    assert started(reduce(desk, amount="0.0009")) == []
    assert desk.outcome() == (
        "no_effect",
        "the part of 50 BTC/USDT:USDT is too small to be sold, the least is 0.001",
    )


def test_a_further_reduction_adds_to_the_one_under_way() -> None:
    desk = desk_with_lots()
    reduce(desk, amount="18")

    happened = reduce(desk, amount="20")

    assert started(happened) == [[("l0", D(17)), ("l2", D(3))]]
    assert quantities(desk.group().reducing) == [("l1", D(15)), ("l0", D(20)), ("l2", D(3))]


def test_a_share_is_of_what_is_not_being_sold_already() -> None:
    desk = desk_with_lots()
    reduce(desk, prev="10", now="5")

    happened = reduce(desk, prev="5", now="2.5")

    assert sum(quantity for _, quantity in started(happened)[0]) == D("12.5")


def test_nothing_left_to_reduce_has_no_effect() -> None:
    desk = desk_with_lots()
    reduce(desk, amount="50")

    reduce(desk, amount="1")

    assert desk.outcome() == ("no_effect", "nothing is held that is not being sold already")


def test_resting_entries_alone_give_nothing_to_reduce() -> None:
    desk = Desk(price="104")
    desk.signal(price="101")

    reduce(desk, amount="1")

    assert desk.outcome() == ("no_effect", "nothing is held that is not being sold already")


def test_a_trade_that_closes_is_not_reduced() -> None:
    desk = desk_with_lots()
    desk.handle(desk.received("long", kind="exit", price=None))

    reduce(desk, amount="1")

    assert desk.outcome() == ("no_effect", "already closing")


def test_without_a_trade_there_is_nothing_to_reduce() -> None:
    desk = Desk()

    reduce(desk, amount="1")

    assert desk.outcome() == ("no_effect", "there was nothing to reduce")


def test_a_stale_reduce_is_rejected_and_a_resent_one_is_a_duplicate() -> None:
    desk = desk_with_lots()
    late = (desk.now - timedelta(seconds=301)).isoformat()
    intent = {"type": "reduce", "side": "long", "amount": "1"}
    tv = {"symbol": "BTCUSDT.P"}

    desk.handle(desk.received(tv=tv, execution_intent=intent, timestamp=late))
    assert desk.outcome()[1].startswith("stale")

    desk.handle(desk.received(tv=tv, execution_intent=intent, same=True))
    assert desk.outcome()[0] == "admitted"
    desk.handle(desk.received(tv=tv, execution_intent=intent, same=True))
    assert desk.outcome()[0] == "duplicate"


def test_a_strategys_partial_sale_closes_its_share_whatever_size_it_names() -> None:
    desk = desk_with_lots()
    tv = {
        "symbol": "BTCUSDT.P",
        "timeframe": "15",
        "action": "sell",
        "market_position": "long",
        "market_position_size": "0.2",
        "prev_market_position": "long",
        "prev_market_position_size": "0.4",
    }
    intent = {"type": "signal", "side": "sell", "amount": "0.2", "position_size_type": "base"}

    happened = desk.handle(desk.received(tv=tv, execution_intent=intent))

    assert started(happened) == [[("l1", D(15)), ("l0", D(10))]]
    assert desk.group().is_open


def test_reductions_work_in_every_trading_state() -> None:
    desk = desk_with_lots()
    desk.operator("halt")

    assert len(started(reduce(desk, amount="1"))) == 1


def test_an_operator_closes_a_percentage_of_a_group() -> None:
    desk = desk_with_lots()

    happened = operator(desk, desk.group().opened.group_id, "50")

    (event,) = of(happened, ReductionStarted)
    assert quantities(event.parts) == [("l1", D(15)), ("l0", D(10))]
    assert (event.reason, event.signal_id) == ("operator: less", "")


@pytest.mark.parametrize("percent", ["0", "-1", "100.1", "NaN", None])
def test_a_percentage_that_is_none_is_refused_visibly(percent: str | None) -> None:
    desk = desk_with_lots()

    happened = operator(desk, desk.group().opened.group_id, percent)

    (alert,) = of(happened, AlertRaised)
    assert alert.kind == "reduction_refused"
    assert "give more than 0 and at most 100" in alert.text
    assert started(happened) == []


def test_an_operator_hears_why_nothing_is_reduced() -> None:
    desk = desk_with_lots()
    group = desk.group().opened.group_id

    (unknown,) = of(operator(desk, "gnone", "50"), AlertRaised)
    (small,) = of(operator(desk, group, "0.001"), AlertRaised)
    desk.handle(desk.received("long", kind="exit", price=None))
    (closing,) = of(operator(desk, group, "50"), AlertRaised)

    assert (unknown.subject, unknown.text) == ("gnone", "there is no open group of this id")
    assert "too small to be sold" in small.text
    assert closing.text == "already closing"


def test_without_targets_of_their_own_the_oldest_legs_go_first() -> None:
    group = desk_with_lots().group()
    desk = desk_with_lots()
    exits = msgspec.structs.replace(group.opened.exits, mode="aggregate")
    opened = msgspec.structs.replace(group.opened, exits=exits)
    aggregated = msgspec.structs.replace(desk.group(), opened=opened)

    assert quantities(parts_of(desk.book, aggregated, D(22))) == [("l0", D(20)), ("l1", D(2))]


def test_a_market_whose_step_is_not_known_gives_no_parts() -> None:
    desk = desk_with_lots()
    book, group = desk.book, desk.group()
    unknown = tuple(msgspec.structs.replace(known, step=ZERO) for known in book.account.instruments)
    stream = book.stream_of("account", "self")
    book._states[stream] = msgspec.structs.replace(book.account, instruments=unknown)

    assert parts_of(book, group, D(10)) == ()


RICH = desk_with_lots(markets=(market("BTC", min_quantity=D("0.5")), *MARKETS[1:]))


@given(
    wanted=st.decimals(min_value=0, max_value=60, places=4, allow_nan=False),
    earlier=st.decimals(min_value=0, max_value=60, places=3, allow_nan=False),
)
def test_parts_never_take_more_than_is_free_and_leave_no_rest_too_small(
    wanted: Decimal, earlier: Decimal
) -> None:
    book, group = RICH.book, RICH.group()
    first = parts_of(book, group, earlier)
    reducing: PositionGroup = msgspec.structs.replace(group, reducing=first)

    parts = parts_of(book, reducing, wanted)

    taken = sum((part.quantity for part in parts), ZERO)
    assert taken <= free_quantity(book, reducing)
    instrument = book.instrument(group.opened.symbol)
    assert instrument is not None
    planned = {part.leg_id: part.quantity for part in first}
    for part in parts:
        leg = book.leg(part.leg_id)
        assert leg is not None
        rest = leg.lot.quantity - planned.get(part.leg_id, ZERO) - part.quantity
        assert rest >= ZERO
        sellable = round_quantity(instrument, rest)
        assert rest == ZERO or not is_undersized(instrument, D(100), sellable, reduce_only=True)
    if parts:
        assert taken >= min(round_quantity(instrument, wanted), free_quantity(book, reducing))
        assert taken < round_quantity(instrument, wanted) + instrument.min_quantity
