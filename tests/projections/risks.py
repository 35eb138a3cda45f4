"""What the risk engine decided of an account, told by hand as it would have been recorded."""

from datetime import timedelta

from application.inputs import ClockTicked
from domain.brakes import BreakerTripped, HoldLifted, HoldPlaced
from domain.equity import CapitalTransferred, EquitySampled
from domain.holds import Hold, HoldCause, TradingState
from domain.risk_engine import SlotFreed
from tests.projections.story import MORNING, SYMBOL, D, Story
from tests.projections.trading import GROUP


def ticked(story: Story) -> Story:
    return story.input(ClockTicked(due_at=MORNING))


def hold(cause: HoldCause, state: TradingState = "reducing", minutes: int = 0) -> Hold:
    return Hold(
        cause=cause,
        state=state,
        reason=f"because of {cause}",
        actor="ann" if cause == "operator" else "engine",
        since=MORNING + timedelta(minutes=minutes),
    )


def tripped(loss: str = "512.4") -> BreakerTripped:
    return BreakerTripped(
        loss=D(loss),
        limit=D(500),
        realized=D("-512.4"),
        open_loss=D(0),
        reference=D(0),
        tripped_at=MORNING,
    )


def sampled(equity: str, peak: str, minutes: int = 0, realized: str = "0") -> EquitySampled:
    return EquitySampled(
        equity=D(equity),
        capital=D(10000),
        realized=D(realized),
        unrealized=D(equity) - D(10000) - D(realized),
        committed=D(1190),
        peak=D(peak),
        sampled_at=MORNING + timedelta(minutes=minutes),
    )


def curve_of(story: Story, steps: int = 5) -> Story:
    """A sample a minute, falling by 100 and rising again at the end."""
    for minute in range(steps):
        worth = 10000 - 100 * minute if minute < steps - 1 else 10000
        ticked(story.wait(minutes=1)).then(sampled(str(worth), "10000", minute))
    return story


def whole_risk(story: Story) -> Story:
    """Samples, a breaker that trips and ends while an operator still holds, a transfer, a loss."""
    ticked(curve_of(story)).then(
        HoldPlaced(hold=hold("operator")),
        HoldPlaced(hold=hold("breaker")),
        tripped(),
        CapitalTransferred(amount=D(9), total=D(9), reason="in", actor="ann"),
        SlotFreed(group_id=GROUP, symbol=SYMBOL, realized=D(-5), freed_at=MORNING),
    )
    return ticked(story).then(HoldLifted(cause="breaker", reason="day", actor="engine"))
