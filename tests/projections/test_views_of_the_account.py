"""Given what is not a trade's own, the pages show it: alerts, what waits, what is held beside."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from application.inputs import ClockTicked, SignalReceived
from domain.account import SettingsChanged, SettingsRefused
from domain.holding_terms import Discrepancy, HeldPosition, PendingFee
from domain.holdings import BaselineTaken, DiscrepancyFound, DustChanged, FeeDeferred
from domain.position_group import PositionGroupClosing
from domain.queue import QueuedReversalDenied, QueuedSignal, SignalQueued
from domain.settings import Settings
from domain.trading_day import AlertRaised, SignalJudged
from domain.waiting_entry import EntryAwaited, EntryAwaitEnded
from projections import pages
from projections.pages.summary import worst_case
from projections.risk_views import RiskView
from projections.views import OverviewView, QueueRow
from tests.projections.conftest import World
from tests.projections.story import (
    ACCOUNT,
    ENTRY,
    MORNING,
    SYMBOL,
    D,
    Story,
    opened_account,
    queued,
    read,
    signal,
)
from tests.projections.trading import GROUP, closed_group, entered, exited, leg_name, opened_group


def ticked(story: Story) -> Story:
    return story.input(ClockTicked(due_at=MORNING))


async def overview(world: World) -> OverviewView:
    view = await pages.overview(world.pool, ACCOUNT)
    assert view is not None
    return view


async def risk(world: World) -> RiskView:
    view = await pages.risk(world.pool, ACCOUNT)
    assert view is not None
    return view


def alert(subject: str, text: str) -> AlertRaised:
    return AlertRaised(kind="exit_failing", severity="critical", subject=subject, text=text)


async def test_alerts_are_told_newest_first_with_the_trade_they_are_about(world: World) -> None:
    story = entered(opened_group(opened_account(Story())))
    ticked(story).then(alert(leg_name(), "first"))
    position = len(story.events)
    ticked(story.wait(seconds=1)).then(alert(f"{SYMBOL} 15", "second"), alert("BNB", "third"))
    await world.given(story)

    told = await pages.alerts(world.pool, ACCOUNT)

    assert [(row.text, row.symbol, row.group_id) for row in told] == [
        ("third", "", ""),
        ("second", SYMBOL, ""),
        ("first", SYMBOL, GROUP),
    ]
    oldest = told[-1]
    assert (oldest.position, oldest.kind, oldest.severity) == (position, "exit_failing", "critical")
    assert oldest.correlation_id == story.events[position - 1].correlation_id
    wanted = pages.AlertsWanted(subject=f"{SYMBOL} 15")
    assert [row.text for row in await pages.alerts(world.pool, ACCOUNT, wanted)] == ["second"]
    first = await pages.alerts(world.pool, ACCOUNT, at=position)
    assert [row.text for row in first] == ["first"]


async def test_the_overview_has_the_alerts_of_the_last_day_only(world: World) -> None:
    story = ticked(opened_account(Story())).then(alert(SYMBOL, "long ago"))
    end = ticked(story.wait(hours=25)).then(alert(SYMBOL, "lately")).events[-1]
    await world.given(story)
    at = await pages.position_at(world.pool, ACCOUNT, end.at)
    view = await pages.overview(world.pool, ACCOUNT, at)
    assert view is not None
    assert [row.text for row in view.alerts] == ["lately"]


def reversal() -> QueuedSignal:
    entry = msgspec.structs.replace(queued("s2", 2), symbol=SYMBOL, side="short")
    return msgspec.structs.replace(entry, reverses=(GROUP,), reason="waits until it is flat")


def reversing() -> Story:
    """A trade holds a lot, and a signal of the other side closes it."""
    story = entered(opened_group(opened_account(Story())))
    closing = PositionGroupClosing(
        group_id=GROUP, reason="reverse signal", signal_id="s2", closing_at=MORNING
    )
    return signal(story, "s2").then(
        read("s2"),
        SignalQueued(entry=reversal()),
        SignalJudged(signal_id="s2", outcome="queued", reason="waits until it is flat"),
        closing,
    )


async def first_in_queue(world: World, at: int | None = None) -> QueueRow:
    return (await pages.queue(world.pool, ACCOUNT, at)).rows[0]


async def test_a_reversal_says_which_trades_must_be_flat_first(world: World) -> None:
    story = reversing()
    waiting_at = story.events[-1].at
    closed_group(exited(story.wait(seconds=5)))
    flat_at = story.events[-1].at
    denied = QueuedReversalDenied(signal_id="s2", reason="max_daily_loss")
    ticked(story.wait(seconds=1)).then(denied)
    await world.given(story)

    row = await first_in_queue(world, await pages.position_at(world.pool, ACCOUNT, waiting_at))
    assert row.turns
    (trade,) = row.waits_for
    assert (trade.group_id, trade.timeframe, trade.side) == (GROUP, "15", "long")
    assert trade.quantity == D("0.01")
    row = await first_in_queue(world, await pages.position_at(world.pool, ACCOUNT, flat_at))
    assert (row.turns, row.waits_for) == (True, ())
    row = await first_in_queue(world)
    assert (row.turns, row.waits_for, row.reason) == (False, (), "max_daily_loss")


async def test_a_refused_change_of_settings_is_told_until_another_comes_to_rule(
    world: World,
) -> None:
    story = ticked(opened_account(Story())).then(
        SettingsRefused(
            version=1, refusal="2 groups are open", actor="ann", reason="hedge from now on"
        )
    )
    await world.given(story)
    (account,) = await pages.accounts(world.pool)
    assert account.refused is not None
    assert (account.refused.refusal, account.refused.actor) == ("2 groups are open", "ann")
    assert (account.refused.reason, account.settings_version) == ("hedge from now on", 1)


async def test_a_change_that_rules_takes_the_refused_one_away(world: World) -> None:
    refused = SettingsRefused(version=1, refusal="no", actor="ann", reason="")
    ruled = SettingsChanged(version=2, settings=Settings(), actor="ann", reason="")
    await world.given(ticked(opened_account(Story())).then(refused, ruled))
    (account,) = await pages.accounts(world.pool)
    assert (account.refused, account.settings_version) == (None, 2)


async def test_a_pyramid_without_market_rules_shows_what_it_holds_and_until_when(
    world: World,
) -> None:
    index = 1
    awaited = EntryAwaited(
        pyramid_id=f"{GROUP}-p{index}",
        group_id=GROUP,
        index=index,
        signal_id="s1",
        symbol=SYMBOL,
        timeframe="15",
        side="long",
        entry_price=ENTRY,
        capital=D(1000),
        max_slippage_percent=None,
        waiting_since=MORNING,
    )
    story = ticked(opened_group(opened_account(Story()))).then(awaited)
    waiting_at = story.events[-1].at
    ended = EntryAwaitEnded(
        pyramid_id=awaited.pyramid_id, group_id=GROUP, symbol=SYMBOL, laid_out=True, reason="came"
    )
    ticked(story.wait(seconds=1)).then(ended)
    await world.given(story)
    at = await pages.position_at(world.pool, ACCOUNT, waiting_at)
    before = await pages.group(world.pool, ACCOUNT, GROUP, at)
    now = await pages.group(world.pool, ACCOUNT, GROUP)
    assert before is not None
    assert now is not None
    (waits,) = before.waiting
    assert (waits.index, waits.entry_price, waits.capital) == (1, ENTRY, D(1000))
    assert waits.gives_up_at == MORNING + timedelta(seconds=300)
    assert now.waiting == ()


async def test_what_is_held_beside_the_trades_is_on_the_risk_page(world: World) -> None:
    story = ticked(entered(opened_group(opened_account(Story())))).then(
        BaselineTaken(
            positions=(HeldPosition(symbol="XRP/USDT:USDT", side="short", quantity=D(-5)),),
            taken_at=MORNING,
        ),
        DustChanged(
            symbol=SYMBOL,
            side="both",
            amount=D("0.0004"),
            total=D("0.0004"),
            value=D("24.1"),
            reason="too small to sell",
        ),
        DiscrepancyFound(
            discrepancy=Discrepancy(
                symbol=SYMBOL, side="long", expected=D(1), seen=D(2), detail="by hand"
            )
        ),
        FeeDeferred(
            pending=PendingFee(leg_id=leg_name(), trade_id="t", fee=D("0.01"), asset="BNB")
        ),
    )
    await world.given(story)
    view = await risk(world)
    (foreign,) = view.foreign
    assert (foreign.symbol, foreign.side, foreign.quantity) == ("XRP/USDT:USDT", "short", D(-5))
    (dust,) = view.dust
    assert (dust.symbol, dust.quantity, dust.value) == (SYMBOL, D("0.0004"), D("24.1"))
    (disputed,) = view.discrepancies
    assert (disputed.symbol, disputed.side) == (SYMBOL, "long")
    (fee,) = view.pending_fees
    assert (fee.asset, fee.fee, fee.symbol, fee.group_id) == ("BNB", D("0.01"), SYMBOL, GROUP)
    assert view.worst_cases.cases[0].all_groups == D(50000)
    assert (await overview(world)).fees_pending == 1


async def test_committed_capital_stands_beside_the_most_it_may_come_to(world: World) -> None:
    await world.given(opened_group(opened_account(Story())))
    view = await overview(world)
    assert (view.committed, view.worst_case) == (D(1190), D(50000))
    assert view.max_committed_capital == D(50000)


def test_a_share_of_the_equity_is_told_in_the_capital_currency() -> None:
    default = Settings()
    capital = msgspec.structs.replace(
        default.capital, group_budget_rule="equity_share", pyramid_capital="full"
    )
    shared = msgspec.structs.replace(default, capital=capital)
    # Ten slots of a tenth each, five times over.
    assert worst_case(shared, Decimal(8000)) == D(40000)


async def test_a_signal_without_an_outcome_would_show_as_a_sum_that_is_short(world: World) -> None:
    story = opened_account(Story())
    signal(story, "s1").then(read("s1"), SignalJudged(signal_id="s1", outcome="duplicate"))
    signal(story, "s2")
    assert isinstance(story.events[-1].event, SignalReceived)
    await world.given(story)
    counts = (await pages.signals(world.pool, ACCOUNT)).counts
    assert (counts.received, counts.duplicate, counts.no_effect) == (2, 1, 0)
