"""A real browser, a dashboard in its own process, and a console that must stay empty."""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import FLAGS, find_browser
from web.assets.build import build

SECONDS_MAX = 30
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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module: Playwright's loop must not outlive it into async tests."""
    found = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.program, args=list(FLAGS), env=found.whole_environment
        )
        yield browser
        browser.close()


@pytest.fixture
def stub_dashboard() -> Iterator[StubDashboard]:
    """A dashboard in a process of its own, as in life."""
    build()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.stub_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield StubDashboard(process)
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def console() -> list[str]:
    """What browsers said; a test that provokes something takes it out again."""
    return []


@pytest.fixture
def open_dashboard(chromium: Browser, console: list[str]) -> Iterator[OpenPage]:
    """`open_dashboard(login_url, **look)`: a signed-in page, live, whose console stays empty.

    Any dashboard's sign-in link will do: the stub's, or the one of a running engine.
    """
    contexts = []

    def open_page(login_url: str, width: int = 1440, height: int = 900, **look: Any) -> Page:
        context = chromium.new_context(
            locale="en-US", viewport={"width": width, "height": height}, **look
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: console.append(message.text))
        page.on("pageerror", lambda error: console.append(str(error)))
        page.goto(login_url)
        page.wait_for_url("**/")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in console if not text.startswith(EXPECTED)] == []
