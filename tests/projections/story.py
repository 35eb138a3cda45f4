"""What happens to an account, told by hand as the engine would have recorded it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg

from application.inputs import (
    AccountRegistered,
    SignalReceived,
)
from application.journal import GENESIS, JournalMapper, Recorded, seal
from domain.account import AccountOpened, SettingsChanged
from domain.message import Event
from domain.queue import QueuedSignal
from domain.settings import Settings
from domain.trading_day import SignalRead

ACCOUNT = "alpha"
MORNING = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SYMBOL = "BTC/USDT:USDT"
D = Decimal
ENTRY = D(60000)
DAILY = frozenset(
    {"trading_day", "queue", "risk_engine", "holdings", "brakes", "equity", "offset_watch"}
)


class Story:
    """Recorded events of one account; each input is the cause of what follows it."""

    def __init__(self, account: str = ACCOUNT) -> None:
        self.account = account
        self.events: list[Recorded] = []
        self._versions: dict[str, int] = {}
        self._cause = ""
        self._correlation = ""
        self._at = MORNING

    def wait(self, **span: float) -> "Story":
        """Let time pass."""
        self._at += timedelta(**span)
        return self

    def input(self, event: Event, correlation: str = "") -> "Story":
        """Something from outside, on the trading day."""
        self._cause, self._correlation = "", correlation
        self._record("trading_day", self._at.date().isoformat(), event)
        first = self.events[-1]
        self._cause = first.event_id
        self._correlation = first.correlation_id
        return self

    def then(self, *events: Event) -> "Story":
        """What the last input caused, each on the stream of its aggregate."""
        for event in events:
            aggregate = event.NAME.split(".", 1)[0]
            self._record(aggregate, _key(aggregate, event, self._at), event)
        return self

    def _record(self, aggregate: str, key: str, event: Event) -> None:
        stream = f"{aggregate}:{self.account}:{key}"
        version = self._versions.get(stream, 0) + 1
        self._versions[stream] = version
        self._at += timedelta(microseconds=1)
        self.events.append(
            Recorded(
                stream=stream,
                version=version,
                event=event,
                at=self._at,
                causation_id=self._cause,
                correlation_id=self._correlation or f"{stream}@{version}",
            )
        )


def _key(aggregate: str, event: Event, at: datetime) -> str:
    if aggregate in DAILY:
        return at.date().isoformat()
    fields = {
        "order": "client_order_id",
        "dca_leg": "leg_id",
        "pyramid": "pyramid_id",
        "position_group": "group_id",
        "exit": "exit_id",
        "waiting_entry": "pyramid_id",
        "offset": "offset_id",
    }
    return "self" if aggregate == "account" else str(getattr(event, fields[aggregate]))


def append(url: str, events: list[Recorded], head: str = GENESIS) -> str:
    """Write events of one account into the log as the engine does; the new head."""
    mapper = JournalMapper()
    sealed, head = seal(head, [mapper.to_stored_event(event) for event in events])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT plimsoll.append_events(%b::text[], %b::bigint[], %b::text[], %b::bytea[],"
            " %b::bigint[])",
            (
                [event.originator_id for event in sealed],
                [event.originator_version for event in sealed],
                [event.topic for event in sealed],
                [event.state for event in sealed],
                [],
            ),
        )
    return head


def opened_account(story: Story) -> Story:
    """A paper account with 10 000 USDT and the default settings."""
    registered = AccountRegistered(
        installation="home",
        venue="binanceusdm",
        market_kind="linear",
        paper=True,
        currency="USDT",
        starting_balance=D(10000),
        settings=Settings(),
        actor="ann",
    )
    opened = AccountOpened(
        installation="home",
        venue="binanceusdm",
        market_kind="linear",
        paper=True,
        currency="USDT",
        starting_balance=D(10000),
        actor="ann",
    )
    ruled = SettingsChanged(version=1, settings=Settings(), actor="ann", reason="opened")
    return story.input(registered).then(opened, ruled)


def signal(story: Story, signal_id: str = "s1", body: str = "{}") -> Story:
    """An authentic webhook."""
    received = SignalReceived(
        signal_id=signal_id,
        received_at=MORNING,
        source="203.0.113.7",
        body=body,
        body_hash=f"hash-{signal_id}",
    )
    return story.input(received, signal_id)


def read(signal_id: str = "s1", symbol: str = SYMBOL) -> SignalRead:
    """An entry, understood."""
    return SignalRead(
        signal_id=signal_id,
        kind="entry",
        symbol=symbol,
        timeframe="15",
        side="long",
        price=D(60000),
        sent_at=None,
        body_hash=f"hash-{signal_id}",
        idempotency_key="",
        read_at=MORNING,
    )


def queued(signal_id: str, number: int, price: Decimal = ENTRY) -> QueuedSignal:
    """An entry that waits."""
    return QueuedSignal(
        signal_id=signal_id,
        symbol="ETH/USDT:USDT",
        timeframe="15",
        side="long",
        price=price,
        waiting_since=MORNING,
        queued_at=MORNING,
        number=number,
        reason="max_open_groups",
        expected_profit=D("1.2"),
    )
