"""Days that lose, in any order of events: while the breaker holds, nothing is entered."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from application.inputs import OrderReported, SendWindowMissed
from domain.order_terms import OrderStatus
from domain.trading_day import InputFailed
from tests.application.desk import BTC, ETH, SOL, Desk, of
from tests.application.invariants import check_record
from tests.application.losing import NAMES, check_no_entry_while_tripped, limited, reset
from tests.application.worlds import budget

SYMBOLS = st.sampled_from((BTC, ETH, SOL))
PRICES = st.integers(min_value=90, max_value=108).map(str)


class BadDays(RuleBasedStateMachine):
    """Anything may happen on days that lose; while the breaker holds, nothing is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(limited("15", breaker_dca="keep", daily_loss_includes_open=True))
        self.seen = 0
        self.is_tripped = False

    @rule(symbol=SYMBOLS, side=st.sampled_from(("buy", "sell")), heard=st.booleans())
    def enter(self, symbol: str, side: str, heard: bool) -> None:
        price = str(self.desk.core.price(symbol))
        self.desk.handle(self.desk.received(side, symbol=NAMES[symbol], price=price))
        if heard:
            self.desk.settle()

    @rule(symbol=SYMBOLS, price=PRICES)
    def move(self, symbol: str, price: str) -> None:
        self.desk.settle()
        self.desk.move(price, symbol)

    @rule(symbol=SYMBOLS)
    def leave(self, symbol: str) -> None:
        self.desk.signal(None, kind="exit", symbol=NAMES[symbol], price=None)

    @rule(seconds=st.sampled_from((1, 10, 61, 3600, 12 * 3600)))
    def wait(self, seconds: int) -> None:
        self.desk.settle()
        self.desk.wait(seconds=seconds)

    @rule()
    def miss(self) -> None:
        """The sender was too late for one order that nobody has sent yet."""
        for order in self.desk.working("entry"):
            if order.status is OrderStatus.REQUESTED:
                identity = order.request.client_order_id
                self.desk.errands.clear()
                self.desk.handle(OrderReported(client_order_id=identity, report=SendWindowMissed()))
                return

    @rule()
    def restart(self) -> None:
        self.desk.settle()
        self.desk.start()
        self.desk.ask()

    @precondition(lambda self: self.desk.book.brakes.is_tripped)
    @rule()
    def reset(self) -> None:
        reset(self.desk)

    @invariant()
    def nothing_is_entered_while_it_holds(self) -> None:
        assert of(self.desk.recorded[self.seen :], InputFailed) == []
        check_no_entry_while_tripped(self.desk.recorded)
        self.seen = len(self.desk.recorded)

    def teardown(self) -> None:
        self.desk.settle()
        check_record(self.desk)


TestBadDays: Callable[[], Any] = BadDays.TestCase
BadDays.TestCase.settings = budget(runs=40, steps=25)
