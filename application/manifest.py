"""The manifest of an export: what its files hold, and what of the log they were made from."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from application.rowfile import Written, cell

FORMAT = "plimsoll-export-1"
_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: rows recorded within [start, end)."""

    start: datetime
    end: datetime


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What an export was made from: the chain's head binds it to one history of the account."""

    account: str
    chain_head: str
    software_version: str
    settings_hash: str


def manifest(kind: str, span: Span, origin: Origin, files: Mapping[str, Written]) -> bytes:
    """The manifest as JSON, the same bytes for the same export of the same log.

    It carries no time of its own: whoever signs it says when.
    """
    document = {
        "format": FORMAT,
        "kind": kind,
        "account": origin.account,
        "from": cell(span.start),
        "to": cell(span.end),
        "chain_head": origin.chain_head,
        "software_version": origin.software_version,
        "settings_hash": origin.settings_hash,
        "files": {
            name: {"rows": written.rows, "bytes": written.bytes, "sha256": written.sha256}
            for name, written in sorted(files.items())
        },
    }
    return msgspec.json.format(_ENCODER.encode(document), indent=2) + b"\n"
