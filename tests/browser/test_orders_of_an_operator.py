"""What an operator asks for on a page, and what the pages tell an operator, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, StubDashboard

# A change must be seen within a second of its commit.
LIVE_MS = 1000


@pytest.fixture
def positions(stub_dashboard: StubDashboard, open_dashboard: OpenPage) -> Page:
    page = open_dashboard(stub_dashboard.login, 1280, 800)
    page.goto(f"{stub_dashboard.url}/positions")
    return page


@pytest.fixture
def queue(stub_dashboard: StubDashboard, open_dashboard: OpenPage) -> Page:
    page = open_dashboard(stub_dashboard.login, 1280, 800)
    page.goto(f"{stub_dashboard.url}/queue")
    return page


def sent_by(page: Page, button: str) -> str:
    """The form that a click sends."""
    with page.expect_request("**/actions?**") as request:
        page.locator("#confirm").get_by_role("button", name=button).click()
    return request.value.post_data or ""


def test_a_part_of_a_position_is_closed_by_percent_and_its_outcome_shown(
    stub_dashboard: StubDashboard, positions: Page
) -> None:
    dialog, percent = positions.locator("#confirm"), positions.locator("#confirm-percent")
    positions.locator("#reduce-gaaaa").click()
    expect(dialog).to_contain_text("Reduce BTC/USDT:USDT 15m long?")
    expect(percent).to_be_focused()
    expect(percent).to_have_value("50")
    dialog.get_by_role("button", name="25").click()
    expect(percent).to_have_value("25")
    percent.fill("12.5")

    form = sent_by(positions, "Confirm")

    assert "action=reduce_group" in form
    assert "subject=gaaaa" in form
    assert "percent=12.5" in form
    notice = positions.locator(".notice")
    expect(notice).to_contain_text("Reduce group by 12.5 %: recorded")
    stub_dashboard.tell("outcome A part of gaaaa is being sold: operator")
    expect(notice).to_contain_text("is being sold", timeout=2 * LIVE_MS)


@pytest.mark.parametrize("percent", ["", "101", "-1"])
def test_a_part_that_is_none_is_not_sent(positions: Page, percent: str) -> None:
    positions.locator("#reduce-gaaaa").click()
    positions.locator("#confirm-percent").fill(percent)
    positions.locator("#confirm").get_by_role("button", name="Confirm").click()
    expect(positions.locator("#confirm")).to_be_visible()
    expect(positions.locator(".notice")).to_have_count(0)


def test_after_a_reduction_was_called_off_closing_asks_for_no_part(positions: Page) -> None:
    positions.locator("#reduce-gaaaa").click()
    positions.keyboard.press("Escape")
    positions.locator("#close-gaaaa").click()
    expect(positions.locator("#confirm-percent")).to_be_hidden()

    assert "percent" not in sent_by(positions, "Confirm")

    expect(positions.locator(".notice")).to_contain_text("Input 1 is durable")


def test_a_signal_is_forced_in_only_with_a_reason_and_a_typed_word(
    stub_dashboard: StubDashboard, queue: Page
) -> None:
    dialog = queue.locator("#confirm")
    confirm = dialog.get_by_role("button", name="Confirm")
    queue.locator("#force-q0").click()
    expect(dialog).to_contain_text("Force XRP/USDT:USDT 1h short in?")
    expect(confirm).to_be_disabled()
    queue.locator("#confirm-typed").fill("forc")
    expect(confirm).to_be_disabled()
    queue.locator("#confirm-typed").fill("force")
    expect(confirm).to_be_enabled()
    confirm.click()
    # Without a reason the form is not sent.
    expect(dialog).to_be_visible()
    expect(queue.locator(".notice")).to_have_count(0)
    queue.locator("#confirm-reason").fill("the news")

    form = sent_by(queue, "Confirm")

    assert "action=force_add_signal" in form
    assert "reason=the%20news" in form
    notice = queue.locator(".notice")
    expect(notice).to_contain_text("Force add signal: recorded")
    stub_dashboard.tell("outcome Signal q0 promoted into group gq0")
    expect(notice).to_contain_text("promoted into group gq0", timeout=2 * LIVE_MS)

    # The next question needs neither.
    queue.locator("#promote-q0").click()
    expect(queue.locator("#confirm-typed")).to_be_hidden()
    expect(confirm).to_be_enabled()


def test_a_reversal_shows_what_it_waits_for_and_can_only_be_removed(queue: Page) -> None:
    row = queue.locator(".queue tbody tr").filter(has_text="reverse")
    expect(row).to_have_count(1)
    expect(row.locator("[data-label='Waits for']")).to_have_text("15m long to be flat, 0.155 open")
    expect(row.get_by_role("button")).to_have_text(["Remove"])
    row.get_by_role("link", name="15m long").click()
    expect(queue).to_have_url(re.compile("/log.*text=gcccc"))


def test_each_place_in_the_queue_shows_the_tuple_that_gave_it(queue: Page) -> None:
    ranked = queue.locator(".ranking").first
    expect(ranked).to_contain_text("continuation no · deepest loss −0.94 % · replacements 0")
    expect(queue.locator("[data-label=Replaced]")).to_have_text(["0×", "1×", "2×"])


def test_an_unprotected_leg_is_a_banner_at_once_and_is_marked_in_its_trade(
    stub_dashboard: StubDashboard, positions: Page
) -> None:
    banner = positions.get_by_role("alert").filter(has_text="unprotected")
    expect(banner).to_have_count(0)
    stub_dashboard.tell("unprotected 2")
    expect(banner).to_contain_text("2 unprotected legs.", timeout=LIVE_MS)
    expect(positions.locator(".panel-head .flag")).to_have_text("1 unprotected")
    positions.locator("[data-toggle=gbbbb]").click()
    expect(positions.locator("#legs-gbbbb .leg-exit .flag")).to_have_text("unprotected")


def test_alerts_come_newest_first_at_once_and_lead_into_the_log(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login, 1280, 800)
    rows = page.locator(".alerts li")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("critical unprotected")
    expect(rows.first).to_contain_text("ETH/USDT:USDT")
    expect(rows.first).to_contain_text("0.031 is held without any exit")

    stub_dashboard.tell("alert three exits were refused within a minute")

    expect(rows.first).to_contain_text("exit failing", timeout=LIVE_MS)
    expect(rows.first).to_contain_text("three exits were refused")
    rows.first.get_by_role("link", name="log").click()
    expect(page).to_have_url(re.compile("/log.*correlation=c902"))
    page.go_back()
    page.get_by_role("link", name="All alerts").click()
    expect(page.locator("#log-kind")).to_have_value("alert")


def test_a_trade_without_market_rules_says_what_it_holds_and_until_when(positions: Page) -> None:
    row = positions.locator("[data-row=gdddd]")
    expect(row.locator("[data-label=State]")).to_have_text("waiting for market rules")
    row.locator("[data-toggle]").click()
    expect(row.locator(".waits-for")).to_contain_text("no order exists yet. It holds 1,000.00")
    expect(row.get_by_role("button", name="Reduce")).to_have_count(0)


def test_what_is_held_beside_the_trades_is_on_the_risk_page(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login, 1280, 800)
    page.goto(f"{stub_dashboard.url}/risk")
    panel = page.locator("#view-risk")
    for words in ("dust", "foreign", "Fees waiting for a value", "Worst case, every slot full"):
        expect(panel).to_contain_text(words)
    disputed = panel.locator("tr").filter(has_text="ETH/USDT:USDT short")
    disputed.get_by_role("button", name="Clear").click()
    expect(page.locator("#confirm")).to_contain_text("Both sides of the symbol are cleared.")


def test_a_refused_change_of_settings_stands_above_those_that_rule(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login, 1280, 800)
    page.goto(f"{stub_dashboard.url}/settings")
    banner = page.get_by_role("status").filter(has_text="The latest change was refused.")
    expect(banner).to_contain_text("capital.hedge_mode was true")
    expect(banner).to_contain_text("Version 3 rules on.")
