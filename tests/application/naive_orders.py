"""What became of each order, from the venue's words alone: slow, plain, apart from the engine."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
# Spec §4: nowhere to be found three times, over at least thirty seconds.
ABSENT_ANSWERS, ABSENT_SPAN = 3, timedelta(seconds=30)


@dataclass
class NaiveOrder:
    """One order. `asked` is what was asked of the venue, as the log has it.

    `ended_with` is the cumulative fill the venue ended it with, while trades are still missing.
    """

    asked: Any
    state: str = "requested"
    was_seen: bool = False
    filled: Decimal = ZERO
    trades: set[str] = field(default_factory=set)
    ended_with: Decimal | None = None
    nowhere: list[datetime] = field(default_factory=list)
    cancel_wanted: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the venue can do nothing more with it."""
        return self.state == "final"

    @property
    def rest(self) -> Decimal:
        """What it may still trade."""
        return ZERO if self.is_final else self.asked.quantity - self.filled

    def hear(self, report: Any, now: datetime, *, position_agrees: bool, is_wanted: bool) -> bool:
        """One word of the venue, or of our sender; whether it brought a trade not yet counted.

        What is not `is_wanted` now is not sent again, should this prove it absent.
        """
        match type(report).__name__:
            case "Traded":
                return self._trade(report)
            case "Accepted" | "Found" if self.state in ("requested", "unknown"):
                self._known("open")
                self.was_seen = True
            case "Refused" if self.state in ("requested", "unknown") and not self.was_seen:
                self.state = "final"
            case "AnswerLost" | "CancelRefused" if self.state in ("requested", "open"):
                self._known("unknown")
            case "Ended" if not self.is_final:
                self._end(report.filled)
            case "NotFound" if self.state == "unknown":
                if self._is_absent(report.asked_at, position_agrees=position_agrees):
                    self._absent(now, is_wanted=is_wanted)
            case "SendWindowMissed" if self.state == "requested":
                self.state = "final"
            case _:
                return False
        return False

    def doubt(self) -> None:
        """What was believed of it is not certain any more: it has to be asked for."""
        if self.state in ("requested", "open"):
            self._known("unknown")

    def _trade(self, trade: Any) -> bool:
        """Counted once by the venue's trade id, in whatever state it comes."""
        if trade.trade_id in self.trades:
            return False
        self.trades.add(trade.trade_id)
        self.filled += trade.quantity
        self.was_seen = True
        complete = self.filled >= self.asked.quantity
        if complete or (self.ended_with is not None and self.filled >= self.ended_with):
            self.state = "final"
        elif not self.is_final:
            self._known("open")
        return True

    def _end(self, filled: Decimal) -> None:
        """Final once all the trades that the venue counts are known."""
        if filled <= self.filled:
            self.state = "final"
        else:
            self.ended_with = filled

    def _is_absent(self, asked_at: datetime, *, position_agrees: bool) -> bool:
        """Whether one more empty answer, later than those before, proves it absent."""
        if self.nowhere and asked_at <= self.nowhere[-1]:
            return False
        self.nowhere.append(asked_at)
        span = self.nowhere[-1] - self.nowhere[0]
        return len(self.nowhere) >= ABSENT_ANSWERS and span >= ABSENT_SPAN and position_agrees

    def _absent(self, now: datetime, *, is_wanted: bool) -> None:
        """For good: what was there is lost; what was never there is sent, or given up."""
        is_late = self.asked.send_before is not None and now >= self.asked.send_before
        was_for_then = self.asked.time_in_force == "ioc"
        is_over = is_late or self.cancel_wanted or was_for_then or not is_wanted
        if self.was_seen or is_over:
            self.state = "final"
        else:
            self._known("requested")

    def _known(self, state: str) -> None:
        self.state = state
        self.nowhere = []
