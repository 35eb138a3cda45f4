"""A house that dies anywhere within an emergency stop ends it: flat, halted, each order once."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from application.engine import AccountEngine
from application.inputs import OrderReported, PositionSeen, ReconciliationSeen
from application.journal import Recorded
from application.loading import load_book
from domain.equity import EmergencyStopped
from domain.message import Event, Input
from domain.order import OrderRequested, OrderResent
from domain.order_terms import OrderStatus
from domain.settings import PoolSettings
from tests.application.desk import ACCOUNT, ETH, SOL, Desk, of
from tests.application.drawdown_desk import tick, venue_name, wish
from tests.application.exit_desk import TWO_LEGS, held, settings
from tests.application.invariants import check_record, check_settled

D = Decimal
SETTINGS = msgspec.structs.replace(settings(TWO_LEGS), pool=PoolSettings(max_open_groups=2))
Disturb = Callable[["Mortal"], None]


class Mortal(Desk):
    """A desk that counts the inputs of a stop, and is disturbed after one of them."""

    def __init__(self, after: int = 0, disturb: Disturb | None = None) -> None:
        self.placed: Counter[str] = Counter()
        self.inputs = 0
        self._after, self._disturb = after, disturb
        self._counts = False
        super().__init__(SETTINGS)

    def stop(self) -> None:
        """Two trades, a signal in the queue, and an operator who ends it all."""
        self.signal()
        self.signal(symbol=venue_name(ETH))
        self.signal(symbol=venue_name(SOL))
        self._counts = True
        self.handle(wish("emergency_stop"))
        self.settle()

    def handle(self, received: Input) -> list[Recorded]:
        happened = super().handle(received)
        if self._counts:
            self.inputs += 1
            if self.inputs == self._after and self._disturb is not None:
                self._disturb(self)
        return happened

    def carry_out(self, errand: Event) -> list[OrderReported]:
        if isinstance(errand, OrderRequested | OrderResent):
            self.placed[errand.client_order_id] += 1
        return super().carry_out(errand)

    def recover(self) -> None:
        """What the house does after a start: compare, ask, cancel again, and let time pass."""
        self.settle()
        for _ in range(12):
            self.handle(self._compared())
            for report in tuple(self._asked()):
                self.handle(report)
            self.settle()
            tick(self, seconds=15, minute=False)

    def _compared(self) -> ReconciliationSeen:
        return ReconciliationSeen(
            asked_at=self.now,
            open_client_order_ids=tuple(o.client_order_id for o in self.core.open_orders()),
            positions=tuple(
                PositionSeen(symbol=each.symbol, quantity=each.quantity, side=each.side)
                for each in self.core.held()
            ),
        )

    def _asked(self) -> Iterator[OrderReported]:
        for order in tuple(self.book.working_orders()):
            identity, symbol = order.request.client_order_id, order.request.symbol
            if order.status is OrderStatus.UNKNOWN:
                yield from self.core.query(identity, self.now, symbol)
            elif order.cancel_requested:
                yield from self.core.cancel(identity, self.now)


def reread(desk: Mortal) -> None:
    """The same engine would go on: its Book is only read back from the log."""
    desk.engine = AccountEngine(load_book(desk.log, ACCOUNT))


def restarted(desk: Mortal) -> None:
    """Died after the calls went out: their answers are still on the way."""
    desk.now += timedelta(milliseconds=1)
    desk.start()


def restarted_unsent(desk: Mortal) -> None:
    """Died before any call went out: what was requested is known to the log alone."""
    desk.errands.clear()
    restarted(desk)


def restarted_deaf(desk: Mortal) -> None:
    """Died after the calls, and every answer is lost."""
    while desk.errands:
        desk.carry_out(desk.errands.popleft())
    desk.reports.clear()
    restarted(desk)


def undisturbed() -> Mortal:
    desk = Mortal()
    desk.stop()
    return desk


INPUTS = undisturbed().inputs


def test_the_story_has_inputs_enough_to_die_between() -> None:
    desk = undisturbed()
    assert_ended(desk)
    assert INPUTS >= 8
    assert len(of(desk.recorded, EmergencyStopped)) == 1


@pytest.mark.parametrize("after", range(1, INPUTS + 1))
def test_a_book_read_back_between_two_inputs_goes_on_to_the_same_log(after: int) -> None:
    desk, model = Mortal(after, reread), undisturbed()
    desk.stop()
    assert desk.book.head == model.book.head
    assert desk.book.state_hash() == model.book.state_hash()


@pytest.mark.parametrize("disturb", [restarted, restarted_unsent, restarted_deaf])
@pytest.mark.parametrize("after", range(1, INPUTS + 1))
def test_a_start_between_two_inputs_comes_to_the_same_end(after: int, disturb: Disturb) -> None:
    desk = Mortal(after, disturb)
    desk.stop()
    desk.recover()

    assert_ended(desk)
    assert desk.book.risk.realized_total == undisturbed().book.risk.realized_total


def assert_ended(desk: Mortal) -> None:
    """Flat, halted, the queue untouched, and no order reached the venue twice."""
    assert desk.book.open_groups() == ()
    assert desk.working() == []
    assert held(desk) == D(0)
    assert desk.book.risk.trading_state == "halted"
    assert [entry.symbol for entry in desk.book.queue.waiting] == [SOL]
    assert set(desk.placed.values()) == {1}
    assert len(of(desk.recorded, EmergencyStopped)) == 1
    check_settled(desk)
    check_record(desk)
