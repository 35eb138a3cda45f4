"""A day of losses: a venue played by hand, trades that are lost on it, and what then trips."""

from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import OperatorActed
from application.journal import Recorded
from domain.brakes import BreakerTripped, HoldLifted
from domain.order import OrderRequested
from domain.settings import RiskSettings, Settings
from tests.application.desk import BTC, PROMPT, Desk
from tests.application.hand_venue import HandVenue

D = Decimal
# What a lot of 2 bought at 100 loses at 90, where nothing costs a fee.
LOST = D(20)
NAMES = {"BTC/USDT:USDT": "BTCUSDT.P", "ETH/USDT:USDT": "ETHUSDT.P", "SOL/USDT:USDT": "SOLUSDT.P"}


def limited(limit: str | Decimal | None = LOST, **risk: Any) -> Settings:
    """Settings by which a day may lose so much."""
    loss = None if limit is None else D(limit)
    # The drawdown stop has tests of its own, and closes what is to be looked at here.
    rules = RiskSettings(max_daily_loss=loss, max_drawdown_percent=None, **risk)
    return msgspec.structs.replace(PROMPT, risk=rules)


def bought(venue: HandVenue, symbol: str = BTC, quantity: str = "2") -> str:
    """A group whose first leg filled at 100, its other legs resting; its id."""
    before = {group.opened.group_id for group in venue.book.open_groups()}
    venue.signal(symbol=NAMES[symbol])
    (number, group_id), *_ = [
        (number, group.opened.group_id)
        for number, group in enumerate(venue.book.open_groups())
        if group.opened.group_id not in before
    ]
    venue.fill(venue.entries(number)[0], quantity, "100")
    return group_id


def lost(venue: HandVenue, symbol: str = BTC, price: str = "90") -> list[Recorded]:
    """The symbol's trade is closed at a loss, and its price comes back to 100."""
    venue.move(price, symbol)
    happened = venue.signal("long", kind="exit", symbol=NAMES[symbol], price=None)
    venue.move("100", symbol)
    return happened


def tripped_desk(settings: Settings | None = None) -> HandVenue:
    """A day that has just lost all it may, with nothing left open."""
    venue = HandVenue(settings if settings is not None else limited())
    bought(venue)
    lost(venue)
    assert venue.book.brakes.is_tripped
    return venue


def reset(desk: Desk, reason: str = "a bad print") -> list[Recorded]:
    """An operator lets the loss count anew."""
    return desk.feed(OperatorActed(action="reset_breaker", subject="", actor="ann", reason=reason))


def entries(desk: Desk, symbol: str) -> list[str]:
    """Working entries of a symbol that nobody called off."""
    return [
        order.request.client_order_id
        for order in desk.working("entry")
        if order.request.symbol == symbol and not order.cancel_requested
    ]


def check_no_entry_while_tripped(recorded: list[Recorded]) -> None:
    """Between a trip and its end nobody asks for an entry."""
    is_tripped = False
    for each in recorded:
        match each.event:
            case BreakerTripped():
                is_tripped = True
            case HoldLifted(cause="breaker"):
                is_tripped = False
            case OrderRequested(purpose="entry", client_order_id=identity):
                assert not is_tripped, f"{identity} was asked for while the breaker held"
            case _:
                pass
