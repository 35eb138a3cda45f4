"""Rows as files: CSV or JSON lines, plain decimals, UTC microseconds, one line end."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO, Literal, Protocol

import msgspec
from eventsourcing.persistence import StoredEvent

from domain.money import plain

Format = Literal["csv", "jsonl"]
_LINES = msgspec.json.Encoder()


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds, for its manifest; `sha256` in hex, over all of its bytes."""

    rows: int
    bytes: int
    sha256: str


class _StoredLine(msgspec.Struct, frozen=True, kw_only=True):
    """One stored event; `state` is its exact bytes, which the digest in it covers."""

    stream: str
    version: int
    name: str
    state: msgspec.Raw


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


def write_rows(
    rows: Iterable[msgspec.Struct], row_type: type[msgspec.Struct], form: Format, out: BinaryIO
) -> Written:
    """Write rows with the fields of `row_type` as columns, in their written order."""
    lines = _csv(rows, row_type) if form == "csv" else _jsonl(rows)
    header = 1 if form == "csv" else 0
    return _write(lines, out, header)


def write_stored(events: Iterable[StoredEvent], out: BinaryIO) -> Written:
    """Write sealed events as `events.jsonl`: all a stand-alone verifier needs."""
    lines = (
        _LINES.encode(
            _StoredLine(
                stream=str(event.originator_id),
                version=event.originator_version,
                name=event.topic,
                state=msgspec.Raw(event.state),
            )
        )
        + b"\n"
        for event in events
    )
    return _write(lines, out, 0)


def read_stored(lines: Iterable[bytes]) -> Iterator[StoredEvent]:
    """The events of an `events.jsonl`, byte for byte. Raises ValueError naming a broken line."""
    for number, line in enumerate(lines, start=1):
        try:
            read = msgspec.json.decode(line, type=_StoredLine)
        except msgspec.MsgspecError as error:
            raise ValueError(f"line {number} is no event of a log: {error}") from error
        yield StoredEvent(read.stream, read.version, read.name, bytes(read.state))


def cell(value: object) -> str:
    """A value as the text of a cell: exact decimals without exponent, times as ISO 8601 Z."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)


def _csv(rows: Iterable[msgspec.Struct], row_type: type[msgspec.Struct]) -> Iterator[bytes]:
    columns = row_type.__struct_fields__
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line(tuple(cell(getattr(row, column)) for column in columns))


def _csv_line(cells: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()


def _jsonl(rows: Iterable[msgspec.Struct]) -> Iterator[bytes]:
    for row in rows:
        yield _LINES.encode({name: _json(value) for name, value in _items(row)}) + b"\n"


def _items(row: msgspec.Struct) -> Iterator[tuple[str, object]]:
    for name in row.__struct_fields__:
        yield name, getattr(row, name)


def _json(value: object) -> object:
    return cell(value) if isinstance(value, Decimal | datetime) else value


def _write(lines: Iterable[bytes], out: _Sink, header: int) -> Written:
    hasher = hashlib.sha256()
    count = size = 0
    for line in lines:
        out.write(line)
        hasher.update(line)
        count += 1
        size += len(line)
    return Written(rows=count - header, bytes=size, sha256=hasher.hexdigest())
