"""A trader's first minute: the demo runs, an alert is sent, and the page shows what it became."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.e2e.alerts import alert
from tests.e2e.plimsoll import CHECKOUT, child_environment
from web.assets.build import build

START_SECONDS_MAX = 90.0
# A row appears within a second of the 202; a busy machine is given three.
SHOWN_MS_MAX = 3_000
SYMBOLS = ("BTCUSDT.P", "ETHUSDT.P", "SOLUSDT.P")
TIMEFRAMES = ("1", "3", "5", "15", "30", "45", "60", "120", "180", "240", "D", "W")
# The demo's pool holds ten groups; the others wait, and are admitted as its market closes some.
LONG_QUEUE = 6
RANKING = r"deepest loss ([+−]?\d+\.\d\d %|unknown) · replacements \d+ · oldest (now|\d+ (s|min))"
# Its trades hold something at once, for entries are sent at market, and go on for long.
ONE_SLOT = {
    "pool": {"max_open_groups": 1},
    "grid": {
        "entry_order": "market",
        "legs": [{"gap_percent": "0", "weight_percent": "100", "take_profit_percent": "50"}],
    },
}
# Buttons whose edge is outside the window, or outside the panel that clips them.
OUTSIDE = """() => [...document.querySelectorAll(".queue .act, .queue .act *")].filter((each) => {
  const own = each.getBoundingClientRect();
  const panel = each.closest(".panel").getBoundingClientRect();
  const right = Math.min(innerWidth, panel.right) + 0.5;
  return own.width === 0 || own.left < Math.max(0, panel.left) - 0.5 || own.right > right;
}).map((each) => each.id || each.className)"""
# Cells and panels wider inside than what they show.
CUT = """() => [...document.querySelectorAll(".scroll, .rows td, .rows th, .tile .sub")].filter(
  (each) => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1
).map((each) => each.className + ": " + each.textContent.slice(0, 40))"""


class Demo:
    """A running `plimsoll demo`."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err
        self.facts: dict[str, Any] = json.loads(self._first_line())

    def send(self, body: str) -> None:
        """One alert, which must be taken."""
        request = urllib.request.Request(
            self.facts["webhook_url"],
            data=body.encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202

    def order(self, method: str, path: str, body: object) -> None:
        """One request to the API, which must be taken."""
        request = urllib.request.Request(
            self.facts["api_url"] + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.facts['api_token']}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answered:
            assert answered.status == 202

    def words(self) -> str:
        """Its log."""
        return self._err.read_text(encoding="utf-8")[-4_000:]

    def _first_line(self) -> str:
        deadline = time.monotonic() + START_SECONDS_MAX
        while "\n" not in (said := self._out.read_text(encoding="utf-8")):
            assert self.process.poll() is None, f"the demo ended\n{self.words()}"
            assert time.monotonic() < deadline, f"the demo did not start\n{self.words()}"
            time.sleep(0.05)
        return said.splitlines()[0]


@pytest.fixture
def demo(tmp_path: Path, postgres_url: str) -> Iterator[Demo]:
    build()
    out, err = tmp_path / "out.txt", tmp_path / "err.txt"
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "demo", "--port", "0", "--json"],
            cwd=CHECKOUT,
            env=child_environment(DATABASE_URL=postgres_url, PLIMSOLL_DATA=str(tmp_path / "data")),
            stdout=out_file,
            stderr=err_file,
        )
    try:
        yield Demo(process, out, err)
    finally:
        process.terminate()
        try:
            assert process.wait(20) == 0, err.read_text(encoding="utf-8")[-4_000:]
        finally:
            process.kill()


@pytest.mark.timeout(180)
def test_an_alert_becomes_a_row_at_once_opens_to_its_legs_and_stays_live(
    demo: Demo, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(demo.facts["dashboard_url"])
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(0)

    demo.send(alert(demo.facts["webhook_secret"], price=None))
    expect(rows).to_have_count(1, timeout=SHOWN_MS_MAX)
    expect(rows.first).to_contain_text("BTC/USDT:USDT")

    rows.first.locator("[data-toggle]").click()
    legs = rows.first.locator("tr.leg")
    expect(legs).to_have_count(5)
    expect(legs.first).to_be_visible()

    # The market moves four times a second: what the trade is worth changes before our eyes.
    mark = rows.first.locator(".group-row [data-label=Mark]")
    expect(mark).not_to_have_text(mark.inner_text(), timeout=10_000)
    expect(legs.first).to_be_visible()

    demo.send(alert(demo.facts["webhook_secret"], price=None, kind="exit"))
    expect(rows).to_have_count(0, timeout=20_000)


@pytest.mark.timeout(180)
def test_with_a_long_queue_every_action_is_within_the_window_and_no_text_is_cut(
    demo: Demo, open_dashboard: OpenPage
) -> None:
    for timeframe in TIMEFRAMES:
        for symbol in SYMBOLS:
            demo.send(
                alert(demo.facts["webhook_secret"], symbol=symbol, timeframe=timeframe, price=None)
            )
    for width, height in ((1280, 800), (390, 844)):
        page = open_dashboard(demo.facts["dashboard_url"], width, height)
        origin = page.url.rstrip("/")
        removals = page.locator("[data-ask=remove_signal]")
        for name in ("", "queue"):
            page.goto(f"{origin}/{name}")
            expect(removals.nth(LONG_QUEUE)).to_be_visible(timeout=20_000)
            assert page.evaluate(OUTSIDE) == [], (width, name)
            assert page.evaluate(CUT) == [], (width, name)
        expect(page.locator(".ranking").first).to_have_text(re.compile(RANKING))
        page.goto(f"{origin}/log")
        expect(page.locator("table.log")).to_be_attached()
        assert page.evaluate(CUT) == [], (width, "log")


@pytest.mark.timeout(180)
def test_settings_are_shown_field_by_field_and_save_as_they_are_shown(
    demo: Demo, open_dashboard: OpenPage
) -> None:
    page = open_dashboard(demo.facts["dashboard_url"])
    page.goto(page.url.rstrip("/") + "/settings")
    document = page.locator("#document")
    expect(document).to_have_value(re.compile(r'^\{\n  "[a-z_]+": '))
    slots = '"max_open_groups": 10'
    shown = document.input_value()
    assert shown.count(slots) == 1
    document.fill(shown.replace(slots, '"max_open_groups": 9'))
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice")).to_contain_text("durable")
    page.goto(page.url.removesuffix("settings"))
    expect(page.locator(".tile").filter(has_text="Pool")).to_contain_text("/9", timeout=20_000)


@pytest.mark.timeout(240)
def test_a_trade_is_reduced_then_reversed_and_a_signal_forced_in_past_the_slots(
    demo: Demo, open_dashboard: OpenPage
) -> None:
    demo.order("PUT", "/settings", ONE_SLOT)
    page = open_dashboard(demo.facts["dashboard_url"], 1280, 800)
    origin = page.url.rstrip("/")
    pool = page.locator(".tile").filter(has_text="Pool")
    expect(pool).to_contain_text("/1", timeout=20_000)
    secret = demo.facts["webhook_secret"]
    demo.send(alert(secret, price=None))
    page.goto(f"{origin}/positions")
    rows = page.locator("[data-row]")
    quantity = rows.first.locator(".group-row [data-label=Quantity]")
    expect(quantity).not_to_have_text("0", timeout=20_000)

    # A half is closed: the outcome is told, and the trade goes on with the rest.
    rows.first.get_by_role("button", name="Reduce").click()
    answer(page, "less risk")
    expect(page.locator(".notice li").first).to_contain_text("is to sell", timeout=20_000)
    rows.first.locator("[data-toggle]").click()
    realized = rows.first.locator(".leg [data-label=Realized]").first
    expect(realized).not_to_have_text("—", timeout=20_000)

    # The trade is turned: what was long is closed, and the other side takes its slot.
    demo.send(alert(secret, price=None, kind="reverse"))
    turned = rows.filter(has_text="BTC/USDT:USDT").filter(has=page.locator(".side.short"))
    expect(turned).to_have_count(1, timeout=60_000)
    closed = page.locator(".closed tbody tr").filter(has_text="BTC/USDT:USDT")
    expect(closed).to_contain_text("reverse", timeout=20_000)

    # No slot is free: the next signal waits, and is forced in.
    demo.send(alert(secret, symbol="ETHUSDT.P", price=None))
    page.goto(f"{origin}/queue")
    waits = page.locator("[data-label='Waits for']")
    expect(waits).to_have_text("a free slot", timeout=20_000)
    page.get_by_role("button", name="Force").click()
    page.locator("#confirm-typed").fill("force")
    answer(page, "the news")
    expect(page.locator(".notice")).to_contain_text("promoted into group", timeout=20_000)
    expect(pool).to_contain_text("2/1", timeout=20_000)

    page.goto(f"{origin}/signals")
    expect(page.locator(".ledger")).to_contain_text("balances")
    expect(page.locator(".kind").filter(has_text="reverse")).to_have_count(1)


def answer(page: Page, reason: str) -> None:
    """Confirm what the dialog asks."""
    page.locator("#confirm-reason").fill(reason)
    page.locator("#confirm").get_by_role("button", name="Confirm").click()
    expect(page.locator(".notice")).to_contain_text("is durable")
