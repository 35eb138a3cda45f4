"""What falling accounts are made and looked at with: a limit, lots at 100, minutes that pass."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from domain.day_terms import AlertKind
from domain.message import MarkSeen
from domain.settings import RiskSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, PROMPT, Desk, of
from tests.application.exit_desk import ladder
from tests.application.hand_venue import HandVenue

D = Decimal
# One leg of 10 at 100: with 1,000,000 a price of 90 is a drawdown of 0.01 % exactly.
ONE_LEG = ladder(("0", "100", "50"))
LIMIT = "0.01"


def limited(limit: str | None = LIMIT, **risk: Any) -> Settings:
    """Settings with this `max_drawdown_percent`."""
    percent = D(limit) if limit is not None else None
    changed = RiskSettings(max_drawdown_percent=percent, **risk)
    return msgspec.structs.replace(PROMPT, grid=ONE_LEG, risk=changed)


def holding(*symbols: str, settings: Settings | None = None, live: bool = False) -> HandVenue:
    """A group of 10 bought at 100 in each symbol, without fees."""
    venue = HandVenue(settings or limited(), live=live)
    venue.look()
    for symbol in symbols or (BTC,):
        bought(venue, symbol)
    return venue


def bought(venue: HandVenue, symbol: str = BTC) -> None:
    """One more group of 10 at 100."""
    venue.signal(symbol=venue_name(symbol))
    entry = next(order for order in venue.working("entry") if order.request.symbol == symbol)
    venue.fill(entry, "10", "100")


def venue_name(symbol: str) -> str:
    """As an alert names it."""
    return f"{symbol.partition('/')[0]}USDT.P"


def tick(
    desk: Desk,
    *,
    seconds: float = 60,
    minute: bool = True,
    promotion: bool = False,
    marks: Mapping[str, MarkSeen] | None = None,
) -> list[Recorded]:
    """Time passes and the clock ticks, with these marks or with fresh ones; all that follows."""
    desk.now += timedelta(seconds=seconds)
    ticked = ClockTicked(due_at=desk.now, minute=minute, promotion=promotion)
    known = desk.marks() if marks is None else marks
    handled = desk.engine.handle(ticked, desk.now, known)
    return desk.commit(handled.stored, handled.recorded) + desk.settle()


def aged(desk: Desk, symbol: str, *, then: float, old: float) -> dict[str, MarkSeen]:
    """The marks in `then` seconds, fresh but for one that is `old` seconds older by then."""
    at = desk.now + timedelta(seconds=then)
    marks = {s: msgspec.structs.replace(mark, at=at) for s, mark in sorted(desk.marks().items())}
    marks[symbol] = msgspec.structs.replace(marks[symbol], at=at - timedelta(seconds=old))
    return marks


def ordered(
    desk: Desk, action: Any, subject: str = "paper", amount: str | None = None
) -> list[Recorded]:
    """An operator's order, with all that follows."""
    return desk.feed(wish(action, subject, amount))


def wish(action: Any, subject: str = "paper", amount: str | None = None) -> OperatorActed:
    """An operator's order."""
    return OperatorActed(
        action=action,
        subject=subject,
        actor="ann",
        reason="because",
        amount=D(amount) if amount is not None else None,
    )


def alerts(happened: list[Recorded], kind: AlertKind) -> list[AlertRaised]:
    """What the operator was told of this kind."""
    return [alert for alert in of(happened, AlertRaised) if alert.kind == kind]
