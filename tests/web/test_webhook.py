import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient

from application.inputs import SignalReceived
from domain.webhook_body import body_hash
from tests.web.stub_house import ACCOUNT, WEBHOOK_SECRET, StubAccounts, StubHouse
from web.app import create_app
from web.deps import WebAccount
from web.sources import TRADINGVIEW_ADDRESSES, SourceLimit

PATH = f"/webhook/{ACCOUNT}"
ENTRY = {
    "secret": WEBHOOK_SECRET,
    "timestamp": "2026-01-05T14:29:58Z",
    "tv": {"symbol": "BTCUSDT", "timeframe": "15", "action": "buy", "entry_price": 64250.5},
    "execution_intent": {"type": "signal", "side": "long"},
}


def raw(**changes: object) -> bytes:
    return json.dumps({**ENTRY, **changes}).encode()


def stored(house: StubHouse) -> SignalReceived:
    (account, occurrence) = house.inbox.stored[-1]
    assert account == ACCOUNT
    assert isinstance(occurrence, SignalReceived)
    return occurrence


async def test_an_authentic_signal_is_answered_202_with_its_id(
    client: AsyncTestClient, house: StubHouse
) -> None:
    answer = await client.post(PATH, content=raw())
    assert answer.status_code == 202
    signal = stored(house)
    assert answer.json() == {"signal_id": signal.signal_id}
    assert signal.body_hash == body_hash(signal.body)
    assert signal.received_at == house.clock.now()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8", None])
async def test_the_content_type_says_nothing_about_the_body(
    client: AsyncTestClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.post(PATH, content=raw(), headers=headers)
    assert answer.status_code == 202


async def test_202_comes_only_after_the_commit_and_503_without_one(
    client: AsyncTestClient, house: StubHouse
) -> None:
    house.inbox.is_down = True
    answer = await client.post(PATH, content=raw())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert house.inbox.stored == []


async def test_an_inbox_that_does_not_answer_becomes_503_before_tradingview_gives_up(
    client: AsyncTestClient, house: StubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.webhook.DURABLE_SECONDS_MAX", 0.05)
    house.inbox.is_stuck = True
    answer = await client.post(PATH, content=raw())
    assert answer.status_code == 503


@pytest.mark.parametrize("secret", ["", "wrong", WEBHOOK_SECRET + "x", None, 7, {"a": 1}, "ü"])
async def test_a_wrong_secret_is_401(client: AsyncTestClient, secret: object) -> None:
    answer = await client.post(PATH, content=raw(secret=secret))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_missing_secret_is_401_even_if_fields_are_missing_too(
    client: AsyncTestClient,
) -> None:
    assert (await client.post(PATH, content=b"{}")).status_code == 401


async def test_a_signature_of_the_raw_body_replaces_the_secret(
    client: AsyncTestClient, house: StubHouse
) -> None:
    body = json.dumps({key: ENTRY[key] for key in ENTRY if key != "secret"}, indent=1).encode()
    digest = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    answer = await client.post(PATH, content=body, headers={"X-Signature": f"sha256={digest}"})
    assert answer.status_code == 202
    assert stored(house).body == body.decode()


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=00", "md5=aa", "ü"])
async def test_a_wrong_signature_is_401_even_with_the_right_secret(
    client: AsyncTestClient, signature: str
) -> None:
    headers = {b"X-Signature": signature.encode("latin-1")}
    answer = await client.post(PATH, content=raw(), headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[1,2]",
        b'"text"',
        b"null",
        b"\xef\xbb\xbf" + raw(),
        b'{"secret": "' + b"[" * 5000,
        b"[" * 60000,
        raw()[:-1],
        b'{"a": NaN}',
        b'{"secret": "\\ud800"}',
    ],
)
async def test_what_cannot_be_read_is_refused_and_never_crashes(
    client: AsyncTestClient, house: StubHouse, body: bytes
) -> None:
    answer = await client.post(PATH, content=body)
    assert answer.status_code in {400, 401}
    assert answer.json()["message"]
    assert house.inbox.stored == []


async def test_each_missing_field_is_named(client: AsyncTestClient) -> None:
    answer = await client.post(PATH, content=raw(tv={}, execution_intent={}))
    assert answer.status_code == 400
    named = {problem["field"] for problem in answer.json()["problems"]}
    assert {"tv.symbol", "execution_intent.type"} <= named


async def test_an_exit_needs_a_symbol_and_a_type_only(client: AsyncTestClient) -> None:
    body = raw(tv={"symbol": "BTCUSDT"}, execution_intent={"type": "exit"})
    assert (await client.post(PATH, content=body)).status_code == 202


async def test_unreplaced_placeholders_are_judged_after_the_202(client: AsyncTestClient) -> None:
    body = raw(tv={"symbol": "{{ticker}}", "timeframe": "{{interval}}", "action": "buy"})
    assert (await client.post(PATH, content=body)).status_code == 202


async def test_an_unknown_account_is_404(client: AsyncTestClient) -> None:
    answer = await client.post("/webhook/nobody", content=raw())
    assert answer.status_code == 404
    assert answer.json()["problems"][0]["value"] == "nobody"


async def test_64_kib_are_taken_and_one_byte_more_is_413(client: AsyncTestClient) -> None:
    padded = raw(note="")
    padded = padded.replace(b'"note": ""', b'"note": "' + b"x" * (65536 - len(padded)) + b'"')
    assert len(padded) == 65536
    assert (await client.post(PATH, content=padded)).status_code == 202
    assert (await client.post(PATH, content=padded + b" ")).status_code == 413


async def test_a_stream_that_hides_its_length_is_cut_off_at_64_kib(
    house: StubHouse,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b" " * 1024

    async with as_proxy(house) as client:
        answer = await client.post(PATH, content=endless())
    assert answer.status_code == 413
    assert house.inbox.stored == []


async def test_the_secret_is_in_nothing_that_is_stored_logged_or_answered(
    client: AsyncTestClient,
    house: StubHouse,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    bodies = [
        raw(),
        raw(note=f"my secret is {WEBHOOK_SECRET}!"),
        raw(nested={"secret": WEBHOOK_SECRET, "list": [{"Secret": WEBHOOK_SECRET}]}),
        b'{"secret":"other",' + raw()[1:],
        raw(tv={"symbol": None, "entry_price": WEBHOOK_SECRET}),
    ]
    answers = [await client.post(PATH, content=body) for body in bodies]
    house.inbox.is_down = True
    answers.append(await client.post(PATH, content=raw()))
    signed = raw(secret="", idempotency_key=WEBHOOK_SECRET)
    digest = hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    house.inbox.is_down = False
    headers = {"X-Signature": f"sha256={digest}"}
    answers.append(await client.post(PATH, content=signed, headers=headers))

    assert [each.status_code for each in answers] == [202, 202, 202, 202, 400, 503, 202]
    assert all(WEBHOOK_SECRET not in repr(each) for each in house.inbox.stored)
    assert all(WEBHOOK_SECRET not in each.text + str(each.headers) for each in answers)
    printed = capsys.readouterr()
    assert WEBHOOK_SECRET not in caplog.text + printed.out + printed.err
    assert WEBHOOK_SECRET not in repr(house.accounts.account)


async def test_a_fault_is_500_and_its_log_shows_where_but_not_the_secret(
    client: AsyncTestClient, house: StubHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    house.inbox.is_broken = True
    answer = await client.post(PATH, content=raw())
    assert answer.status_code == 500
    printed = capsys.readouterr()
    logged = printed.out + printed.err
    assert "ZeroDivisionError" in logged
    assert "webhook.py" in logged
    assert WEBHOOK_SECRET not in logged + answer.text


async def test_the_limiter_answers_429_and_to_tradingview_503() -> None:
    house = StubHouse(
        source_limit=SourceLimit(burst=2, per_second=1), trusted_proxies=("127.0.0.1",)
    )
    async with as_proxy(house) as client:
        for source, refusal in (("198.51.100.7", 429), (min(TRADINGVIEW_ADDRESSES), 503)):
            headers = {"X-Forwarded-For": source}
            statuses = [
                (await client.post(PATH, content=raw(), headers=headers)).status_code
                for _ in range(3)
            ]
            assert statuses == [202, 202, refusal]
        house.clock.advance(1)
        headers = {"X-Forwarded-For": "198.51.100.7"}
        assert (await client.post(PATH, content=raw(), headers=headers)).status_code == 202


def as_proxy(house: StubHouse) -> httpx.AsyncClient:
    """A caller at an address, which the client of the web framework has not."""
    app: Any = create_app(house.deps)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 4242))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


async def test_a_source_outside_the_allow_list_is_refused() -> None:
    house = StubHouse(trusted_proxies=("127.0.0.1",))
    listed = ("tradingview", "203.0.113.0/24")
    account = WebAccount(account=ACCOUNT, webhook_secret=WEBHOOK_SECRET, source_allow_list=listed)
    house.accounts.account = StubAccounts(account).account
    async with as_proxy(house) as client:
        for source, status in (
            ("52.89.214.238", 202),
            ("203.0.113.9", 202),
            ("::ffff:203.0.113.9", 202),
            ("198.51.100.7", 403),
            ("203.0.113.9, 198.51.100.7", 403),
        ):
            headers = {"X-Forwarded-For": source}
            answer = await client.post(PATH, content=raw(), headers=headers)
            assert answer.status_code == status, source


async def test_requests_are_counted_by_answer(api: AsyncTestClient) -> None:
    await api.post(PATH, content=raw())
    await api.post(PATH, content=raw(secret="wrong"))
    await api.post("/webhook/nobody", content=raw())
    answers = (await api.get("/api/v1/signals")).json()["webhook_answers"]
    assert answers == {"202": 1, "401": 1, "404": 1}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.just(WEBHOOK_SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.binary(max_size=400)
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(
        st.sampled_from([*ENTRY, "risk", "source", "idempotency_key"]), JSON_VALUES
    ).map(lambda extra: json.dumps({**ENTRY, **extra}).encode())
)
@example(body=b'{"secret":"%b","tv":{"symbol":1e999999999}}' % WEBHOOK_SECRET.encode())
@example(body=b'{"secret":"%b","secret":{"secret":1}}' % WEBHOOK_SECRET.encode())
async def test_no_body_is_ever_answered_500_or_stored_with_the_secret(
    client: AsyncTestClient, house: StubHouse, body: bytes
) -> None:
    house.inbox.stored.clear()
    answer = await client.post(PATH, content=body)
    assert answer.status_code in {202, 400, 401}
    assert len(house.inbox.stored) == (answer.status_code == 202)
    assert WEBHOOK_SECRET not in repr(house.inbox.stored)
