import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, StubDashboard

# A change must be seen within a second of its commit.
LIVE_MS = 1000
PAGES = (
    *("", "positions", "queue", "signals", "risk"),
    *("log", "performance", "settings", "reference"),
)


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_loads_with_an_empty_console_and_fits_the_window(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage, scheme: str
) -> None:
    for width, height in ((1440, 900), (1280, 800), (390, 844)):
        page = open_dashboard(stub_dashboard.login, width, height, color_scheme=scheme)
        for name in PAGES:
            page.goto(f"{stub_dashboard.url}/{name}")
            expect(page.locator("h1").first).to_be_attached()
            expect(page.locator("#live")).to_have_attribute("data-state", "live")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            assert page.evaluate(CUT) == [], (width, name)


def test_a_live_update_arrives_within_a_second_and_leaves_an_open_row_open(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login)
    toggle = page.locator("[data-toggle=gaaaa]")
    legs = page.locator("#legs-gaaaa")
    expect(legs).to_be_hidden()
    toggle.click()
    expect(legs).to_be_visible()
    expect(legs.locator("tr.leg")).to_have_count(10)

    stub_dashboard.tell("pnl 123.45")
    row = page.locator("[data-row=gaaaa] .group-row")
    expect(row).to_contain_text("+123.45", timeout=LIVE_MS)
    expect(page.locator(".tiles")).to_contain_text("+123.45", timeout=LIVE_MS)
    expect(legs).to_be_visible()
    expect(toggle).to_have_attribute("aria-expanded", "true")

    page.reload()
    expect(legs).to_be_visible()
    toggle.click()
    stub_dashboard.tell("pnl -5")
    expect(row).to_contain_text("−5.00", timeout=LIVE_MS)
    expect(legs).to_be_hidden()


def test_rows_open_by_keyboard_and_the_focus_survives_an_update(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login)
    page.locator("[data-toggle=gbbbb]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#legs-gbbbb")).to_be_visible()
    stub_dashboard.tell("pnl 7.77")
    expect(page.locator("[data-row=gaaaa]")).to_contain_text("+7.77", timeout=LIVE_MS)
    expect(page.locator("[data-toggle=gbbbb]")).to_be_focused()


def test_closing_a_position_asks_first_and_then_shows_the_outcome(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login)
    dialog = page.locator("#confirm")
    page.locator("#close-gaaaa").click()
    expect(dialog).to_contain_text("Close BTC/USDT:USDT 15m long?")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".notice")).to_have_count(0)

    page.locator("#close-gaaaa").click()
    page.locator("#confirm-reason").fill("took enough")
    dialog.get_by_role("button", name="Confirm").click()
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Input 1 is durable")
    expect(dialog).to_be_hidden()
    stub_dashboard.tell("outcome Closing BTC/USDT:USDT 15m long: operator")
    expect(notice).to_contain_text("Closing BTC/USDT:USDT", timeout=2 * LIVE_MS)


def test_refused_settings_name_every_problem(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage, console: list[str]
) -> None:
    page = open_dashboard(stub_dashboard.login)
    page.goto(f"{stub_dashboard.url}/settings")
    page.locator("#document").fill('{"pool": {"max_open_groups": "many"}}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.failed")).to_contain_text("pool.max_open_groups")
    assert any("400" in text for text in console)
    console.clear()


def test_trouble_of_the_engine_is_a_banner_at_once(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login)
    stub_dashboard.tell("state halted")
    banner = page.get_by_role("alert").filter(has_text="Trading halted.")
    expect(banner).to_be_visible(timeout=LIVE_MS)


def test_dark_follows_the_system_and_the_choice_is_kept(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    light = open_dashboard(stub_dashboard.login, color_scheme="light")
    dark = open_dashboard(stub_dashboard.login, color_scheme="dark")
    assert background(light) != background(dark)
    dark.locator("[data-theme-toggle]").click()
    assert background(dark) == background(light)
    dark.reload()
    assert background(dark) == background(light)


def test_a_phone_shows_each_position_as_a_card_with_named_figures(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login, 390, 844, has_touch=True)
    expect(page.locator(".groups > thead")).to_be_hidden()
    page.locator("[data-toggle=gaaaa]").tap()
    expect(page.locator("#legs-gaaaa .leg").first).to_be_visible()
    label = page.locator("[data-row=gaaaa] td[data-label=PnL]")
    shown = label.evaluate("element => getComputedStyle(element, '::before').content")
    assert shown == '"PnL"'
    box = page.locator("#close-gaaaa").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390


def test_a_lost_connection_is_shown_and_healed_without_a_reload(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage, console: list[str]
) -> None:
    page = open_dashboard(stub_dashboard.login)
    live = page.locator("#live")
    stub_dashboard.tell("hang up")
    expect(live).to_have_text(re.compile("Reconnecting|Stale since"), timeout=5 * LIVE_MS)
    expect(live).to_have_attribute("data-state", "live", timeout=10 * LIVE_MS)
    # The browser itself reports what it could not load; nothing else may be said.
    assert all("Failed to load resource" in text for text in console)
    console.clear()
    stub_dashboard.tell("pnl 11.11")
    expect(page.locator("[data-row=gaaaa]")).to_contain_text("+11.11", timeout=LIVE_MS)


def test_history_is_marked_and_stands_still(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(stub_dashboard.login)
    page.goto(f"{stub_dashboard.url}/?at=2026-01-05T10:00:00")
    expect(page.locator("#live")).to_have_text("History")
    expect(page.get_by_role("note")).to_contain_text("Nothing here is live")
    expect(page.locator("[data-ask]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_figures_have_enough_contrast(
    stub_dashboard: StubDashboard, open_dashboard: OpenPage, scheme: str
) -> None:
    page = open_dashboard(stub_dashboard.login, color_scheme=scheme)
    for selector in (
        ".tile dt",
        ".tile .sub",
        ".up",
        ".down",
        ".side.long",
        ".side.short",
        ".state",
        ".flag",
        ".warn",
        ".alert-kind",
        ".passed",
    ):
        ratio = page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, (selector, ratio)


# Cells and panels wider inside than what they show.
CUT = """() => [...document.querySelectorAll(".scroll, .rows td, .rows th, .tile .sub")].filter(
  (each) => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1
).map((each) => each.className + ": " + each.textContent.trim().slice(0, 40))"""
CONTRAST = """element => {
  const luminance = (text) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => {
      const s = v / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let below = element;
  const clear = (text) => text === "transparent" || text === "rgba(0, 0, 0, 0)";
  while (clear(getComputedStyle(below).backgroundColor)) below = below.parentElement;
  const a = luminance(getComputedStyle(element).color);
  const b = luminance(getComputedStyle(below).backgroundColor);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""
