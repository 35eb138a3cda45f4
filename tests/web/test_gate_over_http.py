"""A refusal of the gate from the HTTP request to the ledger: web, inbox, engine."""

import json

import pytest
from litestar.testing import AsyncTestClient

from application.inputs import SignalReceived
from application.journal import decode_input, encode_input
from domain.risk_engine import RiskDenied
from domain.trading_day import SignalJudged
from tests.application.desk import of
from tests.application.gate_cases import CASES, Case, GateDesk, desk_for
from tests.web.stub_house import ACCOUNT, WEBHOOK_SECRET, StubHouse


async def posted(
    client: AsyncTestClient, house: StubHouse, desk: GateDesk, case: Case
) -> SignalReceived:
    """The signal of a case as the inbox keeps it, once the web answered that it is durable."""
    body = {**json.loads(desk.received(**case.wish).body), "secret": WEBHOOK_SECRET}
    answer = await client.post(f"/webhook/{ACCOUNT}", content=json.dumps(body).encode())
    assert answer.status_code == 202
    account, kept = house.inbox.stored[-1]
    received = decode_input(encode_input(kept))
    assert account == ACCOUNT
    assert isinstance(received, SignalReceived)
    assert received.signal_id == answer.json()["signal_id"]
    return received


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
async def test_a_signal_over_http_is_refused_by_each_rule(
    client: AsyncTestClient, house: StubHouse, case: Case
) -> None:
    desk = desk_for(case)
    case.trip(desk)
    taken = [group.opened.group_id for group in desk.book.open_groups()]

    happened = desk.handle(await posted(client, house, desk, case))

    (refusal,) = of(happened, RiskDenied)
    (line,) = [check for check in refusal.receipt if check.rule == case.rule]
    value = taken[0] if case.value == "<group>" else case.value
    assert (refusal.reason, line.value, line.limit) == (case.rule, value, case.limit)
    (judged,) = of(happened, SignalJudged)
    assert (judged.outcome, judged.reason) == (case.entry, case.rule)
    assert judged.signal_id == refusal.proposal.signal_id


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.pyramid == "refused"], ids=lambda case: case.rule
)
async def test_a_pyramid_over_http_is_refused_and_never_queued(
    client: AsyncTestClient, house: StubHouse, case: Case
) -> None:
    desk = desk_for(case)
    desk.signal()
    case.trip(desk)

    happened = desk.handle(await posted(client, house, desk, case))

    assert [denied.reason for denied in of(happened, RiskDenied)] == [case.rule]
    (judged,) = of(happened, SignalJudged)
    assert (judged.outcome, judged.reason) == ("refused", case.rule)
    assert desk.book.queue.waiting == ()
