"""Recorded alerts: one JSON object a line, as `plimsoll simulate` reads them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from adapters.exchanges.simulated.simulation import TimedSignal
from application.inputs import SignalReceived
from domain.webhook_body import body_hash, redact


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at: datetime
    body: msgspec.Raw


def read_signals(path: Path) -> Iterator[TimedSignal]:
    """The alerts of a file, in its order. The secret, if there is one, is cut out unchecked.

    Raises ValueError naming file, line, value and remedy; OSError if it can't be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _signal(path, number, line)


def _signal(path: Path, number: int, line: bytes) -> TimedSignal:
    try:
        read = msgspec.json.decode(line, type=_Line)
        _require_object(read.body)
    except (msgspec.DecodeError, ValueError) as error:
        shown = line.strip()[:80].decode(errors="replace")
        raise ValueError(
            f'{path}, line {number}: {error}; it was {shown!r}: write {{"at": "<ISO time>",'
            ' "body": {…}}'
        ) from error
    if read.at.tzinfo is None:
        raise ValueError(f"{path}, line {number}: at was {read.at}: end it with Z or an offset")
    at = read.at.astimezone(UTC)
    body = redact(bytes(read.body)).body
    received = SignalReceived(
        signal_id=f"sim-{number:06d}",
        received_at=at,
        source="simulation",
        body=body,
        body_hash=body_hash(body),
    )
    return TimedSignal(at=at, received=received)


def _require_object(body: msgspec.Raw) -> None:
    found: Any = msgspec.json.decode(body)
    if not isinstance(found, dict):
        raise ValueError(f"body was a {type(found).__name__}, not an object")  # noqa: TRY004
