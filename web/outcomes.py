"""What came of an operator's wish: the story that its input began in the log."""

import msgspec

from domain.day_terms import AlertKind
from projections.views import AlertRow, LogFilter, LogRow, Severity
from web.figures import words
from web.views import Views

ROWS_SHOWN = 6
STORY_ROWS = 200
WISHES_SEEN = 20
# Who asked wants the outcome, not the bookkeeping.
TOLD: tuple[Severity, ...] = ("info", "warning", "critical")
# What the engine tells an operator whose wish it cannot carry out.
REFUSALS: tuple[AlertKind, ...] = ("queue", "reduction_refused")
SETTINGS = "submitted settings"


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that was made durable when the log stood at `after`; no action: new settings."""

    action: str
    subject: str
    after: int

    @property
    def text(self) -> str:
        """How the log words it."""
        return f"{words(self.action)} {self.subject}".rstrip() if self.action else SETTINGS


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was caused, oldest first. `refused`: why nothing was, if it was told before.

    Not `handled`: the engine has not taken the wish up yet.
    """

    handled: bool = False
    rows: tuple[LogRow, ...] = ()
    refused: AlertRow | None = None


async def outcome_of(views: Views, account: str, wish: Wished) -> Outcome:
    """Follow the story of the first such wish since then."""
    asked = LogFilter(after=wish.after, kinds=("operator",), text=wish.text, limit=WISHES_SEEN)
    wishes = (await views.log(account, asked)).rows
    if not wishes:
        return Outcome()
    ours = wishes[-1]
    caused = LogFilter(
        after=wish.after, correlation_id=ours.correlation_id, severities=TOLD, limit=STORY_ROWS
    )
    story = (await views.log(account, caused)).rows
    rows = tuple(row for row in reversed(story) if row.position != ours.position)
    if rows or not wish.subject:
        return Outcome(handled=True, rows=rows[:ROWS_SHOWN])
    alerts = await views.alerts(account, subject=wish.subject)
    refused = next((alert for alert in alerts if alert.kind in REFUSALS), None)
    return Outcome(handled=True, refused=refused)
