"""What was found by attacking the emergency stop: false alarms, and what might slip past it."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from domain.equity import DrawdownBreached, EmergencyStopped
from domain.message import MarkSeen
from tests.application.desk import BTC, ETH, Desk, of
from tests.application.drawdown_desk import holding, limited, tick

D = Decimal


def as_seen(desk: Desk) -> dict[str, MarkSeen]:
    """The marks of now, which nobody confirms any more."""
    return dict(desk.marks())


def test_a_single_print_is_looked_at_once_however_often() -> None:
    """A spread torn open for a moment; the feed says nothing for eleven seconds after it."""
    venue = holding()
    venue.move("90")
    assert len(of(tick(venue), DrawdownBreached)) == 1

    happened = tick(venue, seconds=11, marks=as_seen(venue))

    assert of(happened, EmergencyStopped) == []
    assert len(of(tick(venue, seconds=11), EmergencyStopped)) == 1


def test_one_symbol_that_nobody_confirmed_since_keeps_the_second_look_away() -> None:
    venue = holding(BTC, ETH)
    venue.move("80")
    assert len(of(tick(venue), DrawdownBreached)) == 1
    old = as_seen(venue)
    fresh = {s: msgspec.structs.replace(m, at=m.at + timedelta(seconds=11)) for s, m in old.items()}

    assert of(tick(venue, seconds=11, marks={**fresh, BTC: old[BTC]}), EmergencyStopped) == []


def test_where_any_age_will_do_the_second_look_needs_no_newer_mark() -> None:
    venue = holding(settings=limited(max_mark_age_seconds=None))
    venue.move("90")
    assert len(of(tick(venue), DrawdownBreached)) == 1

    happened = tick(venue, seconds=11, marks=as_seen(venue))

    assert len(of(happened, EmergencyStopped)) == 1
