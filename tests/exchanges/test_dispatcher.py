"""The door through which orders leave: once, in turn, urgent first, and only under the lease."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.exchanges.dispatch_queue import DispatchLimits
from adapters.exchanges.dispatcher import Dispatcher
from application.inputs import (
    Accepted,
    AnswerLost,
    CancelRefused,
    Ended,
    Found,
    Refused,
    Report,
    SendWindowMissed,
)
from application.work import NotSentError
from tests.exchanges.stubs import (
    D0,
    START,
    Inbox,
    StandingClock,
    StubExchange,
    settled,
    until,
    work,
)

FAST = DispatchLimits(
    retry_seconds=(0.01, 0.02, 0.04),
    lease_retry_seconds=0.01,
    unheard_seconds=0.05,
    stop_seconds_max=2.0,
)


class Room:
    """A dispatcher with everything it touches."""

    def __init__(self, limits: DispatchLimits = FAST) -> None:
        self.exchange = StubExchange()
        self.inbox = Inbox()
        self.clock = StandingClock()
        self.lease_confirmed_at = self.clock.monotonic()
        self.dispatcher = Dispatcher(
            {"main": self.exchange},
            self.inbox,
            self.clock,
            lambda: self.lease_confirmed_at,
            limits,
        )

    def update(self, *works: Any) -> None:
        self.dispatcher.update("main", works)

    def count(self, call: str, identity: str) -> int:
        return self.exchange.calls.count((call, identity))


@pytest.fixture
async def room() -> Any:
    made = Room()
    yield made
    await made.dispatcher.stop()


def held(gate: asyncio.Event, reports: list[Report]) -> Callable[[str], Awaitable[list[Report]]]:
    """An answer that comes only once the gate opens."""

    async def answer(_: str) -> list[Report]:
        await gate.wait()
        return reports

    return answer


async def test_a_requested_order_is_placed_and_its_answer_reported(room: Room) -> None:
    room.update(work("a"))
    await until(lambda: room.inbox.reports("a") == [Accepted(venue_order_id="1")])
    assert room.exchange.calls == [("place", "a")]


async def test_reports_reach_the_engine_in_the_order_in_which_they_happened(room: Room) -> None:
    told: list[Report] = [Accepted(venue_order_id="7"), Ended(status="expired", filled=D0)]
    room.exchange.answers["place", "a"] = told
    room.update(work("a"))
    await until(lambda: len(room.inbox.reports("a")) == 2)
    assert room.inbox.reports("a") == told


async def test_one_sending_is_placed_once_however_often_its_work_is_repeated(room: Room) -> None:
    for _ in range(5):
        room.update(work("a"))
        await settled()
    room.update()
    room.update(work("a"))
    await until(lambda: room.count("query", "a") > 0)
    assert room.count("place", "a") == 1


async def test_an_answer_the_engine_never_decided_on_is_told_again(room: Room) -> None:
    refusal = Refused(code="-2019", message="margin")
    room.exchange.answers["place", "a"] = [refusal]
    room.exchange.answers["query", "a"] = []
    room.update(work("a"))
    await until(lambda: room.inbox.reports("a").count(refusal) >= 2)
    assert room.count("place", "a") == 1


async def test_a_new_sending_after_proven_absence_is_placed_again_under_the_same_id(
    room: Room,
) -> None:
    room.update(work("a"))
    await until(lambda: room.count("place", "a") == 1)
    room.update(work("a", sending=1))
    await until(lambda: room.count("place", "a") == 2)


async def test_cancels_go_before_exits_before_entries_before_questions() -> None:
    one_at_a_time = DispatchLimits(calls_at_once=(1, 1, 1, 1), retry_seconds=(0.001, 5.0))
    room = Room(one_at_a_time)
    gate = asyncio.Event()
    room.exchange.answers["place", "first"] = held(gate, [])
    room.update(work("first"))
    await until(lambda: room.exchange.under_way == 1)
    room.update(
        work("first"),
        work("question", "unknown"),
        work("entry"),
        work("exit", purpose="exit"),
        work("gone", "cancel_requested"),
    )
    await settled()
    desk = room.dispatcher._desks["main"]
    await until(lambda: desk.lanes["question"].turn == 1)
    gate.set()
    await until(lambda: len(room.exchange.calls) == 5)
    assert [identity for _, identity in room.exchange.calls[1:]] == [
        "gone",
        "exit",
        "entry",
        "question",
    ]
    await room.dispatcher.stop()


async def test_hanging_questions_never_keep_an_exit_waiting(room: Room) -> None:
    gate = asyncio.Event()
    questions = [work(f"q{number}", "unknown") for number in range(20)]
    for question in questions:
        room.exchange.answers["query", question.client_order_id] = held(gate, [])
    room.update(*questions)
    await until(lambda: room.exchange.under_way == FAST.calls_at_once[3])
    room.update(*questions, work("exit", purpose="exit"))
    await until(lambda: room.count("place", "exit") == 1)
    gate.set()


async def test_commands_of_one_order_go_strictly_in_turn(room: Room) -> None:
    gate = asyncio.Event()
    room.exchange.answers["place", "a"] = held(gate, [Accepted(venue_order_id="1")])
    room.update(work("a"))
    await until(lambda: room.exchange.under_way == 1)
    room.update(work("a", "cancel_requested"))
    await settled()
    assert room.exchange.calls == [("place", "a")]
    gate.set()
    await until(lambda: room.exchange.calls[:2] == [("place", "a"), ("cancel", "a")])


async def test_an_entry_whose_time_has_passed_is_never_sent(room: Room) -> None:
    room.update(work("a", send_before=START - timedelta(seconds=1)))
    await until(lambda: room.inbox.reports("a")[:1] == [SendWindowMissed()])
    assert room.exchange.calls == []


async def test_an_exit_has_no_time_after_which_it_is_not_sent(room: Room) -> None:
    room.update(work("a", purpose="exit", send_before=START - timedelta(seconds=1)))
    await until(lambda: room.count("place", "a") == 1)


async def test_an_entry_that_could_not_leave_is_tried_again_until_its_time_has_passed(
    room: Room,
) -> None:
    room.exchange.answers["place", "a"] = NotSentError("connection refused")
    room.update(work("a", send_before=START + timedelta(seconds=5)))
    await until(lambda: room.count("place", "a") >= 2)
    assert room.inbox.reports("a") == []
    room.clock.advance(6)
    room.lease_confirmed_at = room.clock.monotonic()
    await until(lambda: SendWindowMissed() in room.inbox.reports("a"))
    calls = room.count("place", "a")
    await settled()
    assert room.count("place", "a") == calls


async def test_an_exit_that_could_not_leave_is_tried_until_it_goes_through(room: Room) -> None:
    room.exchange.answers["place", "a"] = NotSentError("connection refused")
    room.update(work("a", purpose="exit"))
    await until(lambda: room.count("place", "a") >= 3)
    del room.exchange.answers["place", "a"]
    await until(lambda: room.inbox.reports("a") == [Accepted(venue_order_id="1")])


async def test_the_pause_a_venue_asks_for_is_kept(room: Room) -> None:
    room.exchange.answers["place", "a"] = NotSentError("429", retry_after_seconds=0.3)
    loop = asyncio.get_running_loop()
    room.update(work("a"))
    await until(lambda: room.count("place", "a") == 1)
    began = loop.time()
    await until(lambda: room.count("place", "a") == 2)
    assert loop.time() - began >= 0.25


async def test_without_a_confirmed_lease_nothing_leaves(room: Room) -> None:
    room.lease_confirmed_at = room.clock.monotonic() - 3.1
    room.update(work("a"), work("b", "cancel_requested"), work("c", "unknown"))
    lanes = room.dispatcher._desks
    await until(lambda: "main" in lanes and lanes["main"].lanes["c"].turn >= 2)
    assert room.exchange.calls == []
    room.lease_confirmed_at = room.clock.monotonic()
    await until(lambda: len(room.exchange.calls) >= 3)


async def test_an_unknown_order_is_asked_about_until_it_is_resolved(room: Room) -> None:
    room.exchange.answers["query", "a"] = []
    room.update(work("a", "unknown"))
    await until(lambda: room.count("query", "a") >= 3)
    room.exchange.answers["query", "a"] = [Found(venue_order_id="1", filled=D0)]
    await until(lambda: Found(venue_order_id="1", filled=D0) in room.inbox.reports("a"))
    room.update()
    await until(lambda: room.exchange.under_way == 0)
    await settled()
    asked = room.count("query", "a")
    assert room.dispatcher._desks["main"].lanes == {}
    await settled()
    assert room.count("query", "a") == asked
    assert room.count("place", "a") == 0


async def test_an_adapter_that_breaks_while_placing_leaves_the_order_unknown(room: Room) -> None:
    room.exchange.answers["place", "a"] = RuntimeError("broken")
    room.update(work("a"))
    await until(lambda: len(room.inbox.reports("a")) >= 1)
    assert isinstance(room.inbox.reports("a")[0], AnswerLost)
    assert room.count("place", "a") == 1


async def test_an_order_called_off_before_its_turn_is_never_sent() -> None:
    room = Room(DispatchLimits(calls_at_once=(1, 1, 1, 1)))
    gate = asyncio.Event()
    room.exchange.answers["place", "first"] = held(gate, [])
    room.update(work("first"))
    await until(lambda: room.exchange.under_way == 1)
    room.update(work("first"), work("a"))
    room.update(work("first"), work("a", "cancel_requested"))
    await settled()
    gate.set()
    await until(lambda: room.inbox.reports("a") == [SendWindowMissed()])
    assert room.count("place", "a") == 0
    assert room.count("cancel", "a") == 0
    await room.dispatcher.stop()


async def test_a_cancel_is_repeated_until_the_engine_drops_it(room: Room) -> None:
    refused = CancelRefused(code="-2011", message="unknown order")
    room.exchange.answers["cancel", "a"] = [refused]
    room.update(work("a", "cancel_requested"))
    await until(lambda: room.count("cancel", "a") >= 3)
    assert room.inbox.reports("a")[0] == refused


async def test_stopping_waits_for_the_call_under_way_and_starts_no_other(room: Room) -> None:
    gate = asyncio.Event()
    room.exchange.answers["place", "a"] = held(gate, [Accepted(venue_order_id="1")])
    room.update(work("a"))
    await until(lambda: room.exchange.under_way == 1)
    stopping = asyncio.create_task(room.dispatcher.stop())
    await settled()
    room.update(work("a"), work("b"))
    await settled()
    assert not stopping.done()
    gate.set()
    assert await stopping == ()
    assert room.inbox.reports("a") == [Accepted(venue_order_id="1")]
    assert room.exchange.calls == [("place", "a")]


async def test_stopping_names_what_did_not_answer_and_cancels_nothing() -> None:
    room = Room(DispatchLimits(stop_seconds_max=0.05))
    gate = asyncio.Event()
    room.exchange.answers["place", "a"] = held(gate, [Accepted(venue_order_id="1")])
    wish = work("a")
    room.update(wish)
    await until(lambda: room.exchange.under_way == 1)
    assert await room.dispatcher.stop() == (wish,)
    assert room.exchange.under_way == 1
    gate.set()
    await until(lambda: room.inbox.reports("a") == [Accepted(venue_order_id="1")])


async def test_work_may_be_handed_over_from_the_engines_thread(room: Room) -> None:
    thread = threading.Thread(target=room.update, args=(work("a"),))
    thread.start()
    await until(lambda: room.count("place", "a") == 1)
    thread.join()
