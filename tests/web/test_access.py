from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute
from litestar.testing import AsyncTestClient

from tests.web.stub_house import API_TOKEN, StubHouse
from web.access import SESSION_COOKIE, Access
from web.app import create_app
from web.login import local_path

OPEN_PATHS = {
    "/webhook/paper",
    "/health",
    "/login",
    "/favicon.ico",
    "/favicon.svg",
    "/static/build",
}
EXAMPLES = {
    "account_id": "paper",
    "page": "queue",
    "fragment": "groups",
    "path": "openapi.yaml",
    "file_path": "app.js",
}


def closed_routes(app: Litestar) -> Iterator[tuple[str, str]]:
    """Every method and path of the app that must not answer a stranger."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute | ASGIRoute)
        parts = [
            EXAMPLES[part.name] if not isinstance(part, str) else part
            for part in route.path_components
        ]
        path = "/" + "/".join(parts)
        if path in OPEN_PATHS or path.startswith("/static/build"):
            continue
        for method in sorted(route.methods - {"OPTIONS"}) if isinstance(route, HTTPRoute) else []:
            yield method, path


async def test_every_route_but_the_open_ones_needs_credentials(
    client: AsyncTestClient, house: StubHouse
) -> None:
    routes = list(closed_routes(create_app(house.deps)))
    assert len(routes) > 20
    for method, path in routes:
        answer = await client.request(method, path)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer"), (method, path)
    assert house.inbox.stored == []
    assert house.views.asked_at == []


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", f"Basic {API_TOKEN}", f"Bearer {API_TOKEN}x", "Bearer ü"],
)
async def test_a_wrong_token_is_401(client: AsyncTestClient, header: str) -> None:
    answer = await client.get(
        "/api/v1/overview", headers={b"Authorization": header.encode("latin-1")}
    )
    assert answer.status_code == 401


async def test_the_api_does_not_accept_a_cookie(browser: AsyncTestClient) -> None:
    assert (await browser.get("/api/v1/overview")).status_code == 401


async def test_a_page_leads_a_stranger_to_the_login_and_back(client: AsyncTestClient) -> None:
    answer = await client.get("/queue", headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/queue"


async def test_a_fragment_tells_the_page_to_sign_in_again(client: AsyncTestClient) -> None:
    answer = await client.get("/fragments/groups", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login"


async def test_the_printed_link_signs_in_and_its_cookie_is_strict(
    client: AsyncTestClient, house: StubHouse
) -> None:
    url = house.access.sign_in_url("http://testserver.local", house.clock.now())
    answer = await client.get(url.removeprefix("http://testserver.local"))
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert (await client.get("/")).status_code == 200


async def test_links_and_sessions_expire(house: StubHouse) -> None:
    now = house.clock.now()
    access = house.access
    link = access.sign_in_url("", now).partition("token=")[2]
    cookie = access.issue_cookie(now)
    later = now + timedelta(days=8)
    assert access.opens(link, now)
    assert not access.opens(link, later)
    assert access.session(cookie, now) is not None
    assert access.session(cookie, later) is None


async def test_a_link_is_no_session_a_session_no_link_and_neither_is_of_another_token(
    house: StubHouse,
) -> None:
    now, access, other = house.clock.now(), house.access, Access("another-token-987654")
    link = access.sign_in_url("", now).partition("token=")[2]
    cookie = access.issue_cookie(now)
    assert access.session(link, now) is None
    assert not access.opens(cookie, now)
    assert other.session(cookie, now) is None
    assert not other.opens(link, now)
    for forged in ("", ".", "..", "9999999999.aa.", f"9{cookie}", cookie[:-1], "ü.ü.ü"):
        assert access.session(forged, now) is None


async def test_the_form_takes_the_token_only_from_our_own_page(client: AsyncTestClient) -> None:
    wrong = await client.post("/login", data={"token": "wrong-token-000000"})
    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers
    foreign = await client.post(
        "/login", data={"token": API_TOKEN}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403
    right = await client.post("/login", data={"token": API_TOKEN, "next": "/risk"})
    assert right.status_code == 200
    assert "url=/risk" in right.text
    assert SESSION_COOKIE in right.headers["set-cookie"]
    assert API_TOKEN not in right.text


async def test_guessing_is_slowed_down(client: AsyncTestClient) -> None:
    statuses = [
        (await client.post("/login", data={"token": f"guess-{n}-0000000000"})).status_code
        for n in range(12)
    ]
    assert statuses[0] == 403
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nb"]
)
def test_the_login_leads_nowhere_else(target: str) -> None:
    assert local_path(target) == "/"


async def test_a_post_without_the_page_token_is_refused(
    browser: AsyncTestClient, house: StubHouse
) -> None:
    browser.headers.pop("X-CSRF-Token")
    form = {"action": "close_group", "subject": "gaaaa"}
    for headers in ({}, {"X-CSRF-Token": "wrong"}):
        answer = await browser.post("/actions", data=form, headers=headers)
        assert answer.status_code == 403
    assert house.inbox.stored == []


async def test_signing_out_ends_the_session_of_this_browser(browser: AsyncTestClient) -> None:
    answer = await browser.post("/logout")
    assert answer.headers["hx-redirect"] == "/login"
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_every_answer_carries_the_strict_policy(client: AsyncTestClient) -> None:
    for path in ("/login", "/health", "/nowhere", "/webhook/x"):
        policy = (await client.get(path)).headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="use at least 16"):
        Access("short")
