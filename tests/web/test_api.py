import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from application.inputs import OperatorActed, SettingsSubmitted
from domain.settings import Settings
from domain.settings_document import render_settings
from tests.web import story
from tests.web.stub_house import ACCOUNT, VERSION, StubHouse
from web.answers import with_plain_decimals

READS = (
    "accounts",
    "overview",
    "groups",
    "queue",
    "risk",
    "offset",
    "offsets",
    "equity",
    "signals",
    "alerts",
    "log",
    "performance",
)


def numbers(value: object) -> list[object]:
    if isinstance(value, dict):
        return [found for each in value.values() for found in numbers(each)]
    if isinstance(value, list):
        return [found for each in value for found in numbers(each)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize("name", READS)
async def test_each_view_is_json_with_decimals_as_strings(api: AsyncTestClient, name: str) -> None:
    answer = await api.get(f"/api/v1/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert numbers(answer.json()) == []


async def test_the_overview_has_exact_amounts(api: AsyncTestClient) -> None:
    overview = (await api.get("/api/v1/overview", params={"account": ACCOUNT})).json()
    assert overview["realized_total"] == "1204.118"
    assert overview["starting_balance"] == "100000"
    assert overview["signals"]["received"] == story.COUNTS.received


def test_decimals_never_show_an_exponent() -> None:
    assert with_plain_decimals([Decimal("1E+5"), Decimal("1E-8")]) == ["100000", "0.00000001"]


async def test_groups_are_filtered_and_limited(api: AsyncTestClient) -> None:
    found = await api.get("/api/v1/groups", params={"state": ["CLOSING", "DCA_ACTIVE"], "limit": 1})
    assert [group["group_id"] for group in found.json()] == ["gaaaa"]


async def test_alerts_are_told_of_one_subject_and_limited(api: AsyncTestClient) -> None:
    every = (await api.get("/api/v1/alerts")).json()
    assert [row["kind"] for row in every][:2] == ["unprotected", "missed_alert"]
    of_one = (await api.get("/api/v1/alerts", params={"subject": "BNB"})).json()
    assert [row["text"] for row in of_one] == ["fees in BNB wait for a mark of BNB/USDT"]
    assert len((await api.get("/api/v1/alerts", params={"limit": 2})).json()) == 2


async def test_samples_are_asked_for_by_time_and_thinned_to_a_number(
    api: AsyncTestClient, house: StubHouse
) -> None:
    query = {"from": "2026-01-05T08:00:00Z", "to": "2026-01-05T12:00", "limit": "50"}
    view = (await api.get("/api/v1/equity", params=query)).json()
    asked = house.views.equity_asked[-1]
    assert (asked.start, asked.end) == (
        datetime(2026, 1, 5, 8, tzinfo=UTC),
        datetime(2026, 1, 5, 12, tzinfo=UTC),
    )
    assert asked.points == 50
    assert view["points"][0]["capital"] == "100500"
    assert view["transfers"][0]["amount"] == "500"
    assert (await api.get("/api/v1/equity", params={"from": "then"})).status_code == 400


async def test_an_offset_is_told_with_each_step_and_exact_sums(api: AsyncTestClient) -> None:
    view = (await api.get("/api/v1/offsets")).json()
    (offset,) = view["offsets"]
    assert (offset["earned"], offset["realized"], offset["result"]) == (
        *("146.6123", "-146.4098", "0.2025"),
    )
    assert [step["role"] for step in offset["steps"]] == ["winner", "winner", "loser"]
    assert offset["winners"][0]["expected"] == "88.1034"
    assert view["timers"][0]["due_at"].startswith("2026-01-05T14:26")


async def test_the_queue_tells_its_tuples_and_what_a_reversal_waits_for(
    api: AsyncTestClient,
) -> None:
    first, _, last = (await api.get("/api/v1/queue")).json()["rows"]
    assert first["rank_tuple"][1] == "deepest_loss=-0.94"
    assert (first["turns"], first["waits_for"]) == (False, [])
    assert last["turns"]
    assert [trade["quantity"] for trade in last["waits_for"]] == ["0.155"]


async def test_the_log_filter_reaches_the_query(api: AsyncTestClient, house: StubHouse) -> None:
    query: dict[str, Any] = {
        "kind": ["risk", "fill"],
        "severity": "warning",
        "text": "eth",
        "before": 9,
        "limit": 5,
    }
    assert (await api.get("/api/v1/log", params=query)).status_code == 200
    chosen = house.views.filters[-1]
    assert (chosen.kinds, chosen.severities) == (("risk", "fill"), ("warning",))
    assert (chosen.text, chosen.before, chosen.limit) == ("eth", 9, 5)


@pytest.mark.parametrize(
    ("at", "position"), [("1234", 1234), ("2026-01-01T00:01:00Z", 60), ("2026-01-01T00:01", 60)]
)
async def test_a_past_moment_may_be_asked_for(
    api: AsyncTestClient, house: StubHouse, at: str, position: int
) -> None:
    assert (await api.get("/api/v1/overview", params={"at": at})).status_code == 200
    assert house.views.asked_at == [position]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/v1/overview?account=nobody", 404, "account"),
        ("/api/v1/overview?at=yesterday", 400, "at"),
        ("/api/v1/groups?limit=0", 400, "limit"),
        ("/api/v1/groups?state=OPENED", 400, "state"),
        ("/api/v1/log?start=then", 400, "start"),
    ],
)
async def test_a_refusal_names_the_field_and_the_remedy(
    api: AsyncTestClient, path: str, status: int, field: str
) -> None:
    answer = await api.get(path)
    assert answer.status_code == status
    problem = answer.json()["problems"][0]
    assert problem["field"].startswith(field)
    assert problem["value"]
    assert problem["remedy"]


async def test_an_operators_wish_becomes_a_durable_input(
    api: AsyncTestClient, house: StubHouse
) -> None:
    wish = {"action": "close_group", "subject": "gaaaa", "reason": "took enough"}
    answer = await api.post("/api/v1/operator", json=wish)
    assert answer.status_code == 202
    assert answer.json() == {"input_id": 1}
    acted = OperatorActed(
        action="close_group", subject="gaaaa", actor="operator", reason="took enough"
    )
    assert house.inbox.stored == [(ACCOUNT, acted)]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"action": "explode"}, "body"),
        ({"action": "close_group"}, "subject"),
        ({"action": "pause", "reason": "x" * 501}, "reason"),
        ({"action": "pause", "sudo": True}, "body"),
        ([], "body"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    api: AsyncTestClient, house: StubHouse, wish: object, field: str
) -> None:
    answer = await api.post("/api/v1/operator", json=wish)
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["field"] == field
    assert house.inbox.stored == []


async def test_a_wish_that_was_not_made_durable_is_503(
    api: AsyncTestClient, house: StubHouse
) -> None:
    house.inbox.is_down = True
    assert (await api.post("/api/v1/operator", json={"action": "pause"})).status_code == 503


async def test_settings_are_replaced_as_a_whole(api: AsyncTestClient, house: StubHouse) -> None:
    document = render_settings(Settings())
    answer = await api.put(
        "/api/v1/settings", content=document, params={"reason": "defaults", "expect_version": 3}
    )
    assert answer.status_code == 202
    submitted = SettingsSubmitted(settings=Settings(), actor="operator", reason="defaults")
    assert house.inbox.stored == [(ACCOUNT, submitted)]


async def test_settings_read_and_put_back_are_the_same(api: AsyncTestClient) -> None:
    read = (await api.get("/api/v1/settings")).json()
    assert read["version"] == 3
    assert read["worst_cases"]["cases"][0]["all_groups"] == "50000"
    assert read["warnings"] == []
    answer = await api.put("/api/v1/settings", content=json.dumps(read["settings"]))
    assert answer.status_code == 202


async def test_new_settings_are_answered_with_what_they_may_come_to(api: AsyncTestClient) -> None:
    document = {"capital": {"pyramid_capital": "full", "group_budget": "20000"}}

    outlook = (await api.put("/api/v1/settings", json=document)).json()["outlook"]

    assert outlook["worst_cases"]["cases"][0]["group"] == "100000"
    assert [warning["field"] for warning in outlook["warnings"]] == ["capital.group_budget"]


async def test_every_problem_of_refused_settings_is_named(
    api: AsyncTestClient, house: StubHouse
) -> None:
    document = {"pool": {"max_open_groups": 0}, "risk": {"max_dayly_loss": "1"}}
    answer = await api.put("/api/v1/settings", json=document)
    assert answer.status_code == 400
    fields = {problem["field"] for problem in answer.json()["problems"]}
    assert fields == {"pool.max_open_groups", "risk.max_dayly_loss"}
    assert house.inbox.stored == []


async def test_settings_changed_meanwhile_are_not_overwritten(api: AsyncTestClient) -> None:
    answer = await api.put("/api/v1/settings", content=b"{}", params={"expect_version": 2})
    assert answer.status_code == 409


async def test_health_needs_no_credentials_and_tells_what_is_wrong(
    client: AsyncTestClient, house: StubHouse
) -> None:
    good = {
        "status": "ok",
        "engine": "running",
        "database": "ok",
        "notifiers": "none",
        "version": VERSION,
    }
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, good)
    house.database = "no answer within 1 s"
    answer = await client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"


async def test_the_schema_describes_every_api_route(api: AsyncTestClient) -> None:
    schema = (await api.get("/schema/openapi.json")).json()
    described = set(schema["paths"])
    wanted = {f"/api/v1/{name}" for name in (*READS, "operator", "settings")}
    assert wanted | {"/webhook/{account_id}", "/health"} == described


async def test_an_unknown_path_is_404_in_json(api: AsyncTestClient) -> None:
    answer = await api.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert "/api/v1/nothing" in answer.json()["message"]
