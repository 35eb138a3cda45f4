"""Markets whose rules are not known yet: an entry holds slot and capital, and waits for them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.memory_log import MemoryEventLog
from application.book import Book
from application.engine import AccountEngine
from application.inputs import AccountRegistered, InstrumentsSeen, SettingsSubmitted
from domain.dca_leg import LegPlanned
from domain.instrument import Instrument
from domain.order import OrderRequested
from domain.position_group import PositionGroupClosed, PositionGroupOpened, PyramidAdmitted
from domain.pyramid import PyramidPlanned
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import (
    CapitalSettings,
    FallbackRules,
    GridSettings,
    PoolSettings,
    PrecisionSettings,
    RiskSettings,
    Settings,
)
from domain.waiting_entry import EntryAwaited, EntryAwaitEnded
from tests.application.desk import ACCOUNT, BTC, MARKETS, PROMPT, Desk, market, names, of
from tests.application.invariants import check_record

D = Decimal
UNKNOWN = market("BTC", tick=D(0), step=D(0), min_quantity=D(0), min_notional=D(0))
KNOWN = market("BTC")
RULES = FallbackRules(tick=D(1), step=D("0.1"), min_quantity=D("0.1"), min_notional=D(5))


def with_settings(**parts: Any) -> Settings:
    return msgspec.structs.replace(PROMPT, **parts)


def waiting_desk(settings: Settings = PROMPT, price: str = "101") -> Desk:
    """A desk whose venue lists BTC without its rules."""
    return Desk(settings, price=price, markets=(UNKNOWN, *MARKETS[1:]))


def tell(desk: Desk, *instruments: Instrument) -> list[Any]:
    """The venue tells its rules."""
    for instrument in instruments:
        desk.core.add_instrument(instrument)
    return desk.feed(InstrumentsSeen(instruments=instruments))


def test_an_entry_passes_the_gate_with_its_whole_capital_and_waits() -> None:
    desk = waiting_desk()

    happened = desk.signal()

    assert desk.outcome() == ("admitted", "approved")
    assert len(of(happened, PositionGroupOpened)) == len(of(happened, PyramidAdmitted)) == 1
    assert of(happened, PyramidPlanned) == []
    assert of(happened, LegPlanned) == []
    assert of(happened, OrderRequested) == []
    (awaited,) = of(happened, EntryAwaited)
    assert (awaited.capital, awaited.entry_price) == (D(1000), D(100))
    assert desk.book.risk.committed(BTC) == D(1000)
    assert set(desk.book.risk.commitments) == {awaited.pyramid_id}
    assert len(desk.book.risk.slots) == 1
    (event,) = of(happened, RiskApproved)
    assert "missing" in {c.value for c in event.receipt if c.rule == "market_rules"}


def test_once_the_rules_come_it_is_laid_out_with_the_capital_it_held() -> None:
    desk = waiting_desk()
    desk.signal()

    happened = tell(desk, KNOWN)

    legs = of(happened, LegPlanned)
    assert [(leg.price, leg.quantity) for leg in legs] == [
        (D(100), D(2)),
        (D("99.5"), D("2.01")),
        (D(99), D("2.02")),
        (D("98.5"), D("2.03")),
        (D(98), D("2.04")),
    ]
    (ended,) = of(happened, EntryAwaitEnded)
    assert ended.laid_out
    assert desk.book.risk.committed() == sum(leg.price * leg.quantity for leg in legs)
    assert {leg.leg_id for leg in legs} == set(desk.book.risk.commitments)
    assert len(desk.working("entry")) == 5
    assert desk.outcome() == ("admitted", "approved")
    assert of(happened, PositionGroupOpened) == []
    desk.wait(hours=1)
    assert desk.group().is_open


def test_its_own_reservation_and_slot_are_not_counted_twice() -> None:
    tight = with_settings(
        pool=PoolSettings(max_open_groups=1, pyramids_need_slot=True),
        risk=RiskSettings(max_committed_capital=D(1000), max_open_groups_per_symbol=1),
    )
    desk = waiting_desk(tight)
    desk.signal()

    tell(desk, KNOWN)

    assert of(desk.recorded, RiskDenied) == []
    assert len(desk.legs()) == 5


def test_what_others_hold_counts_against_it() -> None:
    desk = waiting_desk(with_settings(pool=PoolSettings(max_open_groups=2)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    limit = with_settings(risk=RiskSettings(max_committed_capital=D(1500)))
    desk.feed(SettingsSubmitted(settings=limit, actor="ann", reason="less"))

    tell(desk, KNOWN)

    first = of(desk.recorded, EntryAwaited)[0].signal_id
    assert desk.outcome(first) == ("refused", "max_committed_capital")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"risk": RiskSettings(max_committed_capital=D(500))}, "refused"),
        ({"risk": RiskSettings(symbols_allowed=("ETH/USDT:USDT",))}, "rejected"),
    ],
)
def test_denied_by_then_the_group_closes_with_the_reason(change: Any, outcome: str) -> None:
    desk = waiting_desk()
    desk.signal()
    desk.feed(SettingsSubmitted(settings=with_settings(**change), actor="ann", reason="less"))

    tell(desk, KNOWN)

    (denied,) = of(desk.recorded, RiskDenied)
    assert desk.outcome() == (outcome, denied.reason)
    check_closed(desk, denied.reason)


def check_closed(desk: Desk, reason: str) -> None:
    """Nothing is held any more, and nothing waits in the queue either."""
    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.reason == reason
    assert desk.book.open_groups() == ()
    assert desk.book.risk.slots == {}
    assert desk.book.risk.commitments == {}
    assert desk.book.queue.waiting == ()
    assert of(desk.recorded, OrderRequested) == []
    check_record(desk)


def test_all_legs_undersized_by_then_it_is_rejected_naming_the_smallest_budget() -> None:
    desk = waiting_desk()
    desk.signal()

    tell(desk, market("BTC", min_notional=D(300)))

    outcome, reason = desk.outcome()
    assert outcome == "rejected"
    assert reason.endswith("give it at least 1500")
    check_closed(desk, reason)


def test_too_long_without_rules_it_expires() -> None:
    settings = with_settings(precision=PrecisionSettings(wait_seconds=300))
    desk = waiting_desk(settings)
    desk.signal()

    desk.wait(seconds=299)
    assert desk.outcome()[0] == "admitted"
    desk.wait(seconds=1)

    reason = "the venue gave no market rules within precision.wait_seconds"
    assert desk.outcome() == ("expired", reason)
    check_closed(desk, reason)


def test_its_slot_and_capital_go_to_the_next_in_the_same_breath() -> None:
    tight = with_settings(
        pool=PoolSettings(max_open_groups=1), risk=RiskSettings(max_committed_capital=D(1000))
    )
    desk = waiting_desk(tight)
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    assert desk.outcome() == ("queued", "max_open_groups")

    desk.wait(seconds=300)

    assert desk.outcome() == ("admitted", "promoted from the queue")
    assert [group.opened.symbol for group in desk.book.open_groups()] == ["ETH/USDT:USDT"]


@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        (lambda desk: desk.signal("long", kind="exit", price=None), "exit signal"),
        (
            lambda desk: desk.operator("close_group", desk.group().opened.group_id),
            "operator: because",
        ),
    ],
)
def test_an_exit_meanwhile_closes_it(leave: Callable[[Desk], Any], reason: str) -> None:
    desk = waiting_desk()
    desk.signal()

    leave(desk)

    check_closed(desk, reason)
    assert names(tell(desk, KNOWN))[1:] == ["account.instruments_changed"]


def test_it_survives_a_restart_and_waits_for_a_fresh_mark() -> None:
    desk = waiting_desk()
    desk.signal()
    desk.start()
    marks = desk.marks
    desk.marks = dict  # type: ignore[method-assign]

    tell(desk, KNOWN)
    assert of(desk.recorded, LegPlanned) == []
    assert desk.outcome()[0] == "admitted"

    desk.marks = marks  # type: ignore[method-assign]
    desk.wait(seconds=10)
    assert len(of(desk.recorded, LegPlanned)) == 5
    check_record(desk)


def test_it_survives_the_turn_of_a_day() -> None:
    patient = with_settings(
        precision=PrecisionSettings(wait_seconds=86_400), grid=GridSettings(unfilled_minutes=None)
    )
    desk = waiting_desk(patient)
    desk.signal()
    desk.wait(hours=17)
    assert desk.book.date == "2026-01-06"
    assert desk.book.risk.committed() == D(1000)
    desk.start()

    tell(desk, KNOWN)

    assert len(desk.legs()) == 5
    assert set(desk.book.risk.commitments) == {leg.plan.leg_id for leg in desk.legs()}
    check_record(desk)


def test_a_second_entry_of_the_trade_waits_with_it() -> None:
    desk = waiting_desk()
    desk.signal()
    desk.signal(price="99")
    assert desk.book.risk.committed() == D(2000)
    assert len(desk.group().pyramid_ids) == 2

    tell(desk, KNOWN)

    assert len(desk.legs()) == 10
    assert [leg.plan.price for leg in desk.legs()][::5] == [D(100), D(99)]
    (slot,) = desk.book.risk.slots.values()
    assert slot.pyramids == 2
    check_record(desk)


def test_one_of_two_that_wait_may_be_let_in_alone() -> None:
    desk = waiting_desk(price="103")
    desk.signal(price="103")
    desk.signal(price="99")
    settings = with_settings(risk=RiskSettings(max_entry_deviation_percent=D(1)))
    desk.feed(SettingsSubmitted(settings=settings, actor="ann", reason="near only"))

    tell(desk, KNOWN)

    assert [leg.plan.pyramid_id[-2:] for leg in desk.legs()] == ["p0"] * 5
    assert desk.outcome() == ("refused", "max_entry_deviation")
    assert desk.group().is_open
    assert {leg.plan.leg_id for leg in desk.legs()} == set(desk.book.risk.commitments)


def test_the_later_of_two_waits_on_when_the_first_expires() -> None:
    desk = waiting_desk()
    desk.signal()
    first = desk.last_signal
    desk.wait(seconds=100)
    desk.signal(price="99")

    desk.wait(seconds=200)
    assert desk.outcome(first)[0] == "expired"
    assert desk.group().is_open
    assert desk.book.risk.committed() == D(1000)

    tell(desk, KNOWN)
    assert [leg.plan.pyramid_id[-2:] for leg in desk.legs()] == ["p1"] * 5
    check_record(desk)


def test_it_keeps_the_capital_it_reserved_whatever_was_earned_meanwhile() -> None:
    share = CapitalSettings(group_budget_rule="equity_share")
    desk = waiting_desk(with_settings(capital=share), price="100")
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    desk.move("101.5", "ETH/USDT:USDT")
    assert desk.book.risk.realized_total > 0

    tell(desk, KNOWN)

    capitals = {pyramid.symbol: pyramid.capital for pyramid in of(desk.recorded, PyramidPlanned)}
    assert capitals[BTC] == D(20_000)
    assert set(desk.book.risk.commitments) == {leg.plan.leg_id for leg in desk.legs()}


def test_an_entry_without_any_capital_does_not_wait() -> None:
    share = CapitalSettings(group_budget_rule="equity_share")
    desk = waiting_desk(with_settings(capital=share))
    registered = of(desk.recorded, AccountRegistered)[0]
    desk.engine, desk.log, desk.recorded = AccountEngine(Book(ACCOUNT)), MemoryEventLog(), []
    desk.handle(msgspec.structs.replace(registered, starting_balance=D(0)))
    desk.handle(InstrumentsSeen(instruments=(UNKNOWN,)))

    desk.signal()

    assert of(desk.recorded, EntryAwaited) == []
    assert desk.outcome()[0] == "rejected"


def test_rules_known_in_part_are_still_waited_for() -> None:
    desk = waiting_desk()
    desk.signal()

    tell(desk, market("BTC", step=D(0)))
    assert of(desk.recorded, LegPlanned) == []

    tell(desk, KNOWN)
    assert len(desk.legs()) == 5


def test_fallback_rules_stand_in_and_the_receipt_says_so() -> None:
    precision = PrecisionSettings(on_missing="fallback", fallback=RULES)
    desk = waiting_desk(with_settings(precision=precision))

    happened = desk.handle(desk.received(price="100.7"))

    (event,) = of(happened, RiskApproved)
    (line,) = [check for check in event.receipt if check.rule == "market_rules"]
    assert (line.value, line.passed) == ("fallback", True)
    legs = of(happened, LegPlanned)
    assert [(leg.price, leg.quantity) for leg in legs[:2]] == [(D(100), D(2)), (D(100), D(2))]
    assert of(happened, EntryAwaited) == []


def test_the_venues_own_rules_count_as_soon_as_they_are_known() -> None:
    precision = PrecisionSettings(on_missing="fallback", fallback=RULES)
    desk = waiting_desk(with_settings(precision=precision))
    tell(desk, KNOWN)

    happened = desk.handle(desk.received(price="100.7"))

    assert of(happened, LegPlanned)[0].price == D("100.7")
    (event,) = of(happened, RiskApproved)
    assert "venue" in {check.value for check in event.receipt if check.rule == "market_rules"}


def test_what_waits_is_laid_out_when_the_settings_turn_to_fallback_rules() -> None:
    desk = waiting_desk()
    desk.signal()
    precision = PrecisionSettings(on_missing="fallback", fallback=RULES)

    desk.handle(
        SettingsSubmitted(
            settings=with_settings(precision=precision), actor="ann", reason="no more waiting"
        )
    )

    assert [leg.plan.price for leg in desk.legs()][:2] == [D(100), D(99)]


def test_lots_bought_by_fallback_rules_can_be_left_when_the_settings_turn_back() -> None:
    precision = PrecisionSettings(on_missing="fallback", fallback=RULES)
    desk = waiting_desk(with_settings(precision=precision), price="100")
    desk.core.add_instrument(KNOWN)
    desk.signal()
    assert desk.legs()[0].lot.quantity == D(2)
    desk.feed(SettingsSubmitted(settings=PROMPT, actor="ann", reason="wait again"))

    desk.signal("long", kind="exit", price=None)

    assert desk.book.open_groups() == ()
    assert desk.core.positions() == {}
