"""Orders, signals and decisions as rows: one each, as they stood at the end of the range."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from application.decision_history import DecisionRecord, decisions_between
from application.order_history import OrderRow, orders_between
from application.rowfile import Format, write_rows
from application.signal_history import SignalRecord, judgements_between, signals_between
from domain.gate import RuleCheck
from domain.order import OrderRejected
from domain.risk_engine import RiskDenied
from domain.trading_day import InputFailed, SignalJudged
from tests.projections.story import MORNING, D, Story, opened_account, read, signal
from tests.projections.trading import (
    GROUP,
    accepted,
    entered,
    leg_name,
    opened_group,
    proposal,
    requested_close,
    whole_trade,
)

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def test_an_order_is_one_row_with_its_last_known_state() -> None:
    rows = {
        row.client_order_id: row for row in orders_between(whole_trade().events, MORNING, FOREVER)
    }
    assert list(rows) == ["E0", "E1", "X0"]
    entry = rows["E0"]
    assert (entry.status, entry.filled, entry.venue_order_id) == ("filled", D("0.01"), "v-E0")
    assert (entry.group, entry.pyramid, entry.leg) == (GROUP, 0, 0)
    assert rows["E1"].status == "open"
    assert rows["X0"].changed_at > rows["X0"].at


def test_an_order_of_a_past_range_keeps_the_state_of_its_end() -> None:
    story = whole_trade()
    filled = next(e for e in story.events if e.event.NAME == "order.filled.v1")
    rows = list(orders_between(story.events, MORNING, filled.at))
    assert [(row.client_order_id, row.status) for row in rows] == [("E0", "open"), ("E1", "open")]
    cut = [event for event in story.events if event.at < filled.at]
    assert rows == list(orders_between(cut, MORNING, filled.at))


def test_a_rejected_order_says_why() -> None:
    story = opened_group(opened_account(Story()))
    story.then(OrderRejected(client_order_id="E0", code="-2019", message="Margin is insufficient."))
    first, _ = orders_between(story.events, MORNING, FOREVER)
    assert (first.status, first.detail) == ("rejected", "-2019: Margin is insufficient.")


def test_a_stop_is_one_row_with_the_price_it_waits_for() -> None:
    story = entered(opened_group(opened_account(Story())))
    requested_close(story, D("0.01"), purpose="stop", trigger_price=D(58000), position_side="long")
    (*_, stop) = orders_between(story.events, MORNING, FOREVER)
    assert (stop.purpose, stop.price, stop.trigger_price) == ("stop", None, D(58000))
    assert (stop.position_side, stop.pyramid, stop.leg) == ("long", None, None)


def test_an_order_that_was_never_requested_is_refused_by_name() -> None:
    events = [e for e in whole_trade().events if e.event.NAME != "order.requested.v1"]
    with pytest.raises(ValueError, match="order E0, which was never requested"):
        list(orders_between(events, MORNING, FOREVER))


def test_a_signal_is_one_row_and_its_judgements_are_the_ledger() -> None:
    story = opened_group(opened_account(Story()))
    waits = SignalJudged(signal_id="s2", outcome="queued", reason="max_open_groups")
    signal(story, "s2").then(read("s2"), waits)
    story.wait(hours=1).then(SignalJudged(signal_id="s2", outcome="expired"))
    signal(story, "s3").then(InputFailed(error="odd", fingerprint="f"))
    accepted(story, "E0").then(InputFailed(error="odd", fingerprint="f"))
    rows = list(signals_between(story.events, MORNING, FOREVER))
    assert [(row.signal_id, row.outcome, row.group) for row in rows] == [
        ("s1", "admitted", GROUP),
        ("s2", "expired", ""),
        ("s3", "rejected", ""),
    ]
    judged = list(judgements_between(story.events, MORNING, FOREVER))
    assert [(row.signal_id, row.outcome) for row in judged] == [
        ("s1", "admitted"),
        ("s2", "queued"),
        ("s2", "expired"),
    ]
    early = list(signals_between(story.events, MORNING, MORNING + timedelta(minutes=30)))
    assert early[-1].outcome == "queued"


def test_a_decision_is_one_row_with_its_whole_receipt() -> None:
    story = opened_group(opened_account(Story()))
    failed = RuleCheck(rule="max_daily_loss", value="510", limit="500", passed=False)
    story.then(
        RiskDenied(
            proposal=proposal("s2"), reason="max_daily_loss", transient=True, receipt=(failed,)
        )
    )
    approved, denied = decisions_between(story.events, MORNING, FOREVER)
    assert (approved.approved, approved.reason, approved.reserve) == (True, "", D(1190))
    assert (denied.approved, denied.reason, denied.transient) == (False, "max_daily_loss", True)
    assert msgspec.json.decode(denied.receipt) == [
        {"rule": "max_daily_loss", "value": "510", "limit": "500", "passed": False}
    ]
    assert leg_name(0).startswith(denied.group)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_history_is_written_with_a_column_a_field(form: Format) -> None:
    events = whole_trade().events
    histories: Sequence[tuple[type[msgspec.Struct], list]] = [
        (OrderRow, list(orders_between(events, MORNING, FOREVER))),
        (SignalRecord, list(signals_between(events, MORNING, FOREVER))),
        (DecisionRecord, list(decisions_between(events, MORNING, FOREVER))),
    ]
    for row_type, rows in histories:
        out = io.BytesIO()
        assert write_rows(rows, row_type, form, out).rows == len(rows) > 0
        lines = out.getvalue().decode().splitlines()
        if form == "csv":
            assert lines[0] == ",".join(row_type.__struct_fields__)
        else:
            assert list(msgspec.json.decode(lines[0])) == list(row_type.__struct_fields__)
