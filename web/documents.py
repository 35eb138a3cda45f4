"""What the API answers with, beside the views themselves."""

import msgspec
from litestar.openapi import ResponseSpec


def answers_with(content: object, description: str) -> ResponseSpec:
    """An answer for the schema, without made-up examples: they say nothing, and vary."""
    return ResponseSpec(content, description=description, generate_examples=False)


class SignalAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The signal is durable under this id; the ledger shows what becomes of it."""

    signal_id: str


class InputAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The input is durable under this id; the log shows what it caused."""

    input_id: int


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `ok` or `degraded`; `notifiers` is `none`, `ok` or `failing`."""

    status: str
    engine: str
    database: str
    notifiers: str
    version: str
