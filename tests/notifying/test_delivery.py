"""One message out of the house, to a receiver of every manner."""

import asyncio
import socket

import psutil
import pytest

from adapters.notifying.delivery import deliver
from adapters.notifying.letter import Letter
from adapters.notifying.sender import without_secrets
from tests.notifying.mail import MailServer
from tests.notifying.target import Target


def letter(url: str, seconds_max: int = 30) -> Letter:
    return Letter(
        url=url,
        title="[Plimsoll paper] CRITICAL breaker",
        body="loss",
        severity="critical",
        seconds_max=seconds_max,
    )


def senders() -> list[int]:
    """The children of this process that send."""
    return [
        child.pid
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "adapters.notifying.sender" in child.cmdline()
    ]


async def test_a_message_arrives_with_title_body_and_its_type() -> None:
    async with Target() as target:
        receipt = await deliver(letter(target.url))

    assert receipt.sent
    [heard] = target.heard
    assert (heard["title"], heard["message"]) == ("[Plimsoll paper] CRITICAL breaker", "loss")
    assert heard["type"] == "failure"


async def test_a_message_arrives_by_mail() -> None:
    async with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=house@example.com&to=ann@example.com"
        receipt = await deliver(letter(f"{url}&mode=insecure"))

    assert receipt.sent, receipt.reason
    [mail] = server.letters
    assert "Subject: [Plimsoll paper] CRITICAL breaker" in mail
    assert "To: ann@example.com" in mail


async def test_a_refusal_is_told_without_any_part_of_the_address() -> None:
    async with Target("refuse") as target:
        receipt = await deliver(letter(target.url))

    assert not receipt.sent
    assert "503" in receipt.reason
    assert "s3cret" not in receipt.reason


async def test_a_failure_of_an_address_marked_optional_is_a_failure() -> None:
    async with Target("refuse") as target:
        receipt = await deliver(letter(f"{target.url}&optional=yes"))

    assert not receipt.sent


async def test_a_receiver_that_never_answers_is_given_up_and_leaves_no_process() -> None:
    async with Target("hang") as target:
        receipt = await deliver(letter(target.url, seconds_max=8))

        assert not receipt.sent
        assert receipt.reason == "no answer within 8 s"
        await target.until(lambda: not target.hanging, "the connection is gone")
    assert senders() == []


async def test_a_delivery_that_is_cancelled_leaves_no_process() -> None:
    async with Target("hang") as target:
        delivery = asyncio.create_task(deliver(letter(target.url)))
        await target.until(lambda: target.hanging == 1, "the message is on its way")
        assert len(senders()) == 1

        delivery.cancel()
        await asyncio.wait([delivery])

        assert delivery.cancelled()
        assert senders() == []


async def test_nobody_there_is_a_failure_with_a_reason() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        receipt = await deliver(letter(f"json://127.0.0.1:{taken.getsockname()[1]}/s3cret/"))

    assert not receipt.sent
    assert "onnection" in receipt.reason


@pytest.mark.parametrize("url", ["nonsense", "json://", "foo://x", "tgram://", ""])
async def test_an_address_that_no_service_understands_is_told_before_anything_is_sent(
    url: str,
) -> None:
    receipt = await deliver(Letter(url=url))

    assert (receipt.sent, receipt.reason) == (
        False,
        "no service of Apprise understands the address",
    )


async def test_an_address_can_be_tried_without_sending() -> None:
    async with Target() as target:
        assert (await deliver(Letter(url=target.url))).sent
        assert (await deliver(Letter(url="tgram://123456789:abcdefg_hijklmnop/4711/"))).sent

    assert target.heard == []


async def test_what_sends_sees_none_of_our_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("PLIMSOLL_MAIN_API_KEY", "DATABASE_URL", "PGPASSWORD"):
        monkeypatch.setenv(name, "hunter2")
    async with Target("hang") as target:
        delivery = asyncio.create_task(deliver(letter(target.url)))
        await target.until(lambda: target.hanging == 1, "the message is on its way")
        [pid] = senders()
        process = psutil.Process(pid)
        environment, arguments = process.environ(), process.cmdline()
        delivery.cancel()
        await asyncio.wait([delivery])

    assert "hunter2" not in str(environment)
    assert "s3cret" not in str(environment) + str(arguments)


def test_every_part_of_an_address_is_taken_out_of_a_reason() -> None:
    url = "mailtos://joe:p%40ss%20word@mail.example.com/?to=a@b.example&+X-Key=k3y"
    reason = "joe could not log in at mail.example.com with p@ss word or p%40ss%20word, k3y: 535"

    told = without_secrets(reason, url)

    assert told == "*** could not log in at *** with *** or ***, ***: 535"
