from litestar.testing import AsyncTestClient

from tests.web import story
from tests.web.stub_house import ACCOUNT, StubHouse
from tests.web.test_api import numbers
from web.answers import unavailable


async def test_the_projected_offset_says_as_of_when_and_tells_every_condition(
    api: AsyncTestClient,
) -> None:
    answer = await api.get("/api/v1/offset", params={"account": ACCOUNT})
    assert answer.status_code == 200
    told = answer.json()
    assert numbers(told) == []
    assert told["account"] == ACCOUNT
    assert told["as_of"] == story.NOW.isoformat().replace("+00:00", "Z")
    assert told["plan"]["winners"][0]["expected"] == "502.4"
    assert told["groups"][0]["criteria"] == [
        {"name": "loss", "value": "-10.045", "limit": "-5", "passed": True}
    ]
    assert told["under_way"]["planned"]["offset_id"] == "gaaaa-o1"


async def test_it_is_behind_the_token(client: AsyncTestClient) -> None:
    assert (await client.get("/api/v1/offset")).status_code == 401


async def test_it_is_only_of_now(api: AsyncTestClient) -> None:
    answer = await api.get("/api/v1/offset", params={"at": "12"})
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["field"] == "at"


async def test_an_unknown_account_is_not_found(api: AsyncTestClient) -> None:
    assert (await api.get("/api/v1/offset", params={"account": "nobody"})).status_code == 404


async def test_a_log_that_cannot_be_read_is_told_as_such(
    api: AsyncTestClient, house: StubHouse
) -> None:
    house.outlook_failure = unavailable("the log cannot be read now")
    assert (await api.get("/api/v1/offset")).status_code == 503


async def test_it_is_in_the_schema(api: AsyncTestClient) -> None:
    schema = (await api.get("/schema/openapi.json")).json()
    assert "/api/v1/offset" in schema["paths"]
