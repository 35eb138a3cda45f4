"""An operator's order from a shell: made durable, handed to the engine, its outcome awaited."""

import asyncio
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
import rich_click as click

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox_writer import AsyncInbox
from application.book import Book
from application.inbox import InboxUnavailable
from application.inputs import OperatorActed
from application.journal import Recorded
from application.loading import load_book
from cli.answers import fail, print_json
from cli.home import Home
from domain.day_terms import AlertKind
from domain.message import Event
from domain.trading_day import AlertRaised

POLL_SECONDS = 0.05
WAIT_SECONDS = 10.0
SHELL_REASON = "asked for in a shell"
# What the engine tells an operator whose order it cannot carry out.
REFUSALS: tuple[AlertKind, ...] = ("queue", "reduction_refused", "risk_order_refused")

E = TypeVar("E", bound=Event)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """One account as the log left it, and where its database is."""

    url: str
    account: str
    log: PostgresEventLog
    book: Book


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order: everything that its input caused."""

    input_id: int
    events: tuple[Event, ...]

    def first(self, kind: type[E]) -> E | None:
        """The first event of a kind."""
        return next((event for event in self.events if isinstance(event, kind)), None)


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """For which account an order is, who gives it, how long to wait, and how to answer."""

    account: str
    actor: str
    wait: float
    as_json: bool


def order_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every order takes, handed to it as its `manner`."""

    @functools.wraps(command)
    def ordered(*, account: str, actor: str, wait: float, as_json: bool, **own: object) -> None:
        command(manner=Manner(account=account, actor=actor, wait=wait, as_json=as_json), **own)

    options = (
        click.option("--account", default="paper", show_default=True),
        click.option("--actor", default="operator", show_default=True, help="Who asks for it."),
        click.option(
            "--wait",
            default=WAIT_SECONDS,
            show_default=True,
            type=click.FloatRange(min=0),
            help="Seconds to wait for the outcome; 0 hands it over only.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON line."),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), ordered)


@contextmanager
def open_desk(account: str) -> Iterator[Desk]:
    """The account's Book, read once. Ends the command if the account was never opened."""
    with Home().database() as url, PostgresEventLog(url) as log:
        book = load_book(log, account)
        if not book.is_opened:
            fail(f"--account was {account!r}, which was never opened: see `plimsoll accounts list`")
        yield Desk(url=url, account=account, log=log, book=book)


def carried_out(desk: Desk, acted: OperatorActed, manner: Manner) -> Answered | None:
    """Hand it over and wait until the engine has recorded it; None if nobody was to wait.

    In that case it has answered. Ends the command if the order could not be stored, or was not
    handled in time.
    """
    position = _position(desk)
    try:
        input_id = asyncio.run(_put(desk, acted))
    except InboxUnavailable as error:
        fail(str(error))
    if manner.wait == 0:
        told = "handed over; the engine takes it up when it runs"
        answer(told, {"input_id": input_id, "outcome": "handed_over"}, manner)
        return None

    deadline = time.monotonic() + manner.wait
    while True:
        caused = _caused(desk, acted, position)
        if caused is not None:
            return Answered(input_id=input_id, events=caused)
        if time.monotonic() >= deadline:
            fail(
                f"input {input_id} was not handled within {manner.wait:g} s: it waits in the inbox,"
                " and is carried out as soon as `plimsoll serve` works this account"
            )
        time.sleep(POLL_SECONDS)


def refused(desk: Desk, subject: str, answered: Answered) -> str:
    """Why an order changed nothing: the engine's alert, told now or earlier today."""
    for event in answered.events:
        if isinstance(event, AlertRaised) and event.kind in REFUSALS:
            return event.text
    alerts = load_book(desk.log, desk.account).day.alerts
    known = (alerts.get(f"{kind}|{subject}") for kind in REFUSALS)
    return next((text for text in known if text), "the log has no reason")


def answer(told: str, outcome: dict[str, object], manner: Manner) -> None:
    """In words, or as one line."""
    if manner.as_json:
        print_json(outcome)
    else:
        click.echo(told)


async def _put(desk: Desk, acted: OperatorActed) -> int:
    async with AsyncInbox(desk.url) as inbox:
        return await inbox.put(desk.account, acted)


def _position(desk: Desk) -> int:
    """Where the log of the account ends now: the outcome is to be found behind it."""
    newest = desk.log.last_day(desk.account)
    start = desk.log.day_start(newest) if newest is not None else None
    position = start or 0
    for found, _ in desk.log.stored_since(desk.account, position):
        position = found
    return position


def _caused(desk: Desk, acted: OperatorActed, position: int) -> tuple[Event, ...] | None:
    """All events of the story that our input began; they were committed with it."""
    recorded = [each for _, each in desk.log.since(desk.account, position)]
    ours = next((each for each in recorded if _is_same(each, acted)), None)
    if ours is None:
        return None
    story = ours.correlation_id
    return tuple(each.event for each in recorded if each.correlation_id == story)


def _is_same(recorded: Recorded, acted: OperatorActed) -> bool:
    event = recorded.event
    return isinstance(event, OperatorActed) and msgspec.structs.replace(event, marks=()) == acted
