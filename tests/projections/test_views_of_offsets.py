"""Given what was offset, the pages show who waits, who is kept out, and every sum to the cent."""

from datetime import timedelta

import pytest

from application.inputs import ClockTicked
from domain.offset_watch import (
    OffsetAllowed,
    OffsetBarred,
    OffsetBegun,
    OffsetDeclined,
    OffsetGroupForgotten,
    OffsetOver,
    OffsetTimerReset,
    OffsetTimerStarted,
)
from projections import pages
from projections.models.audit_log import group_of
from projections.offset_views import OffsetsView
from projections.rebuild import fingerprint, rebuild, verify
from tests.projections.conftest import World
from tests.projections.offsetting import OFFSET, planned, whole_offset
from tests.projections.risks import ticked
from tests.projections.story import ACCOUNT, MORNING, SYMBOL, D, Story, opened_account
from tests.projections.trading import GROUP, opened_group


def with_trade() -> Story:
    return ticked(opened_group(opened_account(Story())))


async def offsets(world: World, at: int | None = None) -> OffsetsView:
    return await pages.offsets(world.pool, ACCOUNT, at=at)


async def test_a_timer_shows_when_it_is_due_until_it_is_reset(world: World) -> None:
    story = with_trade().then(
        OffsetTimerStarted(group_id=GROUP, started_at=MORNING, reason="pyramids full")
    )
    runs = len(story.events)
    ticked(story).then(OffsetTimerReset(group_id=GROUP, reason="in profit"))
    await world.given(story)
    (timer,) = (await offsets(world, runs)).timers
    assert (timer.group_id, timer.symbol, timer.timeframe) == (GROUP, SYMBOL, "15")
    # The default wait is an hour.
    assert (timer.started_at, timer.due_at) == (MORNING, MORNING + timedelta(minutes=60))
    assert (await offsets(world)).timers == ()


async def test_who_is_kept_out_is_shown_with_who_said_so(world: World) -> None:
    barred = OffsetBarred(group_id=GROUP, how="blocked", reason="a hedge", actor="ann")
    story = with_trade().then(barred)
    blocked = len(story.events)
    ticked(story).then(OffsetAllowed(group_id=GROUP, reason="over", actor="ann"))
    await world.given(story)
    (bar,) = (await offsets(world, blocked)).barred
    assert (bar.how, bar.reason, bar.actor, bar.symbol) == ("blocked", "a hedge", "ann", SYMBOL)
    assert (await offsets(world)).barred == ()


async def test_what_was_declined_is_told_until_another_offset_begins(world: World) -> None:
    declined = OffsetDeclined(
        group_id=GROUP, reason="winners cannot cover it", needed=D(60), available=D(12)
    )
    story = with_trade().then(declined)
    told = len(story.events)
    ticked(story).then(OffsetBegun(offset_id=OFFSET, number=1), planned())
    begun = len(story.events)
    ticked(story).then(OffsetOver(offset_id=OFFSET), declined)
    await world.given(story)
    (row,) = (await offsets(world, told)).declined
    assert (row.reason, row.needed, row.available) == ("winners cannot cover it", D(60), D(12))
    assert (await offsets(world, begun)).declined == ()
    assert len((await offsets(world)).declined) == 1


async def test_a_closed_trade_leaves_the_watch(world: World) -> None:
    story = with_trade().then(
        OffsetTimerStarted(group_id=GROUP, started_at=MORNING, reason="full"),
        OffsetBarred(group_id=GROUP, how="skip_once", reason="no", actor="ann"),
        OffsetDeclined(group_id=GROUP, reason="no", needed=D(1), available=D(0)),
        OffsetGroupForgotten(group_id=GROUP),
    )
    await world.given(story)
    view = await offsets(world)
    assert (view.timers, view.barred, view.declined) == ((), (), ())


async def test_an_offset_is_told_step_by_step_with_sums_to_the_cent(world: World) -> None:
    await world.given(whole_offset(with_trade()))
    view = await offsets(world)
    (offset,) = view.offsets
    assert (offset.offset_id, offset.symbol, offset.trigger) == (OFFSET, SYMBOL, "rule")
    assert [each.symbol for each in offset.winners] == ["ETH/USDT:USDT", "SOL/USDT:USDT"]
    assert (offset.needed, offset.expected) == (D("60.81"), D("61.02"))
    shown = [
        (step.role, step.symbol, step.attempt, step.quantity, step.amount, step.outcome)
        for step in offset.steps
    ]
    assert shown == [
        ("winner", "ETH/USDT:USDT", 0, D("0.4"), D("30.33"), "sold"),
        ("winner", "SOL/USDT:USDT", 0, None, D(0), "gone"),
        ("loser", SYMBOL, 1, D("0.01"), D(0), "unsold"),
        ("loser", SYMBOL, 2, D("0.01"), D("-30.21"), "part_sold"),
    ]
    first, passed_over, loser, _ = offset.steps
    assert (first.budget, first.started_at, first.ended_at) == (D("60.81"), MORNING, MORNING)
    assert (passed_over.budget, passed_over.started_at) == (None, None)
    assert (loser.budget, loser.bound) == (D("30.33"), D(56900))
    assert (offset.earned, offset.realized, offset.result) == (D("30.33"), D("-30.21"), D("0.12"))
    assert (offset.outcome, offset.settled_at) == ("reduced", MORNING + timedelta(seconds=7))
    assert (view.settled, view.earned, view.realized, view.result) == (
        *(1, offset.earned, offset.realized, offset.result),
    )
    assert sum(step.amount or D(0) for step in offset.steps) == offset.result


@pytest.mark.parametrize(
    ("inputs", "steps", "open_step", "earned"),
    [(3, 1, True, "0"), (4, 2, False, "30.33"), (5, 3, True, "30.33"), (6, 4, True, "30.33")],
)
async def test_an_offset_under_way_shows_what_is_being_sold_and_what_was_earned_so_far(
    world: World, inputs: int, steps: int, *, open_step: bool, earned: str
) -> None:
    story = whole_offset(with_trade())
    starts = [
        position
        for position, recorded in enumerate(story.events, start=1)
        if recorded.event.NAME == ClockTicked.NAME
    ]
    await world.given(story)
    view = await offsets(world, starts[inputs] - 1)
    (offset,) = view.offsets
    assert (len(offset.steps), offset.outcome, view.settled) == (steps, None, 0)
    assert (offset.steps[-1].ended_at is None) == open_step
    assert (offset.earned, offset.result) == (D(earned), D(earned))


async def test_a_rebuild_makes_the_same_tables_of_offsets(world: World) -> None:
    await world.given(whole_offset(with_trade()))
    before = await fingerprint(world.url)
    await rebuild(world.url)
    assert await fingerprint(world.url) == before
    assert (await verify(world.url)).intact


def test_an_offset_is_found_in_the_log_by_its_loser() -> None:
    assert group_of(planned()) == GROUP
