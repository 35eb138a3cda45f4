"""Wishes of the operator about trades and the queue: complete, or refused by the field."""

from decimal import Decimal

import pytest
from litestar.testing import AsyncTestClient

from application.inputs import OperatorActed
from tests.web.stub_house import ACCOUNT, StubHouse

PATH = "/api/v1/operator"


async def test_a_part_of_a_group_is_closed_by_percent(
    api: AsyncTestClient, house: StubHouse
) -> None:
    for percent in ("12.5", 12.5):
        wish = {"action": "reduce_group", "subject": "gaaaa", "percent": percent}
        assert (await api.post(PATH, json=wish)).status_code == 202

    acted = OperatorActed(
        action="reduce_group",
        subject="gaaaa",
        actor="operator",
        reason="no reason given",
        percent=Decimal("12.5"),
    )
    assert house.inbox.stored == [(ACCOUNT, acted), (ACCOUNT, acted)]


@pytest.mark.parametrize("action", ["promote_signal", "remove_signal", "force_add_signal"])
async def test_a_queued_signal_is_promoted_removed_or_forced_in(
    api: AsyncTestClient, house: StubHouse, action: str
) -> None:
    wish = {"action": action, "subject": "s1", "reason": "a clear case"}

    assert (await api.post(PATH, json=wish)).status_code == 202

    [(_, stored)] = house.inbox.stored
    assert isinstance(stored, OperatorActed)
    assert (stored.action, stored.subject, stored.reason) == (action, "s1", "a clear case")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"action": "reduce_group", "subject": "g1"}, "percent"),
        ({"action": "reduce_group", "subject": "g1", "percent": "0"}, "percent"),
        ({"action": "reduce_group", "subject": "g1", "percent": "-5"}, "percent"),
        ({"action": "reduce_group", "subject": "g1", "percent": "100.01"}, "percent"),
        ({"action": "reduce_group", "subject": "g1", "percent": "NaN"}, "percent"),
        ({"action": "reduce_group", "subject": "g1", "percent": "half"}, "body"),
        ({"action": "reduce_group", "percent": "50"}, "subject"),
        ({"action": "close_group", "subject": "g1", "percent": "50"}, "percent"),
        ({"action": "force_add_signal", "subject": "s1"}, "reason"),
        ({"action": "force_add_signal", "subject": "s1", "reason": " "}, "reason"),
        ({"action": "force_add_signal", "reason": "so"}, "subject"),
    ],
)
async def test_a_wish_that_lacks_something_is_refused_by_its_field(
    api: AsyncTestClient, house: StubHouse, wish: dict[str, str], field: str
) -> None:
    answer = await api.post(PATH, json=wish)

    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["problems"]] == [field]
    assert house.inbox.stored == []


async def test_the_reference_tells_what_may_be_asked(api: AsyncTestClient) -> None:
    schema = (await api.get("/schema/openapi.json")).json()

    told = schema["paths"][PATH]["post"]["description"]
    assert all(word in told for word in ("reduce_group", "percent", "force_add_signal"))
