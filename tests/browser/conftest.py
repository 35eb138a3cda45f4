"""A real browser, a dashboard in its own process, and a console that must stay empty."""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import FLAGS, find_browser
from web.assets.build import build

SECONDS_MAX = 30
# A commit must be seen within a second.
LIVE_MS = 1000
# Said of every password field without a user's name beside it; nothing is wrong.
EXPECTED = ("[DOM] Password forms should have",)


class StubDashboard:
    """The dashboard over the stub house; `tell` changes what it shows."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], SECONDS_MAX)
        assert ready, f"the stub server said nothing within {SECONDS_MAX} s"
        told = json.loads(process.stdout.readline())
        self.url: str = told["url"]
        self.login: str = told["login"]

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How a reader looks at the dashboard."""

    width: int = 1440
    height: int = 900
    scheme: str = "light"


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright_driver: Playwright) -> Iterator[Browser]:
    found = find_browser_outside_playwright()
    browser = playwright_driver.chromium.launch(
        executable_path=found["program"], args=list(FLAGS), env=found["environment"]
    )
    yield browser
    browser.close()


def find_browser_outside_playwright() -> dict[str, object]:
    raise NotImplementedError
