"""Given what was sampled and transferred, the curve tells it in order, thinned or whole."""

from datetime import timedelta

from domain.equity import CapitalTransferred
from projections import pages
from projections.equity_views import EquityView
from projections.rebuild import fingerprint, rebuild, verify
from tests.projections.conftest import World
from tests.projections.risks import curve_of, sampled, ticked, whole_risk
from tests.projections.story import ACCOUNT, MORNING, D, Story, opened_account
from tests.projections.test_views_of_risk import overview, risk


async def equity(
    world: World, wanted: pages.EquityWanted | None = None, at: int | None = None
) -> EquityView:
    view = await pages.equity(world.pool, ACCOUNT, wanted, at)
    assert view is not None
    return view


async def test_samples_are_told_in_order_with_how_far_each_is_below_its_peak(
    world: World,
) -> None:
    story = curve_of(opened_account(Story()))
    await world.given(story)
    view = await equity(world)
    assert [point.equity for point in view.points] == [D(10000 - 100 * n) for n in (0, 1, 2, 3, 0)]
    assert [point.drawdown_percent for point in view.points] == [D(0), D(1), D(2), D(3), D(0)]
    assert (view.samples, view.step_seconds, view.currency) == (5, 0, "USDT")
    assert view.max_drawdown_percent == D(3)
    assert view.max_drawdown_at == MORNING + timedelta(minutes=3)
    third = view.points[2]
    assert (third.at, third.committed) == (MORNING + timedelta(minutes=2), D(1190))
    past = await equity(world, at=view.points[1].position)
    assert [point.equity for point in past.points] == [D(10000), D(9900)]
    assert past.max_drawdown_percent == D(1)


async def test_a_span_of_samples_ends_before_its_end(world: World) -> None:
    await world.given(curve_of(opened_account(Story())))
    wanted = pages.EquityWanted(
        start=MORNING + timedelta(minutes=1), end=MORNING + timedelta(minutes=3)
    )
    view = await equity(world, wanted)
    assert [point.equity for point in view.points] == [D(9900), D(9800)]
    latest = await equity(world, pages.EquityWanted(last=timedelta(minutes=1)))
    assert [point.equity for point in latest.points] == [D(9700), D(10000)]
    none = await equity(world, pages.EquityWanted(end=MORNING))
    assert (none.points, none.samples, none.max_drawdown_percent) == ((), 0, None)


async def test_thinned_samples_keep_the_deepest_drawdown_of_each_span(world: World) -> None:
    await world.given(curve_of(opened_account(Story()), 20))
    view = await equity(world, pages.EquityWanted(points=5))
    assert len(view.points) <= 6
    assert (view.samples, view.step_seconds) == (20, 240)
    last = view.points[-1]
    assert (last.equity, last.low, last.drawdown_percent) == (D(10000), D(8200), D(18))
    assert max(point.drawdown_percent for point in view.points) == view.max_drawdown_percent
    assert view.points[0].equity == D(9700)


async def test_a_transfer_moves_capital_and_peak_and_is_no_profit(world: World) -> None:
    story = ticked(opened_account(Story())).then(sampled("10000", "11000"))
    moved = CapitalTransferred(amount=D(-500), total=D(-500), reason="rent", actor="ann")
    ticked(story.wait(seconds=1)).then(moved)
    await world.given(story)
    worth = (await risk(world)).worth
    assert (worth.capital, worth.transfers, worth.peak) == (D(9500), D(-500), D(10500))
    assert (await overview(world)).equity == D(9500)
    (told,) = (await equity(world)).transfers
    assert (told.amount, told.total, told.reason, told.actor) == (D(-500), D(-500), "rent", "ann")


async def test_a_rebuild_makes_the_same_tables_of_brakes_and_equity(world: World) -> None:
    await world.given(whole_risk(opened_account(Story())))
    before = await fingerprint(world.url)
    await rebuild(world.url)
    assert await fingerprint(world.url) == before
    assert (await verify(world.url)).intact
