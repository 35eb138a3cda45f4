"""Holdings: baseline once, dust by its total, differences told once, each thing counted once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain import holdings
from domain.holding_terms import (
    AdoptedPart,
    AdoptedTrade,
    Balance,
    Discrepancy,
    Dust,
    FundingShare,
    HeldPosition,
    PendingFee,
    PriceSource,
    position_key,
)
from domain.holdings import (
    ADOPTED_TRADES_MAX,
    FUNDING_IDS_MAX,
    AdoptPosition,
    BalanceRecorded,
    BaselineChanged,
    BaselineTaken,
    ClearDiscrepancy,
    DeferFee,
    DiscrepancyCleared,
    DiscrepancyFound,
    DustChanged,
    FeeDeferred,
    FeeValued,
    FundingRecorded,
    Holdings,
    HoldingsOpened,
    MoveBaseline,
    OpenHoldings,
    PositionAdopted,
    RecordBalance,
    RecordDiscrepancy,
    RecordDust,
    RecordFunding,
    TakeBaseline,
    ValueFee,
)
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
OPENED = HoldingsOpened(state=Holdings())
KEY = position_key(BTC, "both")
FEE = PendingFee(leg_id="g1-p0-l0", trade_id="7", fee=D("0.01"), asset="BNB")


def found(expected: str, seen: str, **changes: Any) -> Discrepancy:
    fields = {"symbol": BTC, "detail": "positions differ", "seen_at": NOON, **changes}
    return Discrepancy(expected=D(expected), seen=D(seen), **fields)


def taken(quantity: str = "3") -> BaselineTaken:
    position = HeldPosition(symbol=BTC, side="both", quantity=D(quantity))
    return BaselineTaken(positions=(position,), taken_at=NOON)


def adopted(
    trade_id: str = "7", quantity: str = "1", number: int = 1, priced_by: PriceSource = "trade"
) -> PositionAdopted:
    part = AdoptedPart(
        leg_id="g1-p0-l0",
        trade_id=trade_id,
        number=number,
        price=D(90),
        quantity=D(quantity),
        traded_at=NOON,
    )
    return PositionAdopted(
        symbol=BTC,
        side="both",
        quantity=D(quantity),
        priced_by=priced_by,
        parts=(part,),
        adopted_at=NOON,
    )


def funding(number: int = 1) -> FundingRecorded:
    return FundingRecorded(
        funding_id=f"f{number}",
        symbol=BTC,
        side="both",
        amount=D(-2),
        asset="USDT",
        value=D(-2),
        shares=(FundingShare(group_id="g1", amount=D(-2)),),
        reason="",
        settled_at=NOON,
    )


def test_a_day_opens_with_the_whole_state_of_the_day_before() -> None:
    yesterday = given(holdings, OPENED, taken(), funding()).state

    state = (
        given(holdings).when(OpenHoldings(state=yesterday)).then(HoldingsOpened(state=yesterday))
    )

    assert state == yesterday


def test_the_baseline_is_taken_once_in_an_accounts_life() -> None:
    state = given(holdings, OPENED).when(TakeBaseline(taken=taken())).then(taken())

    assert (state.baseline, state.foreign(BTC), state.foreign(ETH)) == ({KEY: D(3)}, 3, 0)
    given(holdings, OPENED, taken()).when(TakeBaseline(taken=taken("9"))).then_nothing()


def test_the_first_look_at_an_account_without_anything_is_a_look_too() -> None:
    empty = BaselineTaken(positions=(), taken_at=NOON)

    state = given(holdings, OPENED).when(TakeBaseline(taken=empty)).then(empty)

    assert state.baseline_at == NOON


def test_a_baseline_moves_by_the_difference_and_leaves_the_books_at_zero() -> None:
    fields: dict[str, Any] = {"symbol": BTC, "side": "both", "reason": "sold", "actor": "engine"}
    less = BaselineChanged(**fields, amount=D(-1), total=D(2))

    given(holdings, OPENED, taken()).when(MoveBaseline(**fields, total=D(2))).then(less)
    state = (
        given(holdings, OPENED, taken(), less)
        .when(MoveBaseline(**fields, total=D(0)))
        .then(BaselineChanged(**fields, amount=D(-2), total=D(0)))
    )
    assert state.baseline == {}


def test_long_and_short_foreign_positions_do_not_cancel_out() -> None:
    sides = (
        HeldPosition(symbol=BTC, side="long", quantity=D(3)),
        HeldPosition(symbol=BTC, side="short", quantity=D(-3)),
    )

    state = given(holdings, OPENED, BaselineTaken(positions=sides, taken_at=NOON)).state

    assert state.foreign(BTC) == D(6)


def test_dust_grows_by_what_was_written_off_and_leaves_the_books_at_zero() -> None:
    fields: dict[str, Any] = {"symbol": BTC, "side": "both", "reason": "too small"}
    first = DustChanged(**fields, amount=D("0.2"), total=D("0.2"), value=D(20))
    second = DustChanged(**fields, amount=D("0.1"), total=D("0.3"), value=D(29))

    given(holdings, OPENED).when(RecordDust(**fields, total=D("0.2"), value=D(20))).then(first)
    state = (
        given(holdings, OPENED, first)
        .when(RecordDust(**fields, total=D("0.3"), value=D(29)))
        .then(second)
    )
    assert state.dust == {KEY: Dust(quantity=D("0.3"), value=D(29))}
    gone = RecordDust(**fields, total=D(0), value=D(0))
    assert given(holdings, OPENED, first, second).when(gone).state.dust == {}


def test_a_difference_is_told_once_and_again_when_it_changed() -> None:
    first = DiscrepancyFound(discrepancy=found("1", "2"))

    state = given(holdings, OPENED).when(RecordDiscrepancy(discrepancy=found("1", "2"))).then(first)
    assert state.disputes(BTC) == (found("1", "2"),)
    assert state.disputes(ETH) == ()
    given(holdings, OPENED, first).when(RecordDiscrepancy(discrepancy=found("1", "3"))).then(
        DiscrepancyFound(discrepancy=found("1", "3"))
    )


def test_in_hedge_mode_each_side_of_a_symbol_is_disputed_by_itself() -> None:
    sides = [found("1", "0", side="long"), found("-1", "0", side="short")]
    past = [DiscrepancyFound(discrepancy=one) for one in sides]
    cleared = DiscrepancyCleared(symbol=BTC, side="long", reason="agreed", actor="engine")

    state = given(holdings, OPENED, *past).when(ClearDiscrepancy(cleared=cleared)).then(cleared)

    assert state.disputes(BTC) == (sides[1],)


def test_what_agrees_needs_no_clearing_and_no_adoption() -> None:
    cleared = DiscrepancyCleared(symbol=BTC, reason="they agree", actor="engine")

    given(holdings, OPENED).when(ClearDiscrepancy(cleared=cleared)).then_nothing()
    given(holdings, OPENED).when(AdoptPosition(adopted=adopted())).then_nothing()


def test_an_adoption_settles_its_difference_and_remembers_the_trades() -> None:
    missing = DiscrepancyFound(discrepancy=found("2", "1"))

    state = given(holdings, OPENED, missing).when(AdoptPosition(adopted=adopted())).then(adopted())

    assert state.discrepancies == {}
    one = AdoptedTrade(symbol=BTC, trade_id="7", quantity=D(1), parts=1)
    assert state.adopted_trades == (one,)
    again = fold(holdings, [adopted(quantity="0.5", number=2)], state)
    both = AdoptedTrade(symbol=BTC, trade_id="7", quantity=D("1.5"), parts=2)
    assert again.adopted_trades == (both,)


def test_the_mark_is_no_trade_that_could_be_used_up() -> None:
    state = given(holdings, OPENED, adopted(priced_by="mark")).state

    assert state.adopted_trades == ()


def test_only_so_many_adopted_trades_are_remembered_the_newest() -> None:
    past = [adopted(str(number)) for number in range(ADOPTED_TRADES_MAX + 2)]

    known = given(holdings, OPENED, *past).state.adopted_trades

    assert len(known) == ADOPTED_TRADES_MAX
    assert (known[0].trade_id, known[-1].trade_id) == ("2", str(ADOPTED_TRADES_MAX + 1))


def test_a_part_that_is_not_the_first_of_its_trade_has_an_id_of_its_own() -> None:
    (first,), (second,) = adopted().parts, adopted(number=2).parts

    assert (first.counted_as, second.counted_as) == ("7", "7/2")


def test_a_balance_is_recorded_by_currency_when_it_changed() -> None:
    seen = BalanceRecorded(currency="USDT", total=D(1000), free=D(900))
    other = BalanceRecorded(currency="BNB", total=D(1), free=D(1))

    given(holdings, OPENED).when(RecordBalance(recorded=seen)).then(seen)
    state = given(holdings, OPENED, seen).when(RecordBalance(recorded=other)).then(other)

    assert state.balances["USDT"] == Balance(total=D(1000), free=D(900))


def test_funding_is_counted_once_by_its_id() -> None:
    given(holdings, OPENED).when(RecordFunding(recorded=funding())).then(funding())
    given(holdings, OPENED, funding()).when(RecordFunding(recorded=funding())).then_nothing()
    given(holdings, OPENED, funding()).when(RecordFunding(recorded=funding(2))).then(funding(2))


def test_only_so_many_funding_ids_are_remembered_the_newest() -> None:
    past = [funding(number) for number in range(FUNDING_IDS_MAX + 2)]

    known = given(holdings, OPENED, *past).state.funding_ids

    assert len(known) == FUNDING_IDS_MAX
    assert (known[0], known[-1]) == ("f2", f"f{FUNDING_IDS_MAX + 1}")


def test_a_fee_waits_until_it_is_valued_once() -> None:
    deferred = FeeDeferred(pending=FEE)
    valued = FeeValued(pending=FEE, fee_value=D(6))

    waiting = given(holdings, OPENED).when(DeferFee(pending=FEE)).then(deferred)
    assert waiting.pending_fees == {FEE.key: FEE}
    state = (
        given(holdings, OPENED, deferred).when(ValueFee(pending=FEE, fee_value=D(6))).then(valued)
    )
    assert state.pending_fees == {}
    given(holdings, OPENED).when(ValueFee(pending=FEE, fee_value=D(6))).then_nothing()


def test_holdings_never_opened_are_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="were never opened"):
        given(holdings).when(DeferFee(pending=FEE))
    with pytest.raises(AssertionError, match="begin with HoldingsOpened"):
        fold(holdings, [taken()])


def test_a_difference_is_what_the_venue_holds_beyond_the_books() -> None:
    later = NOON + timedelta(seconds=10)

    assert found("2", "0.5", seen_at=later).difference == D("-1.5")
    assert found("-2", "-3").difference == D(-1)
