import html
import re
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from application.inputs import OperatorActed, SettingsSubmitted
from application.processes.opposing import UNTIL_FLAT
from domain.gate import Rule
from domain.holds import HoldCause
from domain.offset_terms import CriterionName
from tests.web import story
from tests.web.stub_house import StubHouse
from web import figures, rule_words
from web.charts import curve
from web.rendering import TEMPLATES

PAGES = ("", "queue", "signals", "risk", "log", "performance", "settings", "reference")


@pytest.mark.parametrize("page", PAGES)
async def test_each_page_reads_well_without_any_script(browser: AsyncTestClient, page: str) -> None:
    answer = await browser.get(f"/{page}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1" in answer.text
    assert "None" not in re.sub(r"<[^>]+>", "", answer.text)


def test_no_template_has_inline_script_or_style() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), path.name


async def test_rows_a_page_has_open_are_rendered_open(browser: AsyncTestClient) -> None:
    closed = await browser.get("/fragments/groups")
    assert 'aria-expanded="true"' not in closed.text
    opened = await browser.get("/fragments/groups", params={"open": "gbbbb,unknown"})
    assert opened.text.count('aria-expanded="true"') == 1
    assert re.search(r'id="legs-gbbbb"><td', opened.text)
    assert re.search(r'id="legs-gaaaa" hidden', opened.text)


async def test_what_is_unknown_is_never_shown_as_zero(browser: AsyncTestClient) -> None:
    text = (await browser.get("/fragments/groups")).text
    unmarked = text.partition('data-row="gcccc"')[2].partition("legs-row")[0]
    assert unmarked.count("—") >= 3


async def test_everything_from_outside_is_escaped(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.log_rows = (story.log_row(1, "info", '"><script>alert(1)</script>'),)
    text = (await browser.get("/log", params={"text": '"><script>'})).text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_a_click_becomes_a_durable_input_that_waits_for_its_outcome(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    form = {"action": "promote_signal", "subject": "q0", "reason": ""}
    answer = await browser.post("/actions", data=form)
    assert answer.status_code == 202
    assert "Input 1 is durable" in answer.text
    assert "after=900" in answer.text
    acted = OperatorActed(
        action="promote_signal", subject="q0", actor="operator", reason="no reason given"
    )
    assert house.inbox.stored == [("paper", acted)]

    asked: dict[str, str | int] = {
        "after": 900,
        "action": "promote_signal",
        "subject": "q0",
    }
    assert "waiting…" in (await browser.get("/outcome", params=asked)).text
    house.views.log_rows = (
        msgspec.structs.replace(
            story.log_row(903, "info", "Another trade closed"), correlation_id="s9"
        ),
        story.log_row(902, "info", "Promoted XRP/USDT:USDT"),
        story.wished(901, "operator: promote signal q0: no reason given"),
    )
    outcome = (await browser.get("/outcome", params=asked)).text
    assert re.findall(r"<li[^>]*>(.*?)</li>", outcome) == ["Promoted XRP/USDT:USDT"]


async def test_saved_settings_become_an_input_and_bad_ones_do_not(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    bad = await browser.post("/actions/settings", data={"document": '{"pool": 1}'})
    assert bad.status_code == 400
    assert house.inbox.stored == []
    good = await browser.post("/actions/settings", data={"document": "{}", "reason": "reset"})
    assert good.status_code == 202
    assert isinstance(house.inbox.stored[0][1], SettingsSubmitted)


async def test_settings_show_what_full_groups_may_commit(browser: AsyncTestClient) -> None:
    page = (await browser.get("/settings")).text
    assert "All of them full" in page
    assert "50,000 USDT" in page

    wide = '{"capital": {"pyramid_capital": "full", "group_budget": "20000"}}'
    saved = (await browser.post("/actions/settings", data={"document": wide})).text
    assert "a full group commits at most 100000 USDT" in saved
    assert "warning: capital.group_budget was 100000 for one full group" in saved


async def test_history_is_marked_and_cannot_be_acted_on(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    text = (await browser.get("/", params={"at": "2026-01-01T00:01:00"})).text
    assert "History." in text
    assert "data-view=" not in text
    assert 'data-ask="close_group"' not in text
    assert house.views.asked_at == [60]


async def test_the_theme_chosen_is_rendered(browser: AsyncTestClient) -> None:
    assert "data-theme=" not in (await browser.get("/")).text
    browser.cookies.set("plimsoll_theme", "dark")
    assert '<html lang="en" data-theme="dark">' in (await browser.get("/")).text


@pytest.mark.parametrize(("state", "engine", "word"), [
    ("halted", "running", "Trading halted."),
    ("active", "stopped", "Engine stopped."),
])  # fmt: skip
async def test_trouble_is_a_banner(
    browser: AsyncTestClient, house: StubHouse, state: str, engine: str, word: str
) -> None:
    house.views.trading_state, house.engine = state, engine
    assert word in (await browser.get("/fragments/overview")).text


async def test_before_the_first_account_the_page_says_so_and_tries_again(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.known = ()
    answer = await browser.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "add an account first" in answer.text
    assert 'http-equiv="refresh"' in answer.text


async def test_a_refusal_is_a_page_to_a_reader_and_json_to_a_program(
    browser: AsyncTestClient,
) -> None:
    read = await browser.get("/nonsense", headers={"Accept": "text/html"})
    assert (read.status_code, read.headers["content-type"][:9]) == (404, "text/html")
    assert "page was nonsense" in read.text
    machine = await browser.get("/api/v1/overview", headers={"Accept": "text/html"})
    assert machine.headers["content-type"] == "application/json"


async def test_built_files_may_be_kept_for_ever(browser: AsyncTestClient) -> None:
    page = (await browser.get("/")).text
    built = re.findall(r"/static/build/app-[0-9a-f]{12}\.(?:js|css)", page)
    assert len(built) == 2
    for path in built:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(("shown", "expected"), [
    (figures.money(Decimal("1234.505")), "1,234.50"),
    (figures.signed(Decimal("-0.001")), "0.00"),
    (figures.signed(Decimal(12)), "+12.00"),
    (figures.signed(Decimal(-12)), "−12.00"),
    (figures.price(Decimal("0.00001234567891")), "0.0000123457"),
    (figures.price(Decimal("64250.123456")), "64,250.123"),
    (figures.exact(Decimal("1E+3")), "1,000"),
    (figures.percent(None), "—"),
    (figures.span(59), "59 s"),
    (figures.span(3 * 86400), "3 d"),
    (figures.words("max_open_groups"), "max open groups"),
    (figures.ranking("deepest_loss=-0.07182522528513949389818109267"), "deepest loss −0.07 %"),
    (figures.ranking("deepest_loss=unknown"), "deepest loss unknown"),
    (figures.ranking("expected_profit=1.2"), "expected profit +1.20 %"),
    (figures.ranking("continuation=false"), "continuation no"),
    (figures.ranking("replacements=2"), "replacements 2"),
    (figures.ranking("not a continuation"), "not a continuation"),
    (figures.indented('{"a":{"b":0.10}}'), '{\n  "a": {\n    "b": 0.10\n  }\n}'),
])  # fmt: skip
def test_figures_are_set_as_traders_read_them(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_curve_of_one_or_of_no_value_is_still_a_line() -> None:
    assert curve([Decimal(5)], 10, 10).line.count(",") == 2
    assert curve([], 10, 10).line.count(",") == 2


async def test_each_leg_says_what_guards_its_lot(browser: AsyncTestClient) -> None:
    text = (await browser.get("/fragments/groups", params={"open": "gbbbb"})).text
    trade = text.partition('data-row="gbbbb"')[2].partition("data-row=")[0]
    exits = [
        " ".join(re.sub(r"<[^>]+>", " ", cell).split())
        for cell in re.findall(r'data-label="Exit">(.*?)</td>', trade)
    ]
    assert exits[:4] == [
        "closing at market stop 61,000.5",
        "watched at 63,928.8 stop 61,000.5",
        "unprotected stop 61,000.5",
        "—",
    ]
    assert exits[5] == "resting at 65,213.9 stop 61,000.5"
    assert 'title="too small to rest at the venue"' in trade


async def test_a_trade_shows_its_stop_its_funding_and_that_it_is_reduced(
    browser: AsyncTestClient,
) -> None:
    text = (await browser.get("/fragments/groups")).text
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert plain.count("Stop watched at 61,000.5 , trails 64,800") == 3
    assert plain.count("reducing operator: half of it") == 1
    assert plain.count("unprotected 1") == 1
    assert plain.count("Funding −0.87") == 3


async def test_a_part_to_close_is_sent_as_a_percent_or_refused_by_its_field(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    form = {"action": "reduce_group", "subject": "gaaaa", "reason": "", "percent": "12.5"}
    answer = await browser.post("/actions", data=form)
    assert answer.status_code == 202
    assert "Reduce group by 12.5 %: recorded" in answer.text
    (stored,) = (each for _, each in house.inbox.stored)
    assert isinstance(stored, OperatorActed)
    assert stored.percent == Decimal("12.5")
    for percent in ("half", "0", "101", ""):
        refused = await browser.post("/actions", data={**form, "percent": percent})
        assert refused.status_code == 400
        assert refused.json()["problems"][0]["field"] == "percent"
    assert len(house.inbox.stored) == 1


async def test_a_refusal_that_was_told_before_still_answers_a_wish(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    wish: dict[str, str | int] = {
        "after": 900,
        "action": "promote_signal",
        "subject": "q1",
    }
    asked = story.wished(901, "operator: promote signal q1: now")
    house.views.log_rows = (asked,)
    outcome = (await browser.get("/outcome", params=wish)).text
    assert "As told before: max_open_groups was 10, the limit is 10" in outcome
    # Where the log has an answer, nothing older is told.
    house.views.log_rows = (story.log_row(902, "info", "Signal q1 promoted"), asked)
    outcome = (await browser.get("/outcome", params=wish)).text
    assert "As told before" not in outcome


async def test_what_a_wish_did_not_change_is_told_too(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    house.views.log_rows = (story.wished(901, "operator: clear discrepancy BNB: seen"),)
    wish: dict[str, str | int] = {
        "after": 900,
        "action": "clear_discrepancy",
        "subject": "BNB",
    }
    outcome = (await browser.get("/outcome", params=wish)).text
    # The alert about BNB is no answer to an operator's wish.
    assert "Nothing had to be changed." in outcome


async def test_the_outcome_of_new_settings_is_the_story_of_their_own_input(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    saved = await browser.post("/actions/settings", data={"document": "{}", "reason": "reset"})
    address = re.search(r'hx-get="(/outcome[^"]*)"', saved.text)
    assert address is not None
    house.views.log_rows = (
        story.log_row(902, "warning", "Settings refused, 3 rule on"),
        story.wished(901, "operator submitted settings: reset"),
    )
    outcome = await browser.get(html.unescape(address.group(1)))
    assert "Settings refused, 3 rule on" in outcome.text


async def test_the_ledger_is_shown_as_the_sum_it_is(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    shown = " ".join(re.sub(r"<[^>]+>", " ", (await browser.get("/signals")).text).split())
    assert "46 received = 21 admitted + 3 queued + 4 replaced" in shown
    assert "2 rejected balances" in shown
    whole = story.signals()
    house.views.ledger = msgspec.structs.replace(
        whole, counts=msgspec.structs.replace(whole.counts, received=48)
    )
    text = (await browser.get("/signals")).text
    assert "2 without an outcome" in text
    assert "balances" not in text


async def test_the_page_of_positions_has_the_closed_ones_with_their_result(
    browser: AsyncTestClient,
) -> None:
    page = (await browser.get("/positions")).text
    closed = page.partition("Closed lately")[2]
    assert "stop loss touched at 151.2" in closed
    assert "+118.40" in closed
    live = (await browser.get("/fragments/groups", params={"page": "positions"})).text
    assert "Closed lately" in live
    assert "Closed lately" not in (await browser.get("/fragments/groups")).text


async def test_the_overview_puts_the_worst_case_beside_what_is_committed(
    browser: AsyncTestClient,
) -> None:
    text = (await browser.get("/fragments/overview")).text
    tile = text.partition("<dt>Committed</dt>")[2].partition("</div>")[0]
    assert "14,210.77" in tile
    assert "worst case 50,000" in tile
    assert "1 fee without a value" in text


@pytest.mark.parametrize(("shown", "expected"), [
    ("loss of the day of BTC/USDT:USDT", "Loss of the day of BTC/USDT:USDT"),
    ("capital.hedge_mode was true", "capital.hedge_mode was true"),
    ("", ""),
])  # fmt: skip
def test_a_reason_begins_as_a_sentence_and_keeps_its_names(shown: str, expected: str) -> None:
    assert figures.sentence(shown) == expected


@pytest.mark.parametrize(("reason", "shown"), [
    ("max_open_groups", "a free slot"),
    ("one_direction", "the other side to be flat"),
    ("waits until what it reverses is flat", "what it reverses to be flat"),
    ("an operator's own words", "an operator's own words"),
])  # fmt: skip
def test_what_a_queued_signal_waits_for_is_told_and_not_the_rules_name(
    reason: str, shown: str
) -> None:
    assert rule_words.awaited(reason) == shown


def test_every_rule_of_the_gate_has_words_for_its_receipt_and_for_what_is_waited_for() -> None:
    rules = set(get_args(Rule))
    assert rule_words.RULES.keys() == rules
    assert rule_words.AWAITED.keys() - {UNTIL_FLAT} == rules
    for rule in rules:
        assert "_" not in rule_words.ruled(rule)
        assert "_" not in rule_words.awaited(rule)


def test_every_cause_of_a_hold_and_every_condition_of_a_loser_has_words() -> None:
    assert rule_words.CAUSES.keys() == set(get_args(HoldCause))
    assert rule_words.CRITERIA.keys() == set(get_args(CriterionName))
