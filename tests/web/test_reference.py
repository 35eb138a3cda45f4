"""The reference tells of every operation and every field, from the schema and the code itself."""

import re

import pytest
from litestar.testing import AsyncTestClient

from web.shapes import kind_of, shapes_of


async def shapes(api: AsyncTestClient) -> dict[str, dict[str, str]]:
    schema = (await api.get("/schema/openapi.json")).json()
    return {
        shape.name: {field.name: field.kind for field in shape.fields}
        for shape in shapes_of(schema)
    }


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ("QueueRow", {"rank_tuple": "list of text", "waits_for": "list of ReversedTrade"}),
        ("AlertRow", {"subject": "text", "severity": "info | warning | critical"}),
        ("OverviewView", {"worst_case": "text", "alerts": "list of AlertRow"}),
        ("RiskView", {"dust": "list of DustRow", "worst_cases": "WorstCases"}),
        ("GroupView", {"waiting": "list of WaitingView", "mark": "text or null"}),
        ("AccountView", {"refused": "SettingsRefusal or null"}),
        ("RiskView", {"holds": "list of HoldRow", "breaker": "BreakerView", "worth": "WorthView"}),
        ("OffsetsView", {"offsets": "list of OffsetView", "timers": "list of TimerRow"}),
        ("OffsetView", {"steps": "list of StepRow", "winners": "list of PlannedWinner"}),
        ("EquityView", {"points": "list of EquityPoint", "samples": "number"}),
    ],
)
async def test_each_fact_of_the_pages_is_a_field_of_the_api(
    api: AsyncTestClient, shape: str, fields: dict[str, str]
) -> None:
    known = (await shapes(api))[shape]
    assert {name: known.get(name) for name in fields} == fields


async def test_every_shape_has_words_and_every_link_leads_to_one(
    browser: AsyncTestClient,
) -> None:
    page = (await browser.get("/reference")).text
    parts = re.findall(r'<article class="operation" id="(\w+)">(.*?)</article>', page, re.DOTALL)
    assert len(parts) > 30
    assert [name for name, told in parts if "<p>" not in told] == []
    linked = set(re.findall(r'href="#(\w+)"', page)) - {"content"}
    assert linked <= {name for name, _ in parts}


async def test_each_read_says_what_it_answers_with(browser: AsyncTestClient) -> None:
    page = (await browser.get("/reference")).text
    operations = page.split('<article class="operation"><h2>')[1:]
    reads = {
        path: told
        for told in operations
        for path in re.findall(r"GET</span> <code>/api/v1/(\w+)</code>", told)
    }
    answers = {path: re.findall(r"<b>200</b>[^<]*(<a[^<]*)", told) for path, told in reads.items()}
    assert len(answers) == 13
    assert all(answers.values())
    assert answers["queue"][0].endswith(">QueueView")
    assert answers["alerts"][0].endswith(">list of AlertRow")
    assert "dust, foreign positions, discrepancies by side" in page


async def test_the_schema_holds_no_made_up_examples(api: AsyncTestClient) -> None:
    assert '"examples"' not in (await api.get("/schema/openapi.json")).text


@pytest.mark.parametrize(("described", "kind"), [
    ({"type": "integer"}, "number"),
    ({"oneOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
    ({"type": "array", "items": {"$ref": "#/components/schemas/LegView"}}, "list of LegView"),
    ({"enum": ["long", "short"]}, "long | short"),
    ({}, "any"),
])  # fmt: skip
def test_what_a_field_holds_is_told_in_words(described: dict[str, object], kind: str) -> None:
    assert kind_of(described) == kind
