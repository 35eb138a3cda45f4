"""What the gate is told of orders and the position an entry would join, and what it waits for."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from application.inputs import ClockTicked, InstrumentsSeen
from application.processes.gate_facts import gate_facts
from domain.dca_leg import DCALeg
from domain.gate import GateFacts
from domain.message import MarkSeen
from domain.settings import ExitSettings
from tests.application.desk import BTC, ETH, MARKETS, MORNING, PROMPT, Desk, market
from tests.domain.proposals import proposal

D = Decimal


def told(desk: Desk) -> GateFacts:
    """The facts for another long of BTC."""
    return gate_facts(desk.book, proposal(9), desk.now)


def legs_in_btc(desk: Desk) -> list[DCALeg]:
    groups = [group for group in desk.book.open_groups() if group.opened.symbol == BTC]
    return [leg for group in groups for leg in desk.book.legs_of(group)]


def test_a_leg_counts_as_entry_and_as_exit_whatever_just_works_of_it() -> None:
    desk = Desk()
    assert told(desk).orders == 0

    desk.signal()
    # Four entries and one exit work; four exits are still to come.
    assert told(desk).orders == 9

    desk.move("98")
    assert len(desk.working()) == 5
    assert told(desk).orders == 5


def test_a_stop_that_is_to_rest_counts_before_it_does() -> None:
    exits = ExitSettings(coalesce_ms=0, stop_loss_percent=D(9), stop_execution="resting")
    desk = Desk(msgspec.structs.replace(PROMPT, exits=exits), price="101")

    desk.signal()

    assert len(desk.working()) == 5
    assert told(desk).orders == 11


def test_other_symbols_orders_do_not_count() -> None:
    desk = Desk()
    desk.signal(symbol="ETHUSDT.P")

    assert told(desk).orders == 0
    assert told(desk).stakes == ()


def test_the_position_is_what_every_group_of_the_side_holds_and_rests() -> None:
    capital = msgspec.structs.replace(PROMPT.capital, leverage=3)
    desk = Desk(msgspec.structs.replace(PROMPT, capital=capital))
    desk.signal()
    desk.signal(timeframe="60")

    facts = told(desk)

    assert facts.position == D("20.2")
    assert sum(stake.quantity for stake in facts.stakes) == D("20.2")
    assert {stake.leverage for stake in facts.stakes} == {3}
    assert min(stake.price for stake in facts.stakes) == D(98)
    assert len({stake.group_id for stake in facts.stakes}) == 2


def test_a_pyramids_stop_is_that_of_its_group_and_an_entrys_its_own() -> None:
    signals = msgspec.structs.replace(PROMPT.signals, allow_stop_loss=True)
    desk = Desk(msgspec.structs.replace(PROMPT, signals=signals))
    desk.signal(risk={"stop_loss": 90})
    own = proposal(group_id=desk.group().opened.group_id, index=1, stop_loss=D(95))

    assert gate_facts(desk.book, own, desk.now).stop_loss == D(90)
    assert gate_facts(desk.book, proposal(9, stop_loss=D(95)), desk.now).stop_loss == D(95)


def test_an_entry_that_waits_for_rules_is_not_given_up_for_what_is_not_known_yet() -> None:
    desk = Desk(markets=(market("BTC", tick=D(0)), market("ETH")))
    desk.signal(symbol="ETHUSDT.P")
    desk.signal()
    waiting = desk.last_signal
    assert desk.outcome(waiting)[0] == "admitted"
    desk.start()
    # The new engine knows the mark of BTC alone: what ETH lost, and so the equity, is unknown.
    only = {BTC: MarkSeen(symbol=BTC, price=D(100), at=desk.now)}
    for received in (
        InstrumentsSeen(instruments=MARKETS),
        ClockTicked(due_at=MORNING + timedelta(seconds=10), promotion=True),
    ):
        handled = desk.engine.handle(received, desk.now, only)
        desk.commit(handled.stored, handled.recorded)
    assert ETH not in desk.book.marks
    assert desk.outcome(waiting)[0] == "admitted"
    assert legs_in_btc(desk) == []

    desk.wait(seconds=10)

    assert legs_in_btc(desk) != []
