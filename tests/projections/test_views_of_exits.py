"""Given exits in the log, the pages say what guards each lot, and what the trade still gets."""

from decimal import Decimal

import msgspec

from application.inputs import ClockTicked
from application.journal import Recorded
from domain.dca_leg import LegEntryFilled, LegExitFilled, LegFeeValued
from domain.exit import ExitRequested, ExitTouched, ExitUnwatched, ExitWatched
from domain.holding_terms import PendingFee
from domain.holdings import FeeValued
from domain.identity import stop_id
from domain.message import Event
from domain.position_group import (
    FundingShared,
    PositionGroupClosing,
    ReductionEnded,
    ReductionPart,
    ReductionStarted,
    StopTrailed,
)
from domain.risk_engine import ProfitRecorded
from domain.trading_day import AlertRaised
from projections import pages
from projections.position_views import GroupView, LegView
from projections.views import LogFilter
from tests.projections.conftest import World
from tests.projections.story import ACCOUNT, MORNING, SYMBOL, D, Story, opened_account
from tests.projections.trading import (
    GROUP,
    TARGET,
    accepted,
    entered,
    exit_ended,
    exit_requested,
    leg_name,
    opened_group,
)

BOTH = (leg_name(0), leg_name(1))
STOP = stop_id(GROUP)


def watched(exit_id: str, price: Decimal = TARGET, **changes: object) -> ExitWatched:
    event = ExitWatched(
        exit_id=exit_id,
        covers=(exit_id,),
        group_id=GROUP,
        aim="take_profit",
        price=price,
        quantity=D("0.01"),
        reason="too small to rest at the venue",
        watched_at=MORNING,
    )
    return msgspec.structs.replace(event, **changes)


def unexited(story: Story) -> Story:
    """Without the exits and their orders, which each test tells itself."""
    story.events = [
        each
        for each in story.events
        if not isinstance(each.event, ExitRequested)
        and getattr(each.event, "purpose", "entry") == "entry"
    ]
    return story


def holding() -> Story:
    """Both legs bought; nothing guards them yet."""
    return unexited(entered(entered(opened_group(opened_account(Story()))), 1, D(59000)))


def then(story: Story, *events: Event) -> Story:
    return story.input(ClockTicked(due_at=MORNING)).then(*events)


async def shown(world: World, at: int | None = None) -> GroupView:
    group = await pages.group(world.pool, ACCOUNT, GROUP, at)
    assert group is not None
    return group


async def first(world: World, at: int | None = None) -> LegView:
    return (await shown(world, at)).legs[0]


async def test_an_exit_is_shown_from_its_request_until_it_is_over(world: World) -> None:
    leg = leg_name()
    story = unexited(entered(opened_group(opened_account(Story()))))
    steps: tuple[tuple[Event, str, bool], ...] = (
        (exit_requested(), "REQUESTED", False),
        (exit_ended(reason="rejected"), "", True),
        (watched(leg), "WATCHED", False),
        (watched(leg, D(60700)), "WATCHED", False),
        (ExitUnwatched(exit_id=leg, covers=(leg,)), "", True),
        (watched(leg), "WATCHED", False),
        (ExitTouched(exit_id=leg, covers=(leg,), mark=TARGET, touched_at=MORNING), "", True),
    )
    moments = []
    for event, _, _ in steps:
        then(story.wait(seconds=1), event)
        moments.append(story.events[-1].at)
    await world.given(story)
    for moment, (event, state, unprotected) in zip(moments, steps, strict=True):
        at = await pages.position_at(world.pool, ACCOUNT, moment)
        seen = await first(world, at)
        assert ("" if seen.exit is None else seen.exit.state, seen.unprotected) == (
            state,
            unprotected,
        ), event


async def test_a_resting_exit_says_so_once_the_venue_has_its_order(world: World) -> None:
    story = entered(opened_group(opened_account(Story())))
    requested = story.events[-1].at
    await world.given(accepted(story.wait(seconds=1), "X0"))
    at = await pages.position_at(world.pool, ACCOUNT, requested)
    before, now = (await first(world, at)).exit, (await first(world)).exit
    assert before is not None
    assert now is not None
    assert (before.state, now.state, now.price) == ("REQUESTED", "RESTING", TARGET)
    assert (now.quantity, now.client_order_id) == (D("0.01"), "X0")


async def test_an_exit_of_the_whole_protects_every_leg_it_covers(world: World) -> None:
    story = then(holding(), watched(GROUP, D(60100), covers=BOTH, quantity=D("0.02")))
    await world.given(story)
    group = await shown(world)
    assert group.exit is not None
    assert (group.exit.covers, group.unprotected_legs) == (2, 0)
    assert [leg.target for leg in group.legs[:2]] == [D(60100), D(60100)]


async def test_a_leg_that_its_exit_no_longer_covers_is_unprotected_again(world: World) -> None:
    story = then(holding(), watched(leg_name(0), covers=BOTH))
    then(story, watched(leg_name(0)))
    await world.given(story)
    assert [leg.unprotected for leg in (await shown(world)).legs[:2]] == [False, True]
    overview = await pages.overview(world.pool, ACCOUNT)
    assert overview is not None
    assert overview.unprotected_legs == 1


async def test_a_stop_is_shown_with_what_it_trails(world: World) -> None:
    story = then(
        holding(),
        StopTrailed(group_id=GROUP, best=D(60500), trailed_at=MORNING),
        watched(STOP, D(58000), aim="stop", covers=BOTH),
    )
    await world.given(story)
    group = await shown(world)
    assert group.stop is not None
    assert (group.stop.price, group.trailed_from) == (D(58000), D(60500))
    assert [leg.stop for leg in group.legs] == [group.stop, group.stop, None]
    assert group.unprotected_legs == 2


def reduction(*legs: str) -> ReductionStarted:
    parts = tuple(ReductionPart(leg_id=leg, quantity=D("0.01"), sold_before=D(0)) for leg in legs)
    return ReductionStarted(
        group_id=GROUP, reason="half of it", signal_id="s2", parts=parts, started_at=MORNING
    )


async def test_what_is_reduced_is_being_sold_until_the_reduction_ends(world: World) -> None:
    story = then(holding(), reduction(leg_name(0)))
    then(story, reduction(leg_name(1)))
    under_way = story.events[-1].at
    then(story.wait(seconds=1), ReductionEnded(group_id=GROUP, ended_at=MORNING))
    over = story.events[-1].at
    then(story.wait(seconds=1), reduction(leg_name(1)))
    await world.given(story)
    seen = []
    for moment in (under_way, over, story.events[-1].at):
        at = await pages.position_at(world.pool, ACCOUNT, moment)
        group = await shown(world, at)
        seen.append((group.reducing_reason, [leg.being_sold for leg in group.legs[:2]]))
    assert seen == [
        ("half of it", [True, True]),
        ("", [False, False]),
        ("half of it", [False, True]),
    ]


async def test_a_closing_ends_a_reduction(world: World) -> None:
    closing = PositionGroupClosing(
        group_id=GROUP, reason="exit", signal_id="s2", closing_at=MORNING
    )
    await world.given(then(holding(), reduction(leg_name(0)), closing))
    group = await shown(world)
    assert (group.state, group.reducing) == ("CLOSING", False)
    assert [leg.being_sold for leg in group.legs[:2]] == [True, True]


async def test_funding_is_realized_by_group_and_day_and_moves_the_equity(world: World) -> None:
    story = holding()
    for each, amount, total in (("f1", "-0.5", "-0.5"), ("f2", "0.2", "-0.3")):
        then(
            story,
            FundingShared(group_id=GROUP, funding_id=each, amount=D(amount), settled_at=MORNING),
            ProfitRecorded(leg_id=GROUP, group_id=GROUP, amount=D(amount), total=D(total)),
        )
    await world.given(story)
    group = await shown(world)
    assert (group.funding, group.realized) == (D("-0.3"), D("-0.3"))
    overview = await pages.overview(world.pool, ACCOUNT)
    results = await pages.performance(world.pool, ACCOUNT)
    assert overview is not None
    assert results is not None
    assert (overview.realized_total, overview.equity) == (D("-0.3"), D("9999.7"))
    assert (results.days[0].realized, results.totals.trades_closed) == (D("-0.3"), 0)


async def test_a_fee_valued_later_comes_off_lot_and_profit(world: World) -> None:
    story = unexited(entered(opened_group(opened_account(Story()))))
    story.events = [_with_fee_pending(each) for each in story.events]
    sold = LegExitFilled(
        leg_id=leg_name(),
        client_order_id="X0",
        trade_id="t-X0",
        price=D(60600),
        quantity=D("0.004"),
        cost=D(240),
        entry_fee=D(0),
        fee=D("0.1"),
        fee_asset="USDT",
        fee_value=D("0.1"),
        realized=D("2.3"),
        traded_at=MORNING,
    )
    leg = leg_name()
    then(story, sold, ProfitRecorded(leg_id=leg, group_id=GROUP, amount=D("2.3"), total=D("2.3")))
    pending = story.events[-1].at
    fee = PendingFee(leg_id=leg, trade_id="t-E0", fee=D("0.01"), asset="BNB")
    then(
        story.wait(seconds=1),
        FeeValued(pending=fee, fee_value=D(5)),
        LegFeeValued(leg_id=leg, trade_id="t-E0", fee_value=D(5), entry_fee=D(3), realized=D(-2)),
        ProfitRecorded(leg_id=leg, group_id=GROUP, amount=D(-2), total=D("0.3")),
    )
    await world.given(story)
    await world.mark(SYMBOL, D(60000))
    at = await pages.position_at(world.pool, ACCOUNT, pending)
    before, now = await shown(world, at), await shown(world)
    assert (before.realized, before.fees, before.fees_pending) == (D("2.3"), D("0.1"), 1)
    assert now.fees_pending == 0
    assert (now.realized, now.fees, now.unrealized) == (D("0.3"), D("5.1"), D(-3))
    query = "SELECT fees_pending FROM read_4.legs WHERE leg_id = $1 ORDER BY since"
    rows = await world.pool.fetch(query, leg_name())
    assert list(dict.fromkeys(row["fees_pending"] for row in rows[1:])) == [1, 0]
    results = await pages.performance(world.pool, ACCOUNT)
    assert results is not None
    assert (results.days[0].realized, results.days[0].fees) == (D("0.3"), D("5.1"))


def _with_fee_pending(recorded: Recorded) -> Recorded:
    if not isinstance(recorded.event, LegEntryFilled):
        return recorded
    pending = msgspec.structs.replace(recorded.event, fee_asset="BNB", fee_value=None)
    return msgspec.structs.replace(recorded, event=pending)


async def test_every_event_of_an_exit_is_found_by_its_group_and_symbol(world: World) -> None:
    told = (
        exit_requested(),
        exit_ended(),
        watched(leg_name()),
        watched(STOP, aim="stop", covers=BOTH),
        ExitTouched(exit_id=STOP, covers=BOTH, mark=D(58000), touched_at=MORNING),
        ExitUnwatched(exit_id=leg_name(), covers=(leg_name(),)),
        watched(GROUP, covers=BOTH),
        ExitUnwatched(exit_id=GROUP, covers=BOTH),
        AlertRaised(kind="exit_failing", severity="critical", subject=STOP, text="again"),
        reduction(leg_name(0)),
        ReductionEnded(group_id=GROUP, ended_at=MORNING),
    )
    story = entered(opened_group(opened_account(Story())))
    await world.given(then(story, *told))
    rows = await pages.log(world.pool, ACCOUNT, LogFilter(limit=1000))
    mine = [row for row in rows.rows if row.name != ClockTicked.NAME]
    newest = mine[: len(told)]
    assert [row.name for row in reversed(newest)] == [event.NAME for event in told]
    assert {(row.group_id, row.symbol) for row in newest} == {(GROUP, SYMBOL)}
