"""How commands answer: text for people, JSON lines for machines, exit codes for both."""

import sys
from typing import NoReturn

import msgspec
import rich_click as click

FAILED = 1
NOT_FOUND = 2
RUINED = 3


class Unusable(RuntimeError):  # noqa: N818 - said of the thing, not of the program
    """Something a command needs cannot be used; the message names it and what to do."""


_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def print_json(answer: object) -> None:
    """One line on standard output. Decimals are strings."""
    sys.stdout.write(_ENCODER.encode(answer).decode() + "\n")
    sys.stdout.flush()


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say on standard error what is wrong and what to do, and end with `code`."""
    click.echo(f"plimsoll: {message}", err=True)
    sys.exit(code)
