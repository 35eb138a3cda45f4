"""The log of a run as `events.jsonl` tells it, read without the product."""

import json
from datetime import datetime
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """One event of the log, as it is written."""

    at: datetime
    name: str
    event: dict[str, Any]


def facts_of(events: bytes) -> tuple[Fact, ...]:
    """Every event of `events.jsonl`, in the order of the log."""
    lines = (json.loads(line) for line in events.splitlines() if line.strip())
    return tuple(
        Fact(datetime.fromisoformat(line["state"]["at"]), line["name"], line["state"]["event"])
        for line in lines
    )
