"""The app over the stub house, with the browser's files built once."""

from collections.abc import AsyncIterator

import pytest
from litestar.testing import AsyncTestClient

from tests.web.stub_house import API_TOKEN, StubHouse
from web.access import SESSION_COOKIE
from web.app import create_app
from web.assets.build import build


@pytest.fixture(scope="session", autouse=True)
def _built_assets() -> None:
    build()


@pytest.fixture
def house() -> StubHouse:
    return StubHouse()


@pytest.fixture
async def client(house: StubHouse) -> AsyncIterator[AsyncTestClient]:
    """A caller without credentials."""
    async with AsyncTestClient(create_app(house.deps), raise_server_exceptions=False) as caller:
        yield caller


@pytest.fixture
async def api(client: AsyncTestClient) -> AsyncTestClient:
    """A caller with the API token."""
    client.headers["Authorization"] = f"Bearer {API_TOKEN}"
    return client


@pytest.fixture
async def browser(client: AsyncTestClient, house: StubHouse) -> AsyncTestClient:
    """A caller with a session and the token its pages carry."""
    cookie = house.access.issue_cookie(house.clock.now())
    session = house.access.session(cookie, house.clock.now())
    assert session is not None
    client.cookies.set(SESSION_COOKIE, cookie)
    client.headers["X-CSRF-Token"] = session.csrf
    return client
