"""Given events in the log, the pages say what a trader expects to read."""

from datetime import timedelta

import asyncpg
import pytest

from adapters.postgres.connection import BECOME_APP_ROLE
from domain.gate import RuleCheck
from domain.holding_terms import Discrepancy
from domain.holdings import DiscrepancyFound
from domain.queue import QueuedSignalReplaced, SignalQueued
from domain.risk_engine import RiskDenied, TradingStateChanged
from domain.trading_day import EngineStarted, InputFailed, SignalJudged
from projections import pages
from projections.rebuild import rebuild
from projections.views import LogFilter
from tests.projections.conftest import World
from tests.projections.story import (
    ACCOUNT,
    MORNING,
    SYMBOL,
    D,
    Story,
    opened_account,
    queued,
    read,
    signal,
)
from tests.projections.trading import (
    GROUP,
    accepted,
    closed_group,
    entered,
    exited,
    leg_name,
    opened_group,
    proposal,
    whole_trade,
)


async def test_a_group_whose_orders_rest_is_live(world: World) -> None:
    await world.given(accepted(opened_group(opened_account(Story())), "E0"))
    (group,) = await pages.groups(world.pool, ACCOUNT)
    assert (group.state, group.pyramids, group.max_pyramids) == ("LIVE", 1, 5)
    assert (group.legs_filled, group.legs_total) == (0, 2)
    assert [leg.state for leg in group.legs] == ["OPEN", "REQUESTED", "SKIPPED"]
    assert group.legs[2].reason == "min_notional"
    assert group.committed == D(1190)
    assert str(group.committed) == "1190"
    assert (group.pnl, group.average_entry) == (D(0), None)


async def test_a_filled_leg_shows_its_profit_and_progress_at_the_mark(world: World) -> None:
    await world.given(entered(opened_group(opened_account(Story()))))
    await world.mark(SYMBOL, D(60300))
    (group,) = await pages.groups(world.pool, ACCOUNT)
    assert group.state == "DCA_ACTIVE"
    assert (group.quantity, group.average_entry, group.mark) == (D("0.01"), D(60000), D(60300))
    assert group.unrealized == D("2.88")
    assert group.pnl_percent == D("0.48")
    leg = group.legs[0]
    assert (leg.state, leg.target, leg.progress_percent) == ("FILLED", D(60600), D(50))
    assert (leg.filled, leg.average_fill, leg.unprotected) == (D("0.01"), D(60000), False)


async def test_without_a_mark_profit_is_unknown_and_not_zero(world: World) -> None:
    await world.given(entered(opened_group(opened_account(Story()))))
    (group,) = await pages.groups(world.pool, ACCOUNT)
    assert (group.mark, group.unrealized, group.pnl, group.pnl_percent) == (None, None, None, None)
    overview = await pages.overview(world.pool, ACCOUNT)
    assert overview is not None
    assert (overview.unmarked, overview.unrealized) == (1, D(0))


async def test_a_closed_trade_counts_in_overview_and_performance(world: World) -> None:
    story = whole_trade()
    await world.given(story)
    (group,) = await pages.groups(world.pool, ACCOUNT, ("CLOSED",))
    assert (group.state, group.realized, group.fees) == ("CLOSED", D("5.76"), D("0.24"))
    assert [leg.state for leg in group.legs] == ["CLOSED", "CANCELLED", "SKIPPED"]
    assert await pages.groups(world.pool, ACCOUNT, ("LIVE", "DCA_ACTIVE")) == ()

    seen = await pages.performance(world.pool, ACCOUNT)
    assert seen is not None
    (day,) = seen.days
    assert (day.date, day.realized, day.equity) == ("2026-01-05", D("5.76"), D("10005.76"))
    totals = seen.totals
    assert (totals.trades_closed, totals.wins, totals.win_rate_percent) == (1, 1, D(100))
    assert (totals.expectancy, totals.profit_factor) == (D("5.76"), None)
    assert [(row.by, row.name) for row in seen.breakdown] == [
        ("symbol", SYMBOL),
        ("timeframe", "15"),
        ("side", "long"),
    ]

    overview = await pages.overview(world.pool, ACCOUNT)
    assert overview is not None
    assert (overview.open_groups, overview.committed) == (0, D(0))
    assert (overview.realized_total, overview.equity) == (D("5.76"), D("10005.76"))
    assert str(overview.starting_balance) == "10000"
    assert overview.last_event_at == story.events[-1].at


async def test_the_time_slider_shows_every_past_moment(world: World) -> None:
    story = whole_trade()
    await world.given(story)
    states: list[str] = []
    for event in story.events:
        at = await pages.position_at(world.pool, ACCOUNT, event.at)
        group = await pages.group(world.pool, ACCOUNT, GROUP, at)
        state = "none" if group is None else group.state
        if not states or states[-1] != state:
            states.append(state)
    assert states == [
        "none",
        "WAITING",
        "LIVE",
        "DCA_ACTIVE",
        "CLOSING",
        "CLOSED",
    ]


async def test_history_is_valued_at_the_tape(world: World) -> None:
    story = entered(opened_group(opened_account(Story())))
    entered_at = story.events[-1].at
    closed_group(exited(story.wait(hours=1)))
    await world.given(story)
    await world.pool.execute(
        "INSERT INTO plimsoll.market_tape VALUES ($1, $2, $3, 1, 1, 1, 60100)",
        ACCOUNT,
        SYMBOL,
        (entered_at - timedelta(minutes=2)).replace(second=0, microsecond=0),
    )
    at = await pages.position_at(world.pool, ACCOUNT, entered_at)
    group = await pages.group(world.pool, ACCOUNT, GROUP, at)
    assert group is not None
    assert (group.mark, group.unrealized) == (D(60100), D("0.88"))


async def test_the_queue_ranks_as_the_engine_does_and_keeps_the_waiting_time(world: World) -> None:
    story = opened_account(Story())
    signal(story, "s1").then(read("s1"), SignalQueued(entry=queued("s1", 1)))
    newer = queued("s2", 2, D(3000))
    replaced = QueuedSignalReplaced(replaced_signal_id="s1", entry=newer)
    signal(story, "s2").then(read("s2"), replaced)
    await world.given(story)
    await world.mark("ETH/USDT:USDT", D(2940))
    view = await pages.queue(world.pool, ACCOUNT)
    (row,) = view.rows
    assert (row.rank, row.signal_id, row.loss_percent) == (1, "s2", D(-2))
    assert row.rank_tuple[:2] == ("continuation=false", "deepest_loss=-2")
    assert row.waiting_seconds > 0
    assert (view.limit, view.free_slots) == (None, 10)


async def test_risk_shows_limits_denials_and_discrepancies(world: World) -> None:
    story = opened_group(opened_account(Story()))
    failed = RuleCheck(rule="max_daily_loss", value="510", limit="500", passed=False)
    denied = RiskDenied(
        proposal=proposal("s2"), reason="max_daily_loss", transient=True, receipt=(failed,)
    )
    difference = Discrepancy(symbol=SYMBOL, expected=D("0.01"), seen=D(0), detail="by hand")
    signal(story, "s2").then(
        read("s2"),
        denied,
        SignalJudged(signal_id="s2", outcome="refused", reason="max_daily_loss"),
        DiscrepancyFound(discrepancy=difference),
        TradingStateChanged(state="reducing", reason="loss of the day", actor="engine"),
    )
    await world.given(story)
    risk = await pages.risk(world.pool, ACCOUNT)
    assert risk is not None
    assert (risk.trading_state, risk.state_reason) == ("reducing", "loss of the day")
    assert risk.committed == D(1190)
    limits = {row.rule: row for row in risk.limits}
    assert limits["max_committed_capital"].used_percent == D("2.38")
    assert limits["max_open_groups"].value == D(1)
    assert limits["max_open_groups_per_symbol"].limit is None
    (denial,) = risk.denials
    assert (denial.signal_id, denial.receipt[0].value) == ("s2", "510")
    assert risk.discrepancies[0].seen == D(0)


async def test_the_ledger_shows_each_signal_with_its_latest_outcome(world: World) -> None:
    story = opened_group(opened_account(Story()))
    waits = SignalJudged(signal_id="s2", outcome="queued", reason="max_open_groups")
    signal(story, "s2").then(read("s2"), waits)
    story.input(EngineStarted(version="1", settings_hash="h", started_at=MORNING))
    story.then(SignalJudged(signal_id="s2", outcome="expired"))
    await world.given(story)
    view = await pages.signals(world.pool, ACCOUNT)
    assert [(row.signal_id, row.outcome) for row in view.rows] == [
        ("s2", "expired"),
        ("s1", "admitted"),
    ]
    assert (view.counts.received, view.counts.admitted, view.counts.expired) == (2, 1, 1)
    page = await pages.signals(world.pool, ACCOUNT, limit=1, offset=1)
    assert [row.signal_id for row in page.rows] == ["s1"]


async def test_a_signal_that_could_not_be_handled_is_rejected_in_the_ledger(world: World) -> None:
    story = signal(opened_account(Story()), "s1")
    story.then(InputFailed(error="ValueError: odd", fingerprint="f"))
    await world.given(story)
    view = await pages.signals(world.pool, ACCOUNT)
    assert (view.counts.received, view.counts.rejected) == (1, 1)
    assert view.rows[0].reason == "could not be handled: ValueError: odd"


async def test_a_failed_report_on_an_order_leaves_its_signal_admitted(world: World) -> None:
    story = accepted(opened_group(opened_account(Story())), "E0")
    story.then(InputFailed(error="ValueError: odd", fingerprint="f"))
    await world.given(story)
    view = await pages.signals(world.pool, ACCOUNT)
    assert view.rows[0].outcome == "admitted"


async def test_the_log_reads_as_sentences_and_filters(world: World) -> None:
    await world.given(whole_trade())
    fills = await pages.log(world.pool, ACCOUNT, LogFilter(text="order e0 FILLED", kinds=("fill",)))
    assert [row.text for row in fills.rows] == [
        "Order E0 filled 0.01 at 60000 as maker, fee 0.12 USDT; 0.01 filled in all"
    ]
    assert (fills.rows[0].symbol, fills.rows[0].group_id) == (SYMBOL, GROUP)
    assert fills.next_before is None
    everything = await pages.log(world.pool, ACCOUNT, LogFilter(limit=1000))
    of_symbol = await pages.log(world.pool, ACCOUNT, LogFilter(symbol=SYMBOL, limit=1000))
    assert 0 < len(of_symbol.rows) < len(everything.rows)
    assert (await pages.log(world.pool, ACCOUNT, LogFilter(text="100%_\\"))).rows == ()


async def test_the_log_pages_backwards_without_gaps(world: World) -> None:
    await world.given(whole_trade())
    whole = await pages.log(world.pool, ACCOUNT, LogFilter(limit=1000))
    paged: list[int] = []
    before: int | None = None
    while True:
        page = await pages.log(world.pool, ACCOUNT, LogFilter(limit=7, before=before))
        paged += [row.position for row in page.rows]
        before = page.next_before
        if before is None:
            break
    assert paged == [row.position for row in whole.rows]
    newer = await pages.log(world.pool, ACCOUNT, LogFilter(after=paged[3]))
    assert [row.position for row in newer.rows] == paged[:3]


async def test_what_a_table_cannot_hold_is_shown_and_stops_nothing(world: World) -> None:
    story = opened_account(Story())
    odd = queued("s\0", 1, D("1E+200000"))
    signal(story, "s\0", body='{"note": "\0"}').then(read("s\0"), SignalQueued(entry=odd))
    story.wait(seconds=1)
    signal(story, "s2").then(read("s2"), SignalJudged(signal_id="s\0", outcome="queued"))
    await world.given(story)
    view = await pages.signals(world.pool, ACCOUNT)
    assert view.rows[1].outcome == "queued"
    (row,) = (await pages.queue(world.pool, ACCOUNT)).rows
    assert row.price is not None
    assert row.price.is_nan()


async def test_an_account_that_is_not_there_has_no_pages(world: World) -> None:
    await world.given(opened_account(Story()))
    assert await pages.overview(world.pool, "nobody") is None
    assert await pages.risk(world.pool, "nobody") is None
    assert await pages.performance(world.pool, "nobody") is None
    assert await pages.groups(world.pool, "nobody") == ()
    assert [row.account for row in await pages.accounts(world.pool)] == [ACCOUNT]


async def test_an_unprotected_leg_is_visible_and_counted(world: World) -> None:
    story = entered(opened_group(opened_account(Story())))
    story.events = [e for e in story.events if e.event.NAME != "exit.requested.v1"]
    await world.given(story)
    overview = await pages.overview(world.pool, ACCOUNT)
    assert overview is not None
    assert overview.unprotected_legs == 1
    group = await pages.group(world.pool, ACCOUNT, GROUP)
    assert group is not None
    assert [leg.leg_id for leg in group.legs if leg.unprotected] == [leg_name(0)]


async def test_the_role_that_may_only_read_and_append_reads_every_page(world: World) -> None:
    await world.given(whole_trade())
    await rebuild(world.url)
    confined = asyncpg.create_pool(world.url, min_size=1, max_size=1, init=_confine)
    async with confined as pool:
        assert await pool.fetchval("SELECT current_user") == "plimsoll_app"
        for page in (pages.overview, pages.risk, pages.queue, pages.performance, pages.groups):
            assert await page(pool, ACCOUNT)
        assert (await pages.signals(pool, ACCOUNT)).rows
        assert (await pages.log(pool, ACCOUNT)).rows
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("DELETE FROM read_4.legs")


async def _confine(connection: asyncpg.Connection) -> None:
    await connection.execute(BECOME_APP_ROLE)
