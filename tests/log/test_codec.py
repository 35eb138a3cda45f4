"""Whatever an event says, the journal says again, in the same bytes."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, FloatOperation, localcontext
from typing import ClassVar

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.inputs import BalanceSeen, ClockTicked
from application.journal import (
    JournalError,
    JournalMapper,
    Recorded,
    decode_input,
    encode_canonical,
    encode_input,
    event_types,
)
from application.registry import Fields, Upcaster
from domain.message import Event, Input, MarkSeen
from domain.money import DECISION_CONTEXT
from tests.log.story import MORNING, day_stream, pause, stored, ticks
from tests.log.strategies import events

NAMES = sorted(event_types())
ENVELOPE = b'{"at":"2026-01-05T08:00:00Z","causation":"","correlation":"c","event":%s}'


class OrphanHappened(Event, frozen=True, kw_only=True):
    """Defined in a test: no part of the log."""

    NAME: ClassVar[str] = "orphan.happened.v1"


def recorded(event: Event) -> Recorded:
    return Recorded(
        stream=day_stream("paper"),
        version=1,
        event=event,
        at=MORNING,
        causation_id="",
        correlation_id="c",
    )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_event_comes_back_equal_and_in_the_same_bytes(name: str, data: st.DataObject) -> None:
    event = data.draw(events(event_types()[name]))
    mapper = JournalMapper()

    first = mapper.to_stored_event(recorded(event))
    back = mapper.to_domain_event(first)

    assert back == recorded(event)
    assert mapper.to_stored_event(back) == first
    assert first.topic == name


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_every_input_comes_back_from_the_inbox_equal(data: st.DataObject) -> None:
    inputs = [kind for kind in event_types().values() if issubclass(kind, Input)]
    event = data.draw(st.sampled_from(inputs).flatmap(events))
    assert isinstance(event, Input)

    assert decode_input(encode_input(event)) == event


def test_the_stored_form_is_readable_json_in_a_fixed_order() -> None:
    event = BalanceSeen(
        currency="USDT",
        total=Decimal("1.50"),
        free=Decimal("1E-8"),
        marks=(MarkSeen(symbol="BTC/USDT", price=Decimal(90_000), at=MORNING),),
    )

    assert stored([recorded(event)]) == [
        StoredEvent(
            day_stream("paper"),
            1,
            "trading_day.balance_seen.v1",
            b'{"at":"2026-01-05T08:00:00Z","causation":"","correlation":"c","event":{"marks":'
            b'[{"symbol":"BTC/USDT","price":"90000","at":"2026-01-05T08:00:00Z"}],'
            b'"currency":"USDT","total":"1.50","free":"1E-8"}}',
        )
    ]


def test_numbered_dicts_are_stored_sorted_however_they_grew() -> None:
    class Ladder(Event, frozen=True, kw_only=True):
        NAME: ClassVar[str] = "test.ladder.v1"
        rungs: dict[int, Decimal]
        names: dict[str, int]

    one = Ladder(rungs={2: Decimal(1), 10: Decimal(2)}, names={"b": 1, "a": 2})
    other = Ladder(rungs={10: Decimal(2), 2: Decimal(1)}, names={"a": 2, "b": 1})

    assert encode_canonical(one) == encode_canonical(other)
    assert encode_canonical(one) == b'{"rungs":{"10":"2","2":"1"},"names":{"a":2,"b":1}}'


def test_decimals_keep_every_digit_under_the_decision_context() -> None:
    exact = Decimal("123456789012345678901234567890.123456789012345678901234567890")
    event = BalanceSeen(currency="X", total=exact, free=Decimal("-0.00"))
    with localcontext(DECISION_CONTEXT):
        assert DECISION_CONTEXT.traps[FloatOperation]
        back = JournalMapper().to_domain_event(stored([recorded(event)])[0]).event

    assert isinstance(back, BalanceSeen)
    assert back.total.as_tuple() == exact.as_tuple()
    assert back.free.as_tuple() == Decimal("-0.00").as_tuple()


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 5, 8),  # noqa: DTZ001 - the very mistake
        datetime(2026, 1, 5, 8, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_an_event_recorded_at_another_zones_time_is_refused(at: datetime) -> None:
    event = msgspec.structs.replace(ticks(day_stream("paper"), 1)[0], at=at)

    with pytest.raises(JournalError, match="offset of UTC"):
        JournalMapper().to_stored_event(event)


def test_only_recorded_events_are_stored() -> None:
    with pytest.raises(TypeError, match="was object"):
        JournalMapper().to_stored_event(object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("trading_day.of_the_future.v9", ENVELOPE % b"{}"),
        ("trading_day.clock_ticked.v1", ENVELOPE % b'{"due_at":"noon"}'),
        ("trading_day.clock_ticked.v1", b"\xff"),
        ("trading_day.clock_ticked.v1", b""),
    ],
)
def test_an_event_that_cannot_be_read_is_named(topic: str, state: bytes) -> None:
    with pytest.raises(JournalError, match=r"order:paper:x@3 \(trading_day\."):
        JournalMapper().to_domain_event(StoredEvent("order:paper:x", 3, topic, state))


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"name":"x.y.v1","input":{}}'])
def test_an_inbox_payload_that_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(JournalError, match="inbox payload"):
        decode_input(payload)


def test_old_names_are_read_as_the_names_that_replaced_them() -> None:
    def due(fields: Fields) -> Fields:
        return {"due_at": fields["when"], "minute": True}

    def rename(fields: Fields) -> Fields:
        return {"when": fields["t"]}

    upcasters = {
        "clock.ticked.v0": Upcaster(target="clock.ticked.v1", upcast=rename),
        "clock.ticked.v1": Upcaster(target="trading_day.clock_ticked.v1", upcast=due),
    }
    old = StoredEvent(
        day_stream("paper"),
        1,
        "clock.ticked.v0",
        ENVELOPE % b'{"t":"2026-01-05T08:00:00Z"}',
    )

    back = JournalMapper(upcasters).to_domain_event(old)

    assert back == recorded(ClockTicked(due_at=MORNING, minute=True))


def test_names_follow_the_pattern_and_events_of_tests_are_no_part_of_the_log() -> None:
    for name in NAMES:
        aggregate, happened, version = name.split(".")
        assert aggregate.isidentifier()
        assert happened.isidentifier()
        assert version[0] == "v"
        assert int(version[1:]) >= 1
    assert OrphanHappened.NAME not in event_types()


def test_a_recorded_event_names_itself_and_its_account() -> None:
    event = recorded(pause())

    assert event.event_id == "trading_day:paper:2026-01-05@1"
    assert event.account == "paper"
    assert (event.originator_id, event.originator_version) == (event.stream, event.version)
    assert event.at.tzinfo is UTC


def test_the_bytes_do_not_depend_on_the_process() -> None:
    program = (
        "from tests.log.story import *;"
        "import sys; sys.stdout.buffer.write(stored(ticks(day_stream('a'), 1))[0].state)"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }

    assert written == {stored(ticks(day_stream("a"), 1))[0].state}
