"""The engine's clock: which grid instants a tick met, and what a first mark does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from application.inputs import ClockTicked
from cli.pulse import tick, ticked
from domain.message import Input

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "promotion", "minute"),
    [
        (1.0, 2.0, False, False),
        (9.5, 10.0, True, False),
        (10.0, 10.9, False, False),
        (59.9, 60.0, True, True),
        (1.0, 200.0, True, True),
        (60 * 60 * 12 - 0.5, 60 * 60 * 12 + 0.5, True, True),
    ],
)
def test_a_tick_names_the_grid_instants_since_the_last_one(
    before: float, after: float, promotion: bool, minute: bool
) -> None:
    passed = ticked(NOON + timedelta(seconds=before), NOON + timedelta(seconds=after), 10)

    assert (passed.promotion, passed.minute) == (promotion, minute)
    assert passed.due_at == NOON + timedelta(seconds=after)


class Accounts:
    """Two accounts, of which one has just got a mark."""

    def names(self) -> tuple[str, ...]:
        return ("old", "new")

    def has_new_marks(self, account: str) -> bool:
        return account == "new"

    def evaluate_seconds(self, account: str) -> int:
        return {"old": 10, "new": 3600}[account]

    def contact_at(self, account: str) -> datetime | None:
        return NOON if account == "new" else None


async def test_the_first_mark_of_a_symbol_lets_the_queue_be_walked_at_once() -> None:
    heard: list[tuple[str, Input]] = []
    enough = asyncio.Event()

    def submit(account: str, received: Input) -> None:
        heard.append((account, received))
        if len(heard) == 2:
            enough.set()

    ticking = asyncio.create_task(tick(Accounts(), submit))
    try:
        async with asyncio.timeout(10):
            await enough.wait()
    finally:
        ticking.cancel()

    told = dict(heard[:2])
    assert isinstance(told["new"], ClockTicked)
    assert told["new"].promotion
    assert told["new"].contact_at == NOON


class OneBroken(Accounts):
    """The room of one account is out of order."""

    def contact_at(self, account: str) -> datetime | None:
        if account == "old":
            message = "the room of old is out of order"
            raise RuntimeError(message)
        return NOON


async def test_an_account_that_cannot_be_asked_leaves_the_clock_to_the_others() -> None:
    heard: list[str] = []
    enough = asyncio.Event()

    def submit(account: str, received: Input) -> None:
        assert isinstance(received, ClockTicked)
        heard.append(account)
        if len(heard) == 2:
            enough.set()

    ticking = asyncio.create_task(tick(OneBroken(), submit))
    try:
        async with asyncio.timeout(10):
            await enough.wait()
        assert not ticking.done()
    finally:
        ticking.cancel()

    assert heard == ["new", "new"]
