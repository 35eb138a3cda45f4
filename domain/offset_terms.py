"""What a losing trade must meet before it is paid down, as it was judged."""

from typing import Literal

import msgspec

CriterionName = Literal[
    "open", "not_reducing", "not_blocked", "full", "timer", "min_age", "mark_fresh", "loss"
]


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One condition as it stands. `value` none = unknown, which fails; `limit` none = off.

    `timer` and `min_age` in minutes, `mark_fresh` in seconds, `loss` in percent of the cost.
    """

    name: CriterionName
    value: str | None
    limit: str | None
    passed: bool
