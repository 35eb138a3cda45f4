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


async def test_the_breaker_is_reset_for_a_reason(api: AsyncTestClient, house: StubHouse) -> None:
    wish = {"action": "reset_breaker", "reason": "the feed was wrong"}

    assert (await api.post(PATH, json=wish)).status_code == 202

    [(account, stored)] = house.inbox.stored
    assert account == ACCOUNT
    assert isinstance(stored, OperatorActed)
    assert (stored.action, stored.reason) == ("reset_breaker", "the feed was wrong")


async def test_everything_is_stopped_once_the_accounts_name_is_typed(
    api: AsyncTestClient, house: StubHouse
) -> None:
    for subject in ("", "Paper", "paper ", "other", "x" * 300):
        wish = {"action": "emergency_stop", "subject": subject}
        answer = await api.post(PATH, json=wish)
        assert answer.status_code == 400
        [problem] = answer.json()["problems"]
        assert problem["field"] == "subject"
        assert f"type the account's name, {ACCOUNT}, to confirm" in problem["remedy"]
    assert house.inbox.stored == []

    assert (
        await api.post(PATH, json={"action": "emergency_stop", "subject": ACCOUNT})
    ).status_code == 202

    [(_, stored)] = house.inbox.stored
    assert isinstance(stored, OperatorActed)
    assert (stored.action, stored.subject) == ("emergency_stop", ACCOUNT)


@pytest.mark.parametrize("amount", ["250.5", "-250.5", 250.5])
async def test_a_transfer_is_recorded_with_its_amount(
    api: AsyncTestClient, house: StubHouse, amount: object
) -> None:
    wish = {"action": "record_transfer", "amount": amount, "reason": "topped up"}

    assert (await api.post(PATH, json=wish)).status_code == 202

    [(_, stored)] = house.inbox.stored
    assert isinstance(stored, OperatorActed)
    assert (stored.action, stored.amount) == ("record_transfer", Decimal(str(amount)))


@pytest.mark.parametrize(
    "wish",
    [
        {"action": "offset_now"},
        {"action": "offset_now", "subject": "g1"},
        {"action": "offset_skip", "subject": "g1"},
        {"action": "offset_block", "subject": "g1"},
        {"action": "offset_unblock", "subject": "g1"},
    ],
)
async def test_an_offset_is_run_skipped_blocked_or_allowed_again(
    api: AsyncTestClient, house: StubHouse, wish: dict[str, str]
) -> None:
    assert (await api.post(PATH, json=wish)).status_code == 202

    [(_, stored)] = house.inbox.stored
    assert isinstance(stored, OperatorActed)
    assert (stored.action, stored.subject) == (wish["action"], wish.get("subject", ""))


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"action": "reset_breaker"}, "reason"),
        ({"action": "reset_breaker", "reason": " \t"}, "reason"),
        ({"action": "reset_breaker", "reason": "so", "amount": "5"}, "amount"),
        ({"action": "reset_breaker", "reason": "so", "percent": "5"}, "percent"),
        ({"action": "record_transfer", "amount": "5"}, "reason"),
        ({"action": "record_transfer", "reason": "in"}, "amount"),
        ({"action": "record_transfer", "reason": "in", "amount": "0"}, "amount"),
        ({"action": "record_transfer", "reason": "in", "amount": "NaN"}, "amount"),
        ({"action": "record_transfer", "reason": "in", "amount": "Infinity"}, "amount"),
        ({"action": "record_transfer", "reason": "in", "amount": "1e400"}, "amount"),
        ({"action": "record_transfer", "reason": "in", "amount": "1e-400"}, "amount"),
        ({"action": "record_transfer", "reason": "in", "amount": "much"}, "body"),
        ({"action": "emergency_stop", "subject": "paper", "amount": "5"}, "amount"),
        ({"action": "offset_skip"}, "subject"),
        ({"action": "offset_block"}, "subject"),
        ({"action": "offset_unblock"}, "subject"),
        ({"action": "offset_now", "amount": "5"}, "amount"),
        ({"action": "pause", "amount": "5"}, "amount"),
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
    words = ("reduce_group", "percent", "force_add_signal", "reset_breaker", "record_transfer")
    assert all(word in told for word in (*words, "amount", "emergency_stop", "offset_now"))
