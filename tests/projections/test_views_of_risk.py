"""Given what the risk engine decided, the pages show what holds, what is lost and what is worth."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from domain.account import SettingsChanged
from domain.balance_sight import BalanceSight
from domain.brakes import (
    Brakes,
    BrakesDayBegun,
    BrakesOpened,
    BreakerReset,
    HoldLifted,
    HoldPlaced,
)
from domain.equity import (
    BalanceJumped,
    BalanceMatched,
    CapitalTransferred,
    DrawdownBreached,
    DrawdownRecovered,
    EmergencyEnded,
    EmergencyStopped,
    Equity,
    EquityOpened,
)
from domain.queue import SignalQueued
from domain.risk_engine import SlotFreed, TradingStateChanged
from domain.settings import Settings
from projections import pages
from projections.risk_views import LimitRow, RiskView
from projections.views import OverviewView
from tests.projections.conftest import World
from tests.projections.risks import hold, sampled, ticked, tripped
from tests.projections.story import ACCOUNT, MORNING, SYMBOL, D, Story, opened_account, queued
from tests.projections.trading import entered, exited, opened_group


def ruled(**risk: object) -> SettingsChanged:
    default = Settings()
    settings = msgspec.structs.replace(default, risk=msgspec.structs.replace(default.risk, **risk))
    return SettingsChanged(version=2, settings=settings, actor="ann", reason="tighter")


def position(story: Story) -> int:
    return len(story.events)


async def risk(world: World, at: int | None = None) -> RiskView:
    view = await pages.risk(world.pool, ACCOUNT, at)
    assert view is not None
    return view


async def overview(world: World, at: int | None = None) -> OverviewView:
    view = await pages.overview(world.pool, ACCOUNT, at)
    assert view is not None
    return view


def limit(view: RiskView, rule: str) -> LimitRow:
    (row,) = (row for row in view.limits if row.rule == rule)
    return row


async def test_every_hold_is_shown_and_the_one_that_rules_comes_first(world: World) -> None:
    story = ticked(opened_account(Story())).then(
        HoldPlaced(hold=hold("dead_man", minutes=1)),
        HoldPlaced(hold=hold("breaker", minutes=2)),
        HoldPlaced(hold=hold("emergency_stop", "halted", minutes=3)),
    )
    all_three = position(story)
    ticked(story.wait(seconds=1)).then(
        HoldLifted(cause="emergency_stop", reason="looked at it", actor="ann"),
        TradingStateChanged(state="reducing", reason="because of dead_man", actor="engine"),
    )
    await world.given(story)

    then = await risk(world, all_three)
    assert [held.cause for held in then.holds] == ["emergency_stop", "dead_man", "breaker"]
    first = then.holds[0]
    assert (first.state, first.reason) == ("halted", "because of emergency_stop")
    assert (first.actor, first.since) == ("engine", MORNING + timedelta(minutes=3))
    assert [held.cause for held in (await overview(world)).holds] == ["dead_man", "breaker"]
    assert (await risk(world, 1 + len(opened_account(Story()).events))).holds == ()


async def test_a_hold_that_tightens_is_shown_once_as_it_is_now(world: World) -> None:
    placed = HoldPlaced(hold=hold("operator"))
    tightened = HoldPlaced(hold=hold("operator", "halted", minutes=5))
    await world.given(ticked(opened_account(Story())).then(placed, tightened))
    (held,) = (await risk(world)).holds
    assert (held.state, held.since) == ("halted", MORNING + timedelta(minutes=5))


async def test_holds_that_a_day_opens_with_are_those_the_day_before_left(world: World) -> None:
    state = Brakes(holds={"operator": hold("operator")}, loss_reference=D(-30))
    await world.given(ticked(opened_account(Story())).then(BrakesOpened(state=state)))
    view = await risk(world)
    assert [held.cause for held in view.holds] == ["operator"]
    assert view.breaker.reference == D(-30)


async def test_the_breaker_shows_its_trip_until_it_is_reset_and_who_reset_it(world: World) -> None:
    story = exited(entered(opened_group(opened_account(Story()))), price=D(10000))
    loss = D("500.24")
    ticked(story).then(tripped(), HoldPlaced(hold=hold("breaker")))
    latched = position(story)
    ticked(story.wait(minutes=9)).then(
        BreakerReset(reference=-loss, reason="I saw it", actor="ann"),
        HoldLifted(cause="breaker", reason="I saw it", actor="ann"),
    )
    await world.given(story)

    then = (await risk(world, latched)).breaker
    assert then.tripped
    assert (then.tripped_at, then.tripped_loss, then.tripped_limit) == (MORNING, D("512.4"), D(500))
    assert (then.day_loss, then.realized, then.ended_at) == (loss, -loss, None)
    day = story.events[-1].at
    at = await pages.position_at(world.pool, ACCOUNT, day)
    now = (await risk(world, at)).breaker
    assert not now.tripped
    assert (now.ended_by, now.ended_reason) == ("ann", "I saw it")
    assert (now.day_loss, now.reference) == (D(0), -loss)
    row = limit(await risk(world, latched), "max_daily_loss")
    assert (row.value, row.limit) == (loss, D(500))
    assert row.used_percent is not None
    assert row.used_percent > 100


async def test_a_new_day_counts_its_loss_from_nothing(world: World) -> None:
    reset = BreakerReset(reference=D(-20), reason="on", actor="ann")
    begun = BrakesDayBegun(date="2026-01-06")
    await world.given(ticked(opened_account(Story())).then(tripped(), reset, begun))
    assert (await risk(world)).breaker.reference == D(0)


async def test_open_losses_count_to_the_days_loss_only_by_the_settings(world: World) -> None:
    story = entered(opened_group(opened_account(Story())))
    before = position(story)
    ticked(story).then(ruled(daily_loss_includes_open=True))
    after = position(story)
    await world.given(story)
    unknown = (await risk(world, after)).breaker
    # History has no mark here: what cannot be told is not shown as nothing.
    assert (unknown.day_loss, unknown.open_loss) == (None, None)
    assert (await risk(world, before)).breaker.day_loss == D(0)
    await world.mark(SYMBOL, D(59000))
    now = (await risk(world)).breaker
    assert now.open_loss == D("10.12")
    assert now.day_loss == D("10.12")


async def test_the_drawdown_is_measured_from_the_peak_and_moves_with_the_mark(
    world: World,
) -> None:
    story = entered(opened_group(opened_account(Story())))
    ticked(story).then(sampled("10100", "12500"))
    await world.given(story)
    await world.mark(SYMBOL, D(60012))
    worth = (await risk(world)).worth
    assert (worth.equity, worth.peak) == (D(10000), D(12500))
    assert (worth.drawdown_percent, worth.limit_percent) == (D(20), D(20))
    row = limit(await risk(world), "max_drawdown_percent")
    assert (row.value, row.limit, row.used_percent, row.unit) == (D(20), D(20), D(100), "%")
    view = await overview(world)
    assert (view.drawdown_percent, view.peak, view.equity) == (D(20), D(12500), D(10000))


async def test_without_a_mark_the_drawdown_is_unknown_and_not_zero(world: World) -> None:
    await world.given(entered(opened_group(opened_account(Story()))))
    worth = (await risk(world)).worth
    assert (worth.equity, worth.unrealized, worth.drawdown_percent) == (None, None, None)
    assert (await overview(world)).drawdown_percent is None


async def test_before_the_first_sample_the_capital_itself_is_the_peak(world: World) -> None:
    await world.given(opened_account(Story()))
    worth = (await risk(world)).worth
    assert (worth.equity, worth.peak, worth.drawdown_percent) == (D(10000), D(10000), D(0))


async def test_the_peak_a_day_opens_with_is_not_moved_twice(world: World) -> None:
    story = ticked(opened_account(Story())).then(
        sampled("10000", "11000"),
        CapitalTransferred(amount=D(100), total=D(100), reason="in", actor="ann"),
        EquityOpened(state=Equity(peak=D(11100), capital=D(10100), transfers=D(100))),
    )
    await world.given(story)
    assert (await risk(world)).worth.peak == D(11100)


def ended(peak: Decimal | None) -> EmergencyEnded:
    return EmergencyEnded(peak=peak, capital=D(10000), reason="calm", actor="ann")


async def test_after_a_resume_without_a_sample_the_equity_itself_is_the_peak(world: World) -> None:
    story = entered(opened_group(opened_account(Story())))
    ticked(story).then(sampled("10100", "12500"), ended(None))
    await world.given(story)
    await world.mark(SYMBOL, D(59000))
    worth = (await risk(world)).worth
    assert (worth.peak, worth.drawdown_percent) == (worth.equity, D(0))


async def test_a_balance_that_moved_without_a_word_is_shown_until_it_is_settled(
    world: World,
) -> None:
    sight = BalanceSight(total=D(10500), explained=D(0), open_cost=D(0), seen_at=MORNING)
    story = ticked(opened_account(Story())).then(BalanceJumped(sight=sight, amount=D(500)))
    jumped = len(story.events)
    ticked(story).then(BalanceMatched(sight=sight, unsettled=D(0)))
    await world.given(story)
    assert (await risk(world, jumped)).worth.unsettled == D(500)
    assert (await risk(world)).worth.unsettled == D(0)


async def test_a_breach_and_the_stop_after_it_are_shown_until_a_resume(world: World) -> None:
    breached = DrawdownBreached(
        equity=D(7900),
        peak=D(10000),
        drawdown_percent=D(21),
        limit_percent=D(20),
        breached_at=MORNING,
    )
    stopped = EmergencyStopped(
        trigger="drawdown",
        reason="the equity fell too far below its peak",
        actor="engine",
        stopped_at=MORNING + timedelta(seconds=10),
        equity=D(7800),
        peak=D(10000),
        drawdown_percent=D(22),
        limit_percent=D(20),
    )
    story = ticked(opened_account(Story())).then(breached)
    first_look = position(story)
    ticked(story.wait(seconds=10)).then(stopped)
    second_look = position(story)
    ticked(story.wait(hours=1)).then(ended(D(7800)))
    await world.given(story)

    worth = (await risk(world, first_look)).worth
    assert (worth.breached_at, worth.breach_percent) == (MORNING, D(21))
    worth = (await risk(world, second_look)).worth
    assert (worth.breached_at, worth.stop_trigger, worth.stop_percent) == (None, "drawdown", D(22))
    assert worth.stopped_at == MORNING + timedelta(seconds=10)
    worth = (await risk(world)).worth
    assert (worth.stopped_at, worth.stop_trigger, worth.peak) == (None, None, D(7800))


async def test_a_breach_that_recovers_leaves_nothing(world: World) -> None:
    breached = DrawdownBreached(
        equity=D(7900),
        peak=D(10000),
        drawdown_percent=D(21),
        limit_percent=D(20),
        breached_at=MORNING,
    )
    recovered = DrawdownRecovered(
        equity=D(9900), peak=D(10000), drawdown_percent=D(1), recovered_at=MORNING
    )
    await world.given(ticked(opened_account(Story())).then(breached, recovered))
    assert (await risk(world)).worth.breached_at is None


async def test_a_symbol_cools_down_after_a_group_that_closed_negative(world: World) -> None:
    story = ticked(opened_account(Story())).then(
        ruled(cooldown_minutes_after_loss=30),
        SlotFreed(group_id="g1", symbol=SYMBOL, realized=D(-5), freed_at=MORNING),
        SlotFreed(group_id="g2", symbol="ETH/USDT:USDT", realized=D(5), freed_at=MORNING),
    )
    soon = position(story)
    ticked(story.wait(minutes=31)).then(ruled(cooldown_minutes_after_loss=30))
    await world.given(story)
    (cooling,) = (await risk(world, soon)).cooldowns
    assert (cooling.symbol, cooling.group_id, cooling.realized) == (SYMBOL, "g1", D(-5))
    assert cooling.until == MORNING + timedelta(minutes=30)
    late = await pages.position_at(world.pool, ACCOUNT, story.events[-1].at)
    assert (await risk(world, late)).cooldowns == ()


async def test_the_overview_says_for_what_signals_wait(world: World) -> None:
    waiting = [
        SignalQueued(entry=queued("s1", 1)),
        SignalQueued(entry=queued("s2", 2)),
        SignalQueued(
            entry=msgspec.structs.replace(queued("s3", 3), reason="max_daily_loss", timeframe="60")
        ),
    ]
    await world.given(ticked(opened_account(Story())).then(*waiting))
    told = [(each.reason, each.count) for each in (await overview(world)).queued_for]
    assert told == [("max_open_groups", 2), ("max_daily_loss", 1)]


async def test_refusals_can_be_asked_for_alone(world: World) -> None:
    await world.given(opened_group(opened_account(Story())))
    assert await pages.denials(world.pool, ACCOUNT) == (await risk(world)).denials
