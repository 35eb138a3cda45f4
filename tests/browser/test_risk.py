"""The risk page in a real browser: what holds, what is asked before it is done, what stays live."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, StubDashboard
from tests.browser.test_dashboard import CUT
from tests.browser.test_orders_of_an_operator import sent_by

# A change must be seen within a second of its commit.
LIVE_MS = 1000


@pytest.fixture
def risk(stub_dashboard: StubDashboard, open_dashboard: OpenPage) -> Page:
    page = open_dashboard(stub_dashboard.login, 1280, 800)
    page.goto(f"{stub_dashboard.url}/risk")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page


def test_an_emergency_stop_needs_the_accounts_name_typed_and_sends_what_was_typed(
    risk: Page,
) -> None:
    dialog = risk.locator("#confirm")
    stop = dialog.get_by_role("button", name="Close everything")
    risk.locator("#emergency-stop").click()
    expect(dialog).to_contain_text("every position is closed at market")
    expect(stop).to_be_disabled()
    risk.locator("#confirm-typed").fill("pape")
    expect(stop).to_be_disabled()
    risk.locator("#confirm-typed").fill("paper")
    expect(stop).to_be_enabled()
    risk.locator("#confirm-reason").fill("the news")

    form = sent_by(risk, "Close everything")

    assert "action=emergency_stop" in form
    assert "subject=paper" in form
    assert "reason=the%20news" in form
    assert "amount" not in form
    expect(risk.locator(".notice")).to_contain_text("Emergency stop: recorded")

    # The next question has its own words, and nothing of this one.
    risk.locator("#pause").click()
    expect(risk.locator("#confirm-typed")).to_be_hidden()
    assert "subject=&" in sent_by(risk, "Confirm")


def test_a_stop_called_off_is_not_sent(risk: Page) -> None:
    risk.locator("#emergency-stop").click()
    risk.locator("#confirm-typed").fill("paper")
    risk.keyboard.press("Escape")
    expect(risk.locator("#confirm")).to_be_hidden()
    expect(risk.locator(".notice")).to_have_count(0)
    risk.locator("#emergency-stop").click()
    expect(risk.locator("#confirm-typed")).to_have_value("")


def test_a_transfer_is_asked_for_by_amount_and_reason(risk: Page) -> None:
    risk.locator("#record-transfer").click()
    expect(risk.locator("#confirm-amount")).to_be_focused()
    risk.locator("#confirm").get_by_role("button", name="Confirm").click()
    # Without an amount and a reason it is not sent.
    expect(risk.locator("#confirm")).to_be_visible()
    risk.locator("#confirm-amount").fill("-250.5")
    risk.locator("#confirm-reason").fill("rent")
    form = sent_by(risk, "Confirm")
    assert "amount=-250.5" in form
    assert "percent" not in form
    expect(risk.locator(".notice")).to_contain_text("Record transfer: recorded")


def test_every_hold_appears_at_once_and_the_breaker_is_reset_only_with_a_reason(
    stub_dashboard: StubDashboard, risk: Page
) -> None:
    expect(risk.locator(".holds")).to_have_count(0)
    stub_dashboard.tell("state reducing")
    holds = risk.locator(".holds li")
    expect(holds).to_have_count(2, timeout=LIVE_MS)
    expect(holds.first).to_contain_text("Contact lost")
    banner = risk.get_by_role("alert").filter(has_text="Trading reducing.")
    expect(banner).to_contain_text("and 1 more cause")
    risk.locator("#reset-breaker").click()
    risk.locator("#confirm").get_by_role("button", name="Confirm").click()
    expect(risk.locator("#confirm")).to_be_visible()
    risk.locator("#confirm-reason").fill("I looked at it")
    assert "action=reset_breaker" in sent_by(risk, "Confirm")


def test_an_offset_is_followed_step_by_step_while_its_history_stays_open(
    stub_dashboard: StubDashboard, risk: Page
) -> None:
    risk.locator("#toggle-ghhhh-o1").click()
    steps = risk.locator("#steps-ghhhh-o1")
    expect(steps).to_contain_text("−146.41")
    stub_dashboard.tell("offset begins")
    under_way = risk.locator(".under-way")
    expect(under_way).to_contain_text("selling", timeout=LIVE_MS)
    expect(steps).to_be_visible()
    stub_dashboard.tell("offset ends")
    expect(under_way).to_have_count(0, timeout=LIVE_MS)


@pytest.mark.parametrize(
    ("button", "action", "subject"),
    [
        ("offset-now", "offset_now", ""),
        ("skip-gaaaa", "offset_skip", "gaaaa"),
        ("block-gaaaa", "offset_block", "gaaaa"),
        ("unblock-gcccc", "offset_unblock", "gcccc"),
    ],
)
def test_what_an_operator_may_say_to_offsets_is_asked_first(
    risk: Page, button: str, action: str, subject: str
) -> None:
    risk.locator(f"#{button}").click()
    form = sent_by(risk, "Confirm")
    assert f"action={action}" in form
    assert f"subject={subject}&" in form


def test_a_refusal_opens_to_its_receipt_by_keyboard(risk: Page) -> None:
    toggle = risk.locator("#toggle-denial-700")
    toggle.focus()
    risk.keyboard.press("Enter")
    failed = risk.locator("#receipt-denial-700 li.failed")
    expect(failed).to_have_count(2)
    expect(failed.first).to_contain_text("open groups")


def test_the_curve_may_be_asked_to_go_further_back(risk: Page) -> None:
    panel = risk.locator("#view-equity")
    expect(panel.locator(".spans [aria-current]")).to_have_text("day")
    expect(panel.locator(".of-equity .line")).to_be_visible()
    panel.get_by_role("link", name="week").click()
    expect(risk).to_have_url(re.compile("span=week"))
    expect(panel.locator(".spans [aria-current]")).to_have_text("week")


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "dark")])
def test_the_risk_page_fits_with_everything_open_and_everything_held(
    stub_dashboard: StubDashboard,
    open_dashboard: OpenPage,
    width: int,
    height: int,
    scheme: str,
) -> None:
    page = open_dashboard(stub_dashboard.login, width, height, color_scheme=scheme)
    page.goto(f"{stub_dashboard.url}/risk")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stub_dashboard.tell("state halted")
    expect(page.locator(".holds li")).to_have_count(3)
    stub_dashboard.tell("offset begins")
    expect(page.locator(".under-way")).to_be_visible()
    for toggle in page.locator("[data-toggle]").all():
        toggle.click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CUT) == []
    assert page.evaluate(OVERFLOWING) == []


# Cards, holds and receipts wider inside than what they show.
OVERFLOWING = """() => [...document.querySelectorAll(".card *, .holds *, .checks *, .tile dd")]
  .filter((each) => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.className + ": " + each.textContent.trim().slice(0, 40))"""
