"""An account with an open trade and two waiting signals, and an engine that takes up its inbox."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from application.book import Book
from application.engine import AccountEngine
from application.inputs import (
    Accepted,
    AccountRegistered,
    Ended,
    InstrumentsSeen,
    OrderReported,
    Report,
    SignalReceived,
    Traded,
)
from application.journal import decode_input
from application.loading import load_book
from domain.instrument import Instrument
from domain.message import Input, MarkSeen
from domain.order import OrderRequested
from domain.settings import PoolSettings, Settings

D = Decimal
ACCOUNT = "desk"
MORNING = datetime(2026, 1, 8, 8, tzinfo=UTC)
PATIENCE = 30.0
COINS = ("BTC", "ETH", "SOL")


class Trades(msgspec.Struct, frozen=True, kw_only=True):
    """The open group, and the waiting signals in the order of their ranking."""

    group: str
    waiting: tuple[str, ...]


def record_trades(url: str) -> Trades:
    """BTC is open with its first leg filled; ETH and SOL wait for its slot."""
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        engine = AccountEngine(Book(ACCOUNT))
        requested = [
            event
            for received in (_registered(), _markets(), *(_signal(coin) for coin in COINS))
            for event in _handled(engine, log, received)
        ]
        _fill(engine, log, requested[0])
        waiting = tuple(entry.signal_id for entry in engine.book.queue.waiting)
        return Trades(group=engine.book.open_groups()[0].opened.group_id, waiting=waiting)


@contextmanager
def working_engine(url: str) -> Iterator[None]:
    """Takes up what comes into the inbox of the account, as a running Plimsoll does."""
    stopped = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _take_up(url, stopped)
        except BaseException as error:  # noqa: BLE001 - told by the test that waits for it
            failures.append(error)

    thread = threading.Thread(target=work, name="engine", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(PATIENCE)
    assert not failures, failures
    assert not thread.is_alive()


def _take_up(url: str, stopped: threading.Event) -> None:
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        engine = AccountEngine(load_book(log, ACCOUNT))
        deadline = time.monotonic() + PATIENCE
        while not stopped.is_set() and time.monotonic() < deadline:
            rows = lease.connection.execute(
                "SELECT id, payload FROM plimsoll.inbox WHERE account = %s ORDER BY id", (ACCOUNT,)
            ).fetchall()
            for number, payload in rows:
                received = decode_input(bytes(payload))
                at = MORNING + timedelta(minutes=number % 600)
                log.append(engine.handle(received, at, _marks(at)).stored, [number])
            time.sleep(0.02)


def _handled(engine: AccountEngine, log: PostgresEventLog, received: Input) -> list[OrderRequested]:
    handled = engine.handle(received, MORNING, _marks(MORNING))
    log.append(handled.stored)
    return [each.event for each in handled.recorded if isinstance(each.event, OrderRequested)]


def _fill(engine: AccountEngine, log: PostgresEventLog, order: OrderRequested) -> None:
    reports: tuple[Report, ...] = (
        Accepted(venue_order_id="1"),
        Traded(
            trade_id="t1",
            price=D(100),
            quantity=order.quantity,
            fee=D(0),
            fee_asset="USDT",
            liquidity="maker",
            traded_at=MORNING,
        ),
        Ended(status="filled", filled=order.quantity),
    )
    for report in reports:
        _handled(engine, log, OrderReported(client_order_id=order.client_order_id, report=report))


def _registered() -> AccountRegistered:
    return AccountRegistered(
        installation="cafe",
        venue="simulated",
        market_kind="linear",
        paper=True,
        currency="USDT",
        starting_balance=D(100_000),
        settings=Settings(pool=PoolSettings(max_open_groups=1)),
        actor="test",
    )


def _markets() -> InstrumentsSeen:
    return InstrumentsSeen(instruments=tuple(_market(coin) for coin in COINS))


def _market(coin: str) -> Instrument:
    return Instrument(
        symbol=f"{coin}/USDT:USDT",
        venue_symbol=f"{coin}USDT",
        kind="linear",
        base=coin,
        quote="USDT",
        settle="USDT",
        tick=D("0.1"),
        step=D("0.001"),
        min_quantity=D("0.001"),
        min_notional=D(5),
    )


def _signal(coin: str) -> SignalReceived:
    tv = {"symbol": f"{coin}USDT.P", "timeframe": "15", "entry_price": "100"}
    body = json.dumps({"tv": tv, "execution_intent": {"type": "signal", "side": "buy"}})
    return SignalReceived(
        signal_id=f"sig-{coin.lower()}",
        received_at=MORNING,
        source="test",
        body=body,
        body_hash=coin,
    )


def _marks(at: datetime) -> dict[str, MarkSeen]:
    symbols = [f"{coin}/USDT:USDT" for coin in COINS]
    return {symbol: MarkSeen(symbol=symbol, price=D(100), at=at) for symbol in symbols}
