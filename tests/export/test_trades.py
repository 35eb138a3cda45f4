"""Given a log, the export says what was traded, and says it again in the same bytes."""

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.export import TradeRow, trades, trades_between, write_events, write_fills
from application.fifo import FifoBook, Parcel
from application.fills import Fill, fills
from application.journal import GENESIS, JournalMapper, Recorded, seal, verify_chain
from application.manifest import Origin, Span, manifest
from application.rowfile import read_stored, write_rows, write_stored
from domain.dca_leg import LegEntryFilled, LegExitFilled
from domain.identity import pyramid_id
from domain.money import plain
from domain.order import OrderFilled
from domain.settings import Settings
from domain.settings_document import settings_hash
from tests.projections.story import MORNING, SYMBOL, D, Story, opened_account
from tests.projections.trading import (
    GROUP,
    entered,
    leg_name,
    opened_group,
    requested_close,
    whole_trade,
)

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def csv_of(rows: Sequence[TradeRow]) -> tuple[str, str]:
    out = io.BytesIO()
    written = write_rows(rows, TradeRow, "csv", out)
    assert written.rows == len(rows)
    assert written.sha256 == hashlib.sha256(out.getvalue()).hexdigest()
    return out.getvalue().decode(), written.sha256


def test_each_fill_is_one_row_with_its_cause_and_its_profit() -> None:
    entry, leave = trades(whole_trade().events)
    assert (entry.side, entry.purpose, entry.realized_pnl) == ("buy", "entry", None)
    assert (entry.venue, entry.venue_order_id, entry.signal_id) == ("binanceusdm", "v-E0", "s1")
    assert (entry.group, entry.pyramid, entry.leg) == (GROUP, 0, 0)
    assert (leave.side, leave.purpose, leave.event_id) == (
        "sell",
        "take_profit",
        "order:alpha:X0@3",
    )
    assert leave.realized_pnl == leave.fifo_realized_gain == D("5.76")
    assert (leave.fifo_quantity, leave.fifo_cost_basis) == (D("0.01"), D("600.12"))


def test_a_full_close_over_two_legs_is_one_row_with_the_profit_of_both() -> None:
    (*_, row) = trades(two_legs_closed_at_once().events)
    assert (row.purpose, row.pyramid, row.leg) == ("close", None, None)
    assert (row.quantity, row.fee_value) == (D("0.02"), D("0.3"))
    assert row.realized_pnl == D("9.46")
    assert row.fifo_cost_basis == D("600.12") + D("590.12")
    assert row.fifo_realized_gain == D(1200) - D("0.3") - D("1190.24")


def test_fills_have_the_columns_of_the_specification_and_a_close_no_leg() -> None:
    rows = list(fills(two_legs_closed_at_once().events))
    out = io.BytesIO()
    write_rows(rows, Fill, "csv", out)
    lines = list(csv.reader(io.StringIO(out.getvalue().decode())))
    assert ",".join(lines[0]) == (
        "at,symbol,side,price,quantity,fee,fee_asset,liquidity,client_order_id,trade_id,group,"
        "pyramid,leg,purpose"
    )
    assert lines[1][:5] == ["2026-01-05T08:00:00.000000Z", SYMBOL, "buy", "60000", "0.01"]
    assert [line[11:] for line in lines[1:]] == [
        ["0", "0", "entry"],
        ["0", "1", "entry"],
        ["", "", "close"],
    ]
    assert b"\r" not in out.getvalue()


def test_a_reduction_of_one_leg_names_it_and_one_of_several_their_pyramid() -> None:
    story = entered(opened_group(opened_account(Story())))
    pyramid = pyramid_id(GROUP, 0)
    one = {"purpose": "reduce", "pyramid_id": pyramid, "leg_id": leg_name(0)}
    requested_close(story, D("0.004"), **one, covers=(leg_name(0),))
    (*_, row) = trades(story.events)
    (*_, fill) = fills(story.events)
    assert (row.purpose, row.pyramid, row.leg) == ("reduce", 0, 0)
    assert (fill.purpose, fill.pyramid, fill.leg) == ("reduce", 0, 0)
    assert row.fifo_quantity == D("0.004")

    story = entered(opened_group(opened_account(Story())))
    requested_close(story, D("0.004"), purpose="reduce", pyramid_id=pyramid)
    (*_, row) = trades(story.events)
    assert (row.purpose, row.pyramid, row.leg) == ("reduce", 0, None)


def test_a_stop_closes_what_first_came_in() -> None:
    story = entered(opened_group(opened_account(Story())))
    requested_close(story, D("0.01"), purpose="stop", trigger_price=D(60000))
    (*_, row) = trades(story.events)
    (*_, fill) = fills(story.events)
    assert (row.purpose, row.pyramid, row.leg) == ("stop", None, None)
    assert (fill.purpose, fill.pyramid, fill.leg) == ("stop", None, None)
    assert (row.fifo_quantity, row.fifo_cost_basis) == (D("0.01"), D("600.12"))


def test_what_a_spot_venue_keeps_of_a_purchase_is_no_part_of_the_parcel() -> None:
    story = entered(opened_group(opened_account(Story())))
    kept = D("0.00001")
    for place, recorded in enumerate(story.events):
        if isinstance(recorded.event, LegEntryFilled):
            received = msgspec.structs.replace(
                recorded.event,
                quantity=D("0.01") - kept,
                cost=(D("0.01") - kept) * 60000,
                fee_value=kept * 60000,
            )
            story.events[place] = msgspec.structs.replace(recorded, event=received)
    requested_close(story, D("0.01") - kept)
    entry, leave = trades(story.events)
    assert entry.quantity == D("0.01")
    assert leave.fifo_quantity == D("0.00999")
    assert leave.fifo_cost_basis == D(600)


def test_the_same_range_twice_gives_the_same_bytes_also_when_the_log_grew() -> None:
    story = whole_trade()
    end = story.events[-1].at + timedelta(microseconds=1)
    first = csv_of(list(trades_between(story.events, MORNING, end)))
    later = whole_trade(Story("beta")).events
    again = csv_of(list(trades_between([*story.events, *later], MORNING, end)))
    assert again[0].startswith(first[0])
    assert csv_of(list(trades_between(story.events, MORNING, end))) == first


def test_a_range_keeps_the_cost_basis_of_what_was_bought_before_it() -> None:
    story = whole_trade()
    filled = [event for event in story.events if isinstance(event.event, OrderFilled)]
    (row,) = trades_between(story.events, filled[1].at, FOREVER)
    assert row.fifo_cost_basis == D("600.12")
    assert list(trades_between(story.events, filled[1].at, filled[1].at)) == []


def test_json_lines_hold_exact_decimals_as_text() -> None:
    out = io.BytesIO()
    written = write_rows(trades(whole_trade().events), TradeRow, "jsonl", out)
    first, second = (msgspec.json.decode(line) for line in out.getvalue().splitlines())
    assert written.rows == 2
    assert first["price"] == "60000"
    assert first["realized_pnl"] is None
    assert second["fifo_realized_gain"] == "5.76"
    assert list(first) == list(TradeRow.__struct_fields__)


def test_a_log_cut_at_its_beginning_is_refused_with_the_order_it_misses() -> None:
    events = [event for event in whole_trade().events if event.event.NAME != "order.requested.v1"]
    with pytest.raises(ValueError, match="order E0, which was never requested"):
        list(trades(events))


def test_exported_events_verify_without_the_database() -> None:
    mapper = JournalMapper()
    story = whole_trade()
    sealed, head = seal(GENESIS, [mapper.to_stored_event(event) for event in story.events])
    out = io.BytesIO()
    written = write_stored(sealed, out)
    assert written.rows == len(story.events)
    restored = list(read_stored(io.BytesIO(out.getvalue())))
    assert restored == sealed
    verdict = verify_chain(GENESIS, restored)
    assert verdict.intact
    assert verdict.head == head
    assert [mapper.to_domain_event(event) for event in restored] == story.events


def test_an_altered_line_of_exported_events_breaks_the_chain() -> None:
    mapper = JournalMapper()
    sealed, _ = seal(GENESIS, [mapper.to_stored_event(event) for event in whole_trade().events])
    out = io.BytesIO()
    write_stored(sealed, out)
    altered = out.getvalue().replace(b'"60600"', b'"60601"', 1)
    assert altered != out.getvalue()
    assert not verify_chain(GENESIS, list(read_stored(io.BytesIO(altered)))).intact


def test_a_line_that_is_no_event_is_named() -> None:
    with pytest.raises(ValueError, match="line 2 is no event"):
        list(read_stored([b'{"stream":"a:b:c","version":1,"name":"n","state":{}}\n', b"{}\n"]))


def test_the_manifest_names_files_origin_and_span_in_the_same_bytes() -> None:
    out = io.BytesIO()
    written = write_rows(trades(whole_trade().events), TradeRow, "csv", out)
    origin = Origin(
        account="alpha",
        chain_head="ab" * 32,
        software_version="1.0.0",
        settings_hash=settings_hash(Settings()),
    )
    span = Span(start=MORNING, end=FOREVER)
    made = manifest("trades", span, origin, {"trades.csv": written})
    assert made == manifest("trades", span, origin, {"trades.csv": written})
    document = msgspec.json.decode(made)
    assert document["files"]["trades.csv"] == {
        "rows": 2,
        "bytes": len(out.getvalue()),
        "sha256": hashlib.sha256(out.getvalue()).hexdigest(),
    }
    assert document["from"] == "2026-01-05T08:00:00.000000Z"
    assert len(document["settings_hash"]) == 64


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40))
def test_a_written_decimal_is_the_same_number_without_exponent_or_idle_zeros(
    value: Decimal,
) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert not (("." in text) and text.endswith(("0", ".")))


@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=8),
    st.lists(st.integers(1, 1000), min_size=1, max_size=12),
)
def test_first_in_first_out_loses_no_basis_and_counts_none_twice(
    bought: list[int], sold: list[int]
) -> None:
    book = FifoBook()
    for number, quantity in enumerate(bought, start=1):
        parcel = Parcel(quantity=D(quantity), basis=D(quantity) * number / 7)
        book.open(SYMBOL, "long", parcel)
    total = sum((D(quantity) * number / 7 for number, quantity in enumerate(bought, 1)), D(0))
    matched = [book.close(SYMBOL, "long", D(quantity)) for quantity in sold]
    rest = book.close(SYMBOL, "long", D(10**9))
    closed = sum((part.quantity for part in matched), D(0))
    assert closed == min(sum(sold), sum(bought))
    assert closed + rest.quantity == sum(bought)
    basis = sum((part.basis for part in matched), D(0)) + rest.basis
    assert abs(basis - total) <= D("1e-20")
    assert book.close(SYMBOL, "long", D(1)).quantity == 0


def two_legs_closed_at_once() -> Story:
    """Entries at 60 000 and 59 000, both sold at 60 000 by one order, each with half its fee."""
    story = opened_group(opened_account(Story()))
    entered(story)
    entered(story, 1, D(59000))
    requested_close(story, D("0.02"))
    for index, (cost, realized) in enumerate(((D(600), D("-0.27")), (D(590), D("9.73")))):
        story.then(
            LegExitFilled(
                leg_id=leg_name(index),
                client_order_id="C",
                trade_id="t-C",
                price=D(60000),
                quantity=D("0.01"),
                cost=cost,
                entry_fee=D("0.12"),
                fee=D("0.15"),
                fee_asset="USDT",
                fee_value=D("0.15"),
                realized=realized,
                traded_at=MORNING,
            )
        )
    return story


def test_lots_and_first_in_first_out_realize_the_same_once_all_is_closed() -> None:
    events: list[Recorded] = two_legs_closed_at_once().events
    rows = list(trades(events))
    assert sum(row.realized_pnl or 0 for row in rows) == sum(
        row.fifo_realized_gain or 0 for row in rows
    )


def test_a_run_is_written_as_fills_and_as_a_log_that_verifies(tmp_path: Path) -> None:
    story = whole_trade()
    assert write_fills(tmp_path / "fills.csv", story.events).rows == 2
    written = write_events(tmp_path / "events.jsonl", story.events)
    assert written.rows == len(story.events)
    with (tmp_path / "events.jsonl").open("rb") as lines:
        assert verify_chain(GENESIS, list(read_stored(lines))).intact
