"""Alerts of a real log to a notifier: in order, at least once, through every outage."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.clock import SystemClock
from adapters.notifying.courier import CourierDeps, Pace
from adapters.notifying.couriers import Couriers
from adapters.notifying.delivery import deliver
from adapters.notifying.letter import Letter, Receipt
from adapters.notifying.notifier import Notifier
from adapters.postgres.alert_log import ALERTS_AFTER, PostgresAlertLog, notifier_lock
from application.journal import LogUnavailable
from domain.day_terms import AlertSeverity
from tests.log.postgres import owner, saboteur
from tests.notifying.alerts import record_alerts
from tests.notifying.target import Target

Deliver = Callable[[Letter], Awaitable[Receipt]]
LULL: tuple[AlertSeverity, ...] = ("warning",) * 5
QUICK = Pace(poll=0.02, retry=0.02, retry_max=0.1, burst_span=0.0)


class Hand:
    """A receiver by hand: keeps titles, fails while `trouble` says so, hangs while told to."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.bodies: list[str] = []
        self.tries = 0
        self.trouble = ""
        self.news = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()

    async def deliver(self, letter: Letter) -> Receipt:
        self.tries += 1
        self.news.set()
        await self.answers.wait()
        if self.trouble:
            return Receipt(sent=False, reason=self.trouble)
        self.titles.append(letter.title)
        self.bodies.append(letter.body)
        return Receipt(sent=True)

    @property
    def subjects(self) -> list[str]:
        return [body.partition("subject: ")[2].partition("\n")[0] for body in self.bodies]

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not met():
                self.news.clear()
                await asyncio.wait([asyncio.create_task(self.news.wait())], timeout=0.05)


@asynccontextmanager
async def working(
    url: str, way: Deliver, *notifiers: Notifier, pace: Pace = QUICK
) -> AsyncIterator[Couriers]:
    """Couriers at work, begun as a house begins them."""
    log = PostgresAlertLog(url)
    deps = CourierDeps(source=log, clock=SystemClock(), deliver=way, pace=pace)
    couriers = Couriers(notifiers or (Notifier(name="phone", url="json://h/"),), deps)
    await couriers.begin()
    task = asyncio.create_task(couriers.run())
    try:
        yield couriers
    finally:
        task.cancel()
        await asyncio.wait([task])
        await log.close()


def position(url: str, name: str = "phone") -> int:
    with owner(url) as connection:
        row = connection.execute(
            "SELECT position FROM plimsoll.notifier_positions WHERE name = %s", (name,)
        ).fetchone()
    assert row is not None, f"{name} has no position"
    return int(row[0])


async def saved(url: str, wanted: int, name: str = "phone") -> None:
    """Until the position is there."""
    async with asyncio.timeout(30):
        while position(url, name) != wanted:
            await asyncio.sleep(0.01)


async def test_alerts_are_told_in_order_and_the_position_is_the_last_ones(
    postgres_url: str,
) -> None:
    async with (
        Target() as target,
        working(postgres_url, deliver, Notifier(name="phone", url=target.url)),
    ):
        positions = record_alerts(postgres_url, ["warning", "critical", "warning"])
        await target.until(lambda: len(target.heard) == 3, "three are told")
        await saved(postgres_url, positions[-1])

    assert target.titles == [
        *("[Plimsoll paper] WARNING breaker", "[Plimsoll paper] CRITICAL breaker"),
        "[Plimsoll paper] WARNING breaker",
    ]
    assert [each["message"].splitlines()[0] for each in target.heard] == [
        *("loss 1", "loss 2", "loss 3")
    ]


async def test_a_new_notifier_is_not_told_of_what_was_before_it(postgres_url: str) -> None:
    old = record_alerts(postgres_url, ["critical", "critical"])
    hand = Hand()
    async with working(postgres_url, hand.deliver):
        assert position(postgres_url) == old[-1]
        [new] = record_alerts(postgres_url, ["warning"])
        await saved(postgres_url, new)

    assert hand.subjects == ["n3"]


async def test_a_notifier_goes_on_where_it_stood_when_the_house_closed(postgres_url: str) -> None:
    hand = Hand()
    async with working(postgres_url, hand.deliver):
        await saved(postgres_url, record_alerts(postgres_url, ["warning"])[-1])
    missed = record_alerts(postgres_url, ["warning", "warning"])
    async with working(postgres_url, hand.deliver):
        await saved(postgres_url, missed[-1])

    assert hand.subjects == ["n1", "n2", "n3"]


async def test_a_receiver_that_was_down_is_told_later_of_everything_in_one_digest(
    postgres_url: str,
) -> None:
    async with Target("refuse") as target:
        notifier = Notifier(name="phone", url=target.url)
        async with working(postgres_url, deliver, notifier) as couriers:
            positions = record_alerts(postgres_url, [*LULL, "critical"])
            await target.until(lambda: target.refused >= 2, "it was tried again")
            state = couriers.states()[0]
            assert (couriers.word(), state.failures >= 1) == ("failing", True)
            assert "503" in state.trouble
            assert position(postgres_url) < positions[0]

            target.manner = "take"
            await target.until(lambda: bool(target.heard), "it was told")
            await saved(postgres_url, positions[-1])
            assert couriers.word() == "ok"

    [heard] = target.heard
    assert heard["title"] == "[Plimsoll paper] CRITICAL 6 alerts"
    for number in range(1, 7):
        assert f"n{number}: loss {number}" in heard["message"]


async def test_a_crash_between_sending_and_saving_sends_it_again(postgres_url: str) -> None:
    hand = Hand()
    hand.answers.clear()
    async with working(postgres_url, hand.deliver):
        [raised] = record_alerts(postgres_url, ["critical"])
        await hand.until(lambda: hand.tries == 1)
    assert position(postgres_url) < raised

    hand.answers.set()
    async with working(postgres_url, hand.deliver):
        await saved(postgres_url, raised)
    assert (hand.tries, hand.subjects) == (2, ["n1"])


async def test_what_was_sent_is_not_sent_again_because_its_position_could_not_be_saved(
    postgres_url: str,
) -> None:
    hand = Hand()
    with owner(postgres_url) as connection:
        connection.execute("REVOKE UPDATE ON plimsoll.notifier_positions FROM plimsoll_app")
        async with working(postgres_url, hand.deliver):
            record_alerts(postgres_url, ["critical"])
            await hand.until(lambda: hand.tries == 1)
            [second] = record_alerts(postgres_url, ["critical"])
            await hand.until(lambda: hand.tries == 2)
            connection.execute("GRANT UPDATE ON plimsoll.notifier_positions TO plimsoll_app")
            await saved(postgres_url, second)

    assert hand.subjects == ["n1", "n2"]


async def test_only_what_is_severe_enough_is_told_and_the_rest_is_passed_over(
    postgres_url: str,
) -> None:
    hand = Hand()
    pager = Notifier(name="pager", url="json://h/", severity="critical")
    async with working(postgres_url, hand.deliver, pager):
        positions = record_alerts(postgres_url, ["warning", "critical", "info", "warning"])
        await saved(postgres_url, positions[-1], "pager")

    assert hand.subjects == ["n2"]


async def test_one_that_hangs_holds_up_no_other(postgres_url: str) -> None:
    hand, stuck = Hand(), Hand()
    stuck.answers.clear()
    ways = {"json://hand/": hand, "json://stuck/": stuck}

    async def way(letter: Letter) -> Receipt:
        return await ways[letter.url].deliver(letter)

    notifiers = [Notifier(name=name, url=f"json://{name}/") for name in ("stuck", "hand")]
    async with working(postgres_url, way, *notifiers):
        first = record_alerts(postgres_url, ["warning"])
        await stuck.until(lambda: stuck.tries == 1)
        await saved(postgres_url, first[-1], "hand")
        more = record_alerts(postgres_url, ["warning"] * 2)
        await saved(postgres_url, more[-1], "hand")

        assert (stuck.tries, position(postgres_url, "stuck") < first[0]) == (1, True)
    assert hand.subjects == ["n1", "n2", "n3"]


async def test_an_error_nobody_foresaw_stops_neither_it_nor_the_others(postgres_url: str) -> None:
    hand = Hand()

    async def way(letter: Letter) -> Receipt:
        if hand.tries < 2:
            hand.tries += 1
            raise ZeroDivisionError
        return await hand.deliver(letter)

    async with working(postgres_url, way):
        await saved(postgres_url, record_alerts(postgres_url, ["warning"])[-1])

    assert hand.subjects == ["n1"]


async def test_a_burst_of_messages_is_followed_by_a_pause_in_which_alerts_gather(
    postgres_url: str,
) -> None:
    hand, witness = Hand(), Hand()
    pace = Pace(poll=0.02, retry=0.02, burst_span=5.0, burst_messages=2)
    async with (
        working(postgres_url, witness.deliver, Notifier(name="witness", url="json://w/")),
        working(postgres_url, hand.deliver, pace=pace),
    ):
        for _ in range(2):
            await saved(postgres_url, record_alerts(postgres_url, ["warning"])[-1])
        for _ in range(5):
            [gathered] = record_alerts(postgres_url, ["warning"])
            await saved(postgres_url, gathered, "witness")
        await saved(postgres_url, gathered)

    assert len(witness.titles) == 7
    assert hand.titles[2:] == ["[Plimsoll paper] WARNING 5 alerts"]


async def test_of_two_houses_one_tells_and_the_other_takes_over(postgres_url: str) -> None:
    first, second = Hand(), Hand()
    async with working(postgres_url, second.deliver):
        await saved(postgres_url, record_alerts(postgres_url, ["warning"])[-1])
        async with working(postgres_url, first.deliver):
            await saved(postgres_url, record_alerts(postgres_url, ["warning"])[-1])
            assert (second.subjects, first.subjects) == (["n1", "n2"], [])
            with owner(postgres_url) as connection:
                key = notifier_lock("phone")
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE granted"
                    " AND locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = %s",
                    (key,),
                )
            await saved(postgres_url, record_alerts(postgres_url, ["warning"])[-1])

    assert sorted(first.subjects + second.subjects) == ["n1", "n2", "n3"]


async def test_a_removed_notifier_is_told_nothing_more(postgres_url: str) -> None:
    hand, log = Hand(), PostgresAlertLog(postgres_url)
    names = ("phone", "witness")
    async with working(
        postgres_url, hand.deliver, *(Notifier(name=name, url="json://h/") for name in names)
    ):
        await log.forget("phone")
        raised = record_alerts(postgres_url, ["warning"])
        await saved(postgres_url, raised[-1], "witness")
        assert [state.name for state in await log.states()] == ["witness"]
        # Added again, it begins at the head, whatever it missed.
        await log.begin_anew("phone")
        assert position(postgres_url) == raised[-1]
    await log.close()

    assert hand.tries == 1


async def test_an_alert_that_cannot_be_read_is_told_as_such_and_holds_up_nothing(
    postgres_url: str,
) -> None:
    hand = Hand()
    async with working(postgres_url, hand.deliver):
        hand.answers.clear()
        positions = record_alerts(postgres_url, ["warning", "warning", "warning"])
        with saboteur(postgres_url) as connection:
            connection.execute(
                "UPDATE plimsoll.events SET state = '{}' WHERE notification_id = %s",
                (positions[1],),
            )
        hand.answers.set()
        await saved(postgres_url, positions[-1])

    assert "[Plimsoll paper] CRITICAL unreadable" in hand.titles
    assert hand.subjects[-1] == "n3"


async def test_a_failing_notifier_is_in_the_tables_with_its_reason(postgres_url: str) -> None:
    hand, log = Hand(), PostgresAlertLog(postgres_url)
    hand.trouble = "service was busy"
    async with working(postgres_url, hand.deliver):
        [raised] = record_alerts(postgres_url, ["warning"])
        await hand.until(lambda: hand.tries >= 3)
        [state] = await log.states()
        assert (state.trouble, state.sent_at) == ("service was busy", None)
        assert state.failures >= 2
        assert state.failing_since is not None
        assert len(await log.after("phone")) == 1
        hand.trouble = ""
        await saved(postgres_url, raised)
    [state] = await log.states()
    await log.close()

    assert (state.failures, state.failing_since, state.trouble) == (0, None, "")


async def test_no_notifier_is_no_work() -> None:
    log = PostgresAlertLog("postgresql://nobody@127.0.0.1:1/nothing")
    couriers = Couriers((), CourierDeps(source=log, clock=SystemClock(), deliver=Hand().deliver))

    await couriers.begin()

    assert (bool(couriers), couriers.word(), couriers.states()) == (False, "none", ())


async def test_a_log_that_does_not_answer_says_so() -> None:
    log = PostgresAlertLog("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(LogUnavailable, match="could not be read"):
        await log.waiting("phone")


def test_the_next_alert_is_found_by_the_index_of_alerts(postgres_url: str) -> None:
    question = ALERTS_AFTER.replace("$1", "'phone'").replace("$2", "500")
    with owner(postgres_url) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute("EXPLAIN " + question).fetchall()

    assert "events_alerts_idx" in str(plan)
