"""What `plimsoll risk status` shows: what holds trading back, and how near each limit is."""

from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext

import msgspec

from application.book import Book
from application.processes.day_loss import day_loss
from application.processes.equity import worth_of
from domain.brakes import Brakes
from domain.equity import drawdown_percent
from domain.holds import Hold, TradingState
from domain.money import DECISION_CONTEXT, plain

UNKNOWN = "unknown"
# A drawdown is shown so finely, and compared with its limit exactly.
SHOWN_PERCENT = Decimal("0.01")


class LossStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The day's loss in the capital currency; `loss` and `open_loss` none = not known."""

    loss: Decimal | None
    limit: Decimal | None
    realized: Decimal
    open_loss: Decimal | None
    counted_from: Decimal
    tripped: bool


class EquityStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The equity by the marks that the log holds; none while one of them is missing."""

    equity: Decimal | None
    peak: Decimal | None
    drawdown_percent: Decimal | None
    limit_percent: Decimal | None
    stopped: bool


class CommittedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of open lots and of resting entries, as notional."""

    committed: Decimal
    limit: Decimal | None


class RiskStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The risk engine of one account as the log leaves it at `as_of`."""

    account: str
    day: str
    as_of: datetime | None
    currency: str
    trading_state: TradingState
    holds: tuple[Hold, ...]
    daily_loss: LossStatus
    equity: EquityStatus
    committed: CommittedStatus


def status_of(book: Book) -> RiskStatus:
    """Everything at once, reckoned as the engine reckons."""
    with localcontext(DECISION_CONTEXT):
        return RiskStatus(
            account=book.account_name,
            day=book.date,
            as_of=book.last_at,
            currency=book.account.opened.currency,
            trading_state=book.risk.trading_state,
            holds=standing(book.brakes),
            daily_loss=_loss(book),
            equity=_equity(book),
            committed=CommittedStatus(
                committed=book.risk.committed(),
                limit=book.account.settings.risk.max_committed_capital,
            ),
        )


def standing(brakes: Brakes) -> tuple[Hold, ...]:
    """Every hold, the longest standing first."""
    holds = [hold for _, hold in sorted(brakes.holds.items())]
    return tuple(sorted(holds, key=lambda hold: hold.since))


def told(status: RiskStatus) -> list[str]:
    """The same in words, a line each."""
    as_of = status.as_of.isoformat() if status.as_of is not None else "the beginning"
    return [
        f"Trading is {status.trading_state}, as of {as_of}.",
        *(hold_line(hold, status.day) for hold in status.holds),
        _loss_line(status),
        _equity_line(status),
        _committed_line(status),
    ]


def hold_line(hold: Hold, day: str) -> str:
    """One cause, since when and by whom; the breaker's ends with its day."""
    line = f"  {hold.state} by {hold.cause}: {hold.reason} ({hold.actor}, {hold.since.isoformat()})"
    if hold.cause != "breaker":
        return line
    midnight = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    return f"{line}, until {midnight} 00:00 UTC or `plimsoll risk reset-breaker`"


def _loss(book: Book) -> LossStatus:
    loss = day_loss(book)
    return LossStatus(
        loss=loss.amount,
        limit=book.account.settings.risk.max_daily_loss,
        realized=loss.realized,
        open_loss=loss.open_loss,
        counted_from=loss.reference,
        tripped=book.brakes.is_tripped,
    )


def _equity(book: Book) -> EquityStatus:
    worth, limit = worth_of(book), book.account.settings.risk.max_drawdown_percent
    equity = worth.equity if worth is not None else None
    peak = book.equity.peak_of(worth) if worth is not None else book.equity.peak
    drawdown = None if equity is None or peak is None else drawdown_percent(equity, peak)
    return EquityStatus(
        equity=equity,
        peak=peak,
        drawdown_percent=drawdown,
        limit_percent=limit,
        stopped=book.equity.stopped is not None,
    )


def _loss_line(status: RiskStatus) -> str:
    loss = status.daily_loss
    parts = [f"realized {_amount(loss.realized)}"]
    if loss.open_loss != 0:
        parts.append(f"open loss {_amount(loss.open_loss)}")
    if loss.counted_from != 0:
        parts.append(f"counted from {_amount(loss.counted_from)}")
    return (
        f"Loss of {status.day}: {_amount(loss.loss)} {status.currency}, {_limit(loss.limit)}"
        f" ({', '.join(parts)})."
    )


def _equity_line(status: RiskStatus) -> str:
    equity = status.equity
    drawdown = equity.drawdown_percent
    shown = UNKNOWN if drawdown is None else f"{plain(drawdown.quantize(SHOWN_PERCENT))} %"
    limit = "no limit" if equity.limit_percent is None else f"limit {plain(equity.limit_percent)} %"
    return (
        f"Equity: {_amount(equity.equity)} {status.currency}, peak {_amount(equity.peak)},"
        f" drawdown {shown}, {limit}."
    )


def _committed_line(status: RiskStatus) -> str:
    found = status.committed
    return f"Committed: {_amount(found.committed)} {status.currency}, {_limit(found.limit)}."


def _amount(value: Decimal | None) -> str:
    return UNKNOWN if value is None else plain(value)


def _limit(value: Decimal | None) -> str:
    return "no limit" if value is None else f"limit {plain(value)}"
