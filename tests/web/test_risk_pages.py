"""What the risk page tells: every hold, limit and plan, and what an operator may do about it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from litestar.testing import AsyncTestClient
from msgspec.structs import replace

from application.inputs import OperatorActed
from projections.risk_views import LimitRow
from tests.web import story_equity, story_offsets, story_risk
from tests.web.stub_house import ACCOUNT, StubHouse
from web import rule_words
from web.curves import EQUITY_HEIGHT, WIDTH, equity_curve


def plain(text: str) -> str:
    """What is left to read without any tag."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def fragment(browser: AsyncTestClient, name: str, **query: str) -> str:
    answer = await browser.get(f"/fragments/{name}", params={"page": "risk", **query})
    assert answer.status_code == 200
    return answer.text


async def test_every_hold_is_told_with_its_reason_its_actor_and_its_end(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.trading_state = "halted"
    text = await fragment(browser, "risk")
    told = [
        plain(each) for each in re.findall(r"<li class=\"(?:halted|reducing)\">(.*?)</li>", text)
    ]
    assert len(told) == len(story_risk.HOLDS)
    assert told[0].startswith("halted Emergency stop rules The equity fell too far below its peak")
    assert told[1].endswith("until contact is back")
    assert "engine · 9 min" in told[1]
    assert told[2].endswith("until midnight UTC or a reset")
    assert "Nothing holds trading back" not in text


async def test_the_banner_tells_the_hold_that_rules_and_how_many_stand_beside_it(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.trading_state = "halted"
    banner = plain((await fragment(browser, "overview")).partition("tiles")[0])
    assert (
        "Trading halted. Emergency stop: the equity fell too far below its peak, 2 min ago,"
        " and 2 more causes." in banner
    )
    house.views.trading_state = "active"
    assert "Trading" not in plain((await fragment(browser, "overview")).partition("tiles")[0])


@pytest.mark.parametrize(
    ("state", "there", "missing"),
    [
        ("active", {"pause", "halt", "emergency-stop"}, {"resume", "reset-breaker"}),
        ("reducing", {"resume", "halt", "emergency-stop", "reset-breaker"}, {"pause"}),
        ("halted", {"resume", "reset-breaker"}, {"pause", "halt", "emergency-stop"}),
    ],
)
async def test_only_what_may_be_done_now_is_offered(
    browser: AsyncTestClient, house: StubHouse, state: str, there: set[str], missing: set[str]
) -> None:
    house.views.trading_state = state
    found = set(re.findall(r'<button[^>]* id="([\w-]+)"', await fragment(browser, "risk")))
    assert there <= found
    assert not missing & found


async def test_history_offers_nothing_to_do_on_any_part_of_the_risk_page(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.trading_state = "halted"
    page = (await browser.get("/risk", params={"at": "2026-01-01T00:01:00"})).text
    assert "data-ask=" not in page
    assert "A plan is of now" in page
    assert "The equity fell too far below its peak" in page


async def test_an_emergency_stop_is_taken_only_with_the_accounts_own_name(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    button = re.search(r'<button[^>]*id="emergency-stop"[^>]*>', await fragment(browser, "risk"))
    assert button is not None
    assert f'data-typed="{ACCOUNT}"' in button.group()
    assert "data-typed-subject" in button.group()
    form = {"action": "emergency_stop", "reason": "the news"}
    for subject in ("", "other"):
        refused = await browser.post("/actions", data={**form, "subject": subject})
        assert refused.status_code == 400
        assert refused.json()["problems"][0]["field"] == "subject"
    assert house.inbox.stored == []
    taken = await browser.post("/actions", data={**form, "subject": ACCOUNT})
    assert taken.status_code == 202
    ((_, acted),) = house.inbox.stored
    assert isinstance(acted, OperatorActed)
    assert (acted.action, acted.subject, acted.reason) == ("emergency_stop", ACCOUNT, "the news")


async def test_a_form_without_the_pages_own_token_stops_nothing(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    del browser.headers["X-CSRF-Token"]
    form = {"action": "emergency_stop", "subject": ACCOUNT, "reason": "x"}
    assert (await browser.post("/actions", data=form)).status_code in (401, 403)
    assert house.inbox.stored == []


async def test_a_transfer_is_recorded_with_its_amount_and_its_reason(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    form = {"action": "record_transfer", "reason": "rent", "amount": "-500.5"}
    answer = await browser.post("/actions", data=form)
    assert answer.status_code == 202
    ((_, acted),) = house.inbox.stored
    assert isinstance(acted, OperatorActed)
    assert acted.amount == Decimal("-500.5")


async def test_a_limit_that_is_unknown_or_off_is_not_shown_as_zero(
    browser: AsyncTestClient,
) -> None:
    rows = (await fragment(browser, "risk")).partition("<h3>Limits</h3>")[2].split("<tr>")
    told = {title: plain(row) for row in rows for title in re.findall(r'title="(\w+)"', row)}
    assert "unknown 30 s —" in told["max_mark_age_seconds"]
    assert "1 off —" in told["max_open_groups_per_symbol"]
    assert "412.40 500.00 82.5 %" in told["max_daily_loss"]
    assert "13.99 % — —" in told["exposure"]


async def test_the_drawdown_and_the_days_loss_are_told_against_their_limits(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.trading_state = "halted"
    cards = plain((await fragment(browser, "risk")).partition('class="cards"')[2])
    assert "Loss of the day tripped 512.40 of 500.00" in cards
    assert "Drawdown emergency stop 20.52 % of 20 %" in cards
    assert "Balance off by −250.50" in cards
    assert "Stopped 2 min by engine at 20.44 %" in cards


async def test_a_refusal_opens_to_its_whole_receipt(browser: AsyncTestClient) -> None:
    closed = await fragment(browser, "refusals")
    assert 'id="receipt-denial-700" hidden' in closed
    text = await fragment(browser, "refusals", open="denial-700")
    receipt = text.partition('id="receipt-denial-700"')[2].partition("</ul>")[0]
    assert not receipt.startswith(" hidden")
    checks = [plain(each) for each in re.findall(r"<li.*?</li>", receipt)]
    assert len(checks) == len(story_risk.RECEIPT)
    assert "open groups 10 / 10 failed" in checks
    assert "free balance 338.7 / 87000.12 passed" in checks
    assert "symbol allowed XRP/USDT:USDT / off passed" in checks
    # What could not be told failed, and says so.
    assert "age of the mark, seconds unknown / 30 failed" in plain(text)


async def test_the_overview_tells_for_what_signals_wait(browser: AsyncTestClient) -> None:
    tile = (await fragment(browser, "overview")).partition("<dt>Queued</dt>")[2]
    told = plain(tile.partition("</div>")[0])
    assert told == "3 2 for a free slot 1 for what it reverses to be flat"


async def test_who_waits_who_is_kept_out_and_every_sum_of_the_offsets_is_told(
    browser: AsyncTestClient,
) -> None:
    text = plain(await fragment(browser, "offsets", open="ghhhh-o1"))
    assert "BTC/USDT:USDT 15m long 1 h due All 5 pyramids are in" in text
    assert "ETH/USDT:USDT 1h short 22 min in 38 min" in text
    assert "blocked a hedge of the spot account · operator · 3 h" in text
    assert "218.44 96.02 The winners together cannot cover it" in text
    assert "covered 146.55 2 +146.61 −146.41 +0.20" in text
    assert "1 winner XRP/USDT:USDT 1,180 +146.55 — +87.91 sold" in text
    assert "3 loser DOGE/USDT:USDT 21,400 −146.61 0.18114 −146.41 sold" in text
    assert "under way" not in text


async def test_an_offset_under_way_is_told_step_by_step(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.is_offsetting = True
    text = plain(await fragment(browser, "offsets"))
    assert "under way ETH/USDT:USDT short needs 146.55" in text
    assert "1 winner XRP/USDT:USDT 1,180 +146.55 — — selling" in text
    assert "winner LINK/USDT:USDT 74 +58.45 — — next" in text


async def test_the_plan_is_told_as_the_engine_makes_it(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.outlook = story_offsets.outlook()
    text = plain(await fragment(browser, "plan"))
    assert "due BTC/USDT:USDT needs 218.44, its winners would earn 218.50" in text
    assert "XRP/USDT:USDT long 2.3102 +140.20 218.44 1,880 +140.20" in text
    assert "pyramids 3 of 5" in text
    assert "minutes waited 22 of 60" in text
    for button in ("offset-now", "skip-gaaaa", "block-gaaaa", "plan-unblock-gcccc"):
        assert f'id="{button}"' in await fragment(browser, "plan")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"obstacle": "trading is halted"}, "No offset may begin now: trading is halted."),
        ({"enabled": False}, "Switched off by risk.offset.enabled"),
        ({"plan": None}, "No trade in loss could be paid down now."),
        ({"plan": None, "groups": ()}, "No open trade"),
    ],
)
async def test_what_keeps_an_offset_from_beginning_is_told(
    browser: AsyncTestClient, house: StubHouse, change: dict[str, object], told: str
) -> None:
    house.outlook = replace(story_offsets.outlook(), **change)
    assert told in plain(await fragment(browser, "plan"))


async def test_a_plan_that_is_not_feasible_says_why(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    unpaid = replace(
        story_offsets.PLAN, reason="the winners together cannot cover it", is_feasible=False
    )
    house.outlook = replace(story_offsets.outlook(), plan=unpaid)
    text = plain(await fragment(browser, "plan"))
    assert "not feasible BTC/USDT:USDT needs 218.44" in text
    assert "The winners together cannot cover it." in text


@pytest.mark.parametrize(
    ("page", "span", "days"),
    [
        ("risk", "", 1),
        ("performance", "", None),
        ("risk", "week", 7),
        ("risk", "all", None),
        ("risk", "x", None),
    ],
)
async def test_the_curve_goes_back_as_far_as_it_is_asked_to(
    browser: AsyncTestClient, house: StubHouse, page: str, span: str, days: int | None
) -> None:
    query = {"page": page} | ({"span": span} if span else {})
    await fragment(browser, "equity", **query)
    asked = house.views.equity_asked[-1]
    assert asked.last == (None if days is None else timedelta(days=days))


async def test_the_curve_is_told_in_words_too(browser: AsyncTestClient) -> None:
    text = await fragment(browser, "equity")
    assert 'aria-label="Equity from Jan 05 08:30 to Jan 05 14:30' in text
    assert "deepest" in plain(text)
    assert "more to work with · operator" in plain(text)


def test_a_gap_in_the_samples_is_a_gap_in_the_curve() -> None:
    curve = equity_curve(story_equity.equity())
    assert curve is not None
    assert curve.equity.count("M") == 2
    assert curve.drawdown.count("Z") == 2
    assert len(curve.times) == 3


def test_a_curve_keeps_within_its_frame_and_is_true_to_the_clock() -> None:
    view = story_equity.equity()
    curve = equity_curve(view)
    assert curve is not None
    points = [(Decimal(x), Decimal(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", curve.equity)]
    assert len(points) == len(view.points)
    assert points[0][0] == 0
    assert points[-1][0] == WIDTH
    assert all(0 <= y <= EQUITY_HEIGHT for _, y in points)
    # Half an hour of six is a twelfth of the way, whatever was sampled in between.
    assert points[30][0] == Decimal("83.3")


def test_fewer_than_two_samples_make_no_line() -> None:
    view = story_equity.equity()
    assert equity_curve(replace(view, points=view.points[:1])) is None


@pytest.mark.parametrize(("limit", "is_shown"), [("5", True), ("20", False), (None, False)])
def test_the_limit_is_drawn_where_it_is_in_sight(limit: str | None, *, is_shown: bool) -> None:
    percent = None if limit is None else Decimal(limit)
    curve = equity_curve(story_equity.equity(), percent)
    assert curve is not None
    assert bool(curve.limit) == is_shown


def test_every_limit_that_is_shown_has_a_name() -> None:
    shown: tuple[LimitRow, ...] = story_risk.LIMITS
    assert all(row.rule in rule_words.LIMITS for row in shown)
