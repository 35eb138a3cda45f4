"""Adds to a simulated night what only a running engine records: starts, a poisoned input, days."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from application.book import Book
from application.engine import AccountEngine, Failure, Handled
from application.inputs import AccountRegistered, OperatorActed, SignalReceived
from application.journal import decode_input
from application.loading import load_book
from cli.version import VERSION
from domain.message import Input, MarkSeen
from domain.settings import Settings
from domain.settings_document import settings_hash
from domain.webhook_body import body_hash, redact
from tests.cli.market import SYMBOL, body_of

ACCOUNT = "simulation"
OTHER_VERSION = "0.0.1"


def record_two_more_mornings(url: str) -> None:
    """A start, an input that cannot be handled and a signal; a day later a start by other code."""
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        engine = AccountEngine(load_book(log, ACCOUNT))
        settings = settings_hash(engine.book.account.settings)

        def keep(handled: Handled) -> None:
            log.append(handled.stored)

        keep(engine.start(VERSION, settings, datetime(2026, 1, 6, 9, tzinfo=UTC)))
        poisoned = _signal(datetime(2026, 1, 6, 9, 1, tzinfo=UTC), "sig-poisoned")
        failure = Failure(error="AssertionError: made up", fingerprint="f00d")
        keep(engine.set_aside(poisoned, poisoned.received_at, failure))
        _handle(engine, keep, _signal(datetime(2026, 1, 6, 9, 2, tzinfo=UTC), "sig-second"))
        keep(engine.start(OTHER_VERSION, settings, datetime(2026, 1, 7, 9, tzinfo=UTC)))
        _handle(engine, keep, _signal(datetime(2026, 1, 7, 9, 1, tzinfo=UTC), "sig-third"))


def register_live_account(url: str, account: str) -> None:
    """A live account as the engine would have opened it, whose keys nobody gave."""
    at = datetime(2026, 1, 7, 8, tzinfo=UTC)
    registered = AccountRegistered(
        installation="cafe",
        venue="binanceusdm",
        market_kind="linear",
        paper=False,
        currency="USDT",
        starting_balance=Decimal(1000),
        settings=Settings(),
        actor="test",
    )
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(account)
        log.append(AccountEngine(Book(account)).handle(registered, at, {}).stored)


def open_a_trade(url: str) -> None:
    """A signal of the last morning that is let in: its entries are asked for and never sent."""
    at = datetime(2026, 1, 7, 9, 30, tzinfo=UTC)
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        engine = AccountEngine(load_book(log, ACCOUNT))

        def keep(handled: Handled) -> None:
            log.append(handled.stored)

        resume = OperatorActed(action="resume", subject="", actor="test", reason="looked at")
        keep(engine.handle(resume, at, {}))
        _handle(engine, keep, _signal(at, "sig-open"))
        assert engine.book.open_groups(), "the signal opened nothing"


def handle_inbox(url: str) -> list[Input]:
    """Do what the running engine does: take what waits, record it and what follows."""
    at = datetime(2026, 1, 7, 10, tzinfo=UTC)
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        engine = AccountEngine(load_book(log, ACCOUNT))
        rows = lease.connection.execute(
            "SELECT id, payload FROM plimsoll.inbox WHERE account = %s ORDER BY id", (ACCOUNT,)
        ).fetchall()
        inputs = [decode_input(bytes(payload)) for _, payload in rows]
        for (number, _), received in zip(rows, inputs, strict=True):
            log.append(engine.handle(received, at, {}).stored, [number])
        return inputs


def _signal(at: datetime, signal_id: str) -> SignalReceived:
    body = redact(json.dumps(body_of(at, "signal", "buy", "240")).encode()).body
    return SignalReceived(
        signal_id=signal_id, received_at=at, source="test", body=body, body_hash=body_hash(body)
    )


def _handle(
    engine: AccountEngine, keep: Callable[[Handled], None], received: SignalReceived
) -> None:
    at = received.received_at
    mark = MarkSeen(symbol=SYMBOL, price=Decimal(60000), at=at)
    keep(engine.handle(received, at, {SYMBOL: mark}))
