"""Signals: what a body wants, as a trader means it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import PositionSide
from domain.signal import BodyProblem, Signal, read_signal
from domain.webhook_body import Body, IntentFields, parse_body

D = Decimal

ALERT: dict[str, dict[str, Any] | str] = {
    "secret": "",
    "source": "tradingview",
    "timestamp": "2026-01-05T10:00:00Z",
    "tv": {
        "exchange": "BINANCE",
        "symbol": "BTCUSDT.P",
        "timeframe": "15",
        "action": "buy",
        "market_position": "long",
        "market_position_size": "0.1",
        "prev_market_position": "flat",
        "prev_market_position_size": "0",
        "entry_price": "60000",
        "close_price": "60001",
        "order_size": "0.1",
    },
    "strategy_info": {"trade_id": "Long", "alert_name": "grid", "alert_message": "{{plot_0}}"},
    "execution_intent": {
        "type": "signal",
        "side": "buy",
        "position_size_type": "contracts",
        "amount": "0.1",
        "precision_mode": "auto",
        "strategy": "grid",
    },
    "risk": {"stop_loss": None, "take_profit": None, "max_slippage_percent": "0.5"},
}


def read(**changes: Any) -> Signal | BodyProblem:
    """Read the alert with changes: `tv__action=None` or `timestamp=…`."""
    document = json.loads(json.dumps(ALERT))
    for path in sorted(changes):
        section, _, field = path.partition("__")
        target = document[section] if field else document
        target[field or section] = changes[path]
    return read_signal(parse_body(json.dumps(document)))


def signal(**changes: Any) -> Signal:
    answer = read(**changes)
    assert isinstance(answer, Signal), answer
    return answer


def problem_field(**changes: Any) -> str:
    answer = read(**changes)
    assert isinstance(answer, BodyProblem), answer
    return answer.field


def test_an_alert_is_read_as_an_entry() -> None:
    assert signal() == Signal(
        kind="entry",
        symbol="BTCUSDT.P",
        timeframe="15",
        side="long",
        price=D(60000),
        timestamp=datetime(2026, 1, 5, 10, tzinfo=UTC),
        amount=D("0.1"),
        amount_unit="contracts",
        market_position="long",
        market_position_size=D("0.1"),
        prev_market_position="flat",
        prev_market_position_size=D(0),
        max_slippage_percent=D("0.5"),
    )


@pytest.mark.parametrize(
    ("written", "kind", "side"),
    [
        ("long", "signal", "long"),
        ("short", "signal", "short"),
        ("buy", "signal", "long"),
        ("SELL", "signal", "short"),
        ("long", "exit", "long"),
        ("short", "exit", "short"),
        ("sell", "exit", "long"),
        ("buy", "exit", "short"),
        ("sell", "reduce", "long"),
        ("buy", "reverse", "long"),
        ("sell", "reverse", "short"),
    ],
)
def test_long_and_short_name_the_group_and_buy_and_sell_the_order(
    written: str, kind: str, side: PositionSide
) -> None:
    changes = {"execution_intent__type": kind, "execution_intent__side": written}

    assert signal(**changes).side == side


def test_an_absent_side_is_read_from_the_action() -> None:
    changes = {"execution_intent__side": None, "tv__action": "sell"}

    assert signal(**changes).side == "short"
    assert signal(**changes, execution_intent__type="exit").side == "long"


def test_an_exit_without_side_and_timeframe_is_for_both_sides_and_all_timeframes() -> None:
    bare = signal(
        execution_intent__type="exit",
        execution_intent__side=None,
        tv__action=None,
        tv__timeframe=None,
    )

    assert (bare.kind, bare.side, bare.timeframe) == ("exit", None, None)


@pytest.mark.parametrize("kind", ["signal", "reduce", "reverse", "exit"])
def test_a_flat_market_position_makes_every_type_an_exit(kind: str) -> None:
    flat = signal(
        execution_intent__type=kind, tv__market_position="flat", execution_intent__side="sell"
    )

    assert (flat.kind, flat.side) == ("exit", "long")


def test_nothing_but_its_scope_is_demanded_of_an_exit() -> None:
    battered = signal(
        execution_intent__type="exit",
        execution_intent__amount="all",
        timestamp="yesterday",
        tv__entry_price="NaN",
        tv__close_price="{{close}}",
        tv__market_position="{{strategy.market_position}}",
        tv__market_position_size="-",
        risk__stop_loss="?",
    )

    assert (battered.kind, battered.price, battered.timestamp) == ("exit", None, None)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("tv__symbol", "tv.symbol"),
        ("tv__timeframe", "tv.timeframe"),
        ("execution_intent__side", "execution_intent.side"),
    ],
)
def test_an_exit_whose_scope_cannot_be_read_is_a_problem(path: str, field: str) -> None:
    assert problem_field(**{"execution_intent__type": "exit", path: "{{x}}"}) == field


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("timestamp", "timestamp"),
        ("idempotency_key", "idempotency_key"),
        ("tv__symbol", "tv.symbol"),
        ("tv__exchange", "tv.exchange"),
        ("tv__entry_price", "tv.entry_price"),
        ("execution_intent__type", "execution_intent.type"),
        ("risk__stop_loss", "risk.stop_loss"),
    ],
)
def test_an_unreplaced_placeholder_is_named_by_its_field(path: str, field: str) -> None:
    assert problem_field(**{path: "x{{strategy.order.action}}"}) == field


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("execution_intent__type", "buy", "execution_intent.type"),
        ("execution_intent__side", "up", "execution_intent.side"),
        ("tv__timeframe", "fast", "tv.timeframe"),
        ("tv__market_position", "none", "tv.market_position"),
        ("tv__entry_price", "NaN", "tv.entry_price"),
        ("tv__entry_price", "1_000", "tv.entry_price"),
        ("tv__entry_price", "0", "tv.entry_price"),
        ("tv__close_price", "-1", None),
        ("tv__prev_market_position_size", "-1", "tv.prev_market_position_size"),
        ("timestamp", "yesterday", "timestamp"),
        ("timestamp", "12345", "timestamp"),
        ("risk__stop_loss", "-5", "risk.stop_loss"),
    ],
)
def test_an_unreadable_value_of_an_entry_is_named_by_its_field(
    path: str, value: str, field: str | None
) -> None:
    answer = read(**{path: value})

    assert (answer.field if isinstance(answer, BodyProblem) else None) == field


def test_the_price_is_the_entry_price_else_the_close_else_the_mark() -> None:
    assert signal().price == D(60000)
    assert signal(tv__entry_price=None).price == D(60001)
    assert signal(tv__entry_price="", tv__close_price=None).price is None
    assert signal(tv__entry_price=60000.5).price == D("60000.5")


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T10:00:00Z",
        "2026-01-05T12:00:00+02:00",
        "2026-01-05 10:00:00",
        "1767607200",
        1767607200,
        "1767607200000",
        "1767607200000000",
    ],
)
def test_a_timestamp_may_be_iso_or_since_1970(written: str | int) -> None:
    assert signal(timestamp=written).timestamp == datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_timeframes_are_canonical() -> None:
    assert signal(tv__timeframe="1H").timeframe == signal(tv__timeframe=60).timeframe == "60"


def test_the_alerts_size_never_keeps_an_entry_from_being_one() -> None:
    assert signal(execution_intent__amount="lots").amount is None


def test_a_reduce_needs_an_amount_or_both_position_sizes() -> None:
    reduce = {"execution_intent__type": "reduce", "execution_intent__amount": None}
    by_sizes = signal(**reduce, tv__prev_market_position_size="0.4")

    assert by_sizes.reduced_part == D("0.75")
    assert problem_field(**reduce) == "execution_intent.amount"
    assert problem_field(**{**reduce, "execution_intent__amount": "0"}) == "execution_intent.amount"
    assert signal(execution_intent__type="reduce").amount == D("0.1")


def test_an_order_against_a_position_that_only_shrinks_is_a_reduction_and_no_entry() -> None:
    scaled_out = signal(
        tv__action="sell",
        execution_intent__side="sell",
        tv__market_position_size="0.1",
        tv__prev_market_position="long",
        tv__prev_market_position_size="0.3",
    )

    assert (scaled_out.kind, scaled_out.side) == ("reduce", "long")
    assert scaled_out.reduced_part is not None
    assert (scaled_out.amount, scaled_out.amount_unit) == (None, None)


SHRUNK = {
    "tv__market_position": "short",
    "tv__market_position_size": "0.1",
    "tv__prev_market_position": "short",
    "tv__prev_market_position_size": "0.3",
}


@pytest.mark.parametrize(
    ("changes", "kind", "side"),
    [
        ({"tv__action": "buy", "execution_intent__side": "buy"}, "reduce", "short"),
        # The side may name the position that is kept: the action is what opposes it.
        ({"tv__action": "buy", "execution_intent__side": "short"}, "reduce", "short"),
        ({"tv__action": "buy", "execution_intent__side": None}, "reduce", "short"),
        ({"tv__action": None, "execution_intent__side": "buy"}, "reduce", "short"),
        ({"tv__prev_market_position": None, "tv__action": "buy"}, "reduce", "short"),
        ({"tv__action": "sell", "execution_intent__side": "sell"}, "entry", "short"),
        ({"tv__action": "buy", "tv__market_position_size": "0.3"}, "entry", "long"),
        ({"tv__action": "buy", "tv__market_position_size": "0.4"}, "entry", "long"),
        ({"tv__action": "buy", "tv__prev_market_position_size": None}, "entry", "long"),
        # Turned around: what is smaller now is another position than before.
        (
            {
                "tv__action": "buy",
                "tv__prev_market_position": "long",
                "tv__market_position": "long",
            },
            "entry",
            "long",
        ),
        (
            {"tv__action": "sell", "tv__prev_market_position": "long"},
            "entry",
            "long",
        ),
    ],
)
def test_what_is_a_partial_sale_of_a_strategy_and_what_is_not(
    changes: dict[str, Any], kind: str, side: PositionSide
) -> None:
    read = signal(**{**SHRUNK, **changes})

    assert (read.kind, read.side) == (kind, side)


def test_an_exit_that_says_where_it_goes_is_read_by_its_action() -> None:
    went_flat = {
        "execution_intent__type": "exit",
        "execution_intent__side": "flat",
        "tv__market_position": "flat",
    }

    assert signal(**went_flat, tv__action="sell").side == "long"
    assert signal(**went_flat, tv__action=None).side is None
    assert problem_field(execution_intent__side="flat") == "execution_intent.side"


def test_a_growing_position_is_no_reduction() -> None:
    assert signal().reduced_part is None


def test_a_body_built_without_its_checks_is_a_problem_and_no_signal() -> None:
    assert read_signal(Body()) == BodyProblem(
        field="execution_intent.type",
        value="missing",
        remedy="write one of signal, exit, reduce, reverse",
    )
    assert isinstance(read_signal(Body(execution_intent=IntentFields(type="exit"))), BodyProblem)


@given(
    st.datetimes(min_value=datetime(2001, 9, 9, 2), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-12, 14),
)
def test_every_way_to_write_a_moment_is_the_same_moment(moment: datetime, hours: int) -> None:
    at = moment.replace(tzinfo=UTC)
    microseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    elsewhere = at.astimezone(timezone(timedelta(hours=hours)))

    assert signal(timestamp=at.isoformat()).timestamp == at
    assert signal(timestamp=elsewhere.isoformat()).timestamp == at
    assert signal(timestamp=microseconds).timestamp == at


FIELDS = (
    [f"tv__{name}" for name in sorted(ALERT["tv"])]
    + [f"execution_intent__{name}" for name in sorted(ALERT["execution_intent"])]
    + [f"risk__{name}" for name in sorted(ALERT["risk"])]
    + ["timestamp", "idempotency_key"]
)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=1).filter(str.strip), max_size=4))
def test_any_complete_body_is_a_signal_or_a_named_problem(changes: dict[str, str]) -> None:
    answer = read(**changes)

    if isinstance(answer, BodyProblem):
        assert answer.field.replace(".", "__") in FIELDS
        assert answer.remedy
    else:
        assert answer.kind == "exit" or (answer.side and answer.timeframe)
