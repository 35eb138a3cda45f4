"""The Book: every open state of one account in memory, changed only by recorded events."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType, ModuleType
from typing import Any, cast

import msgspec

from application.journal import GENESIS, Recorded, encode_canonical
from domain import (
    account,
    brakes,
    dca_leg,
    equity,
    holdings,
    offset,
    offset_watch,
    order,
    position_group,
    pyramid,
    queue,
    risk_engine,
    trading_day,
    waiting_entry,
)
from domain import exit as exits
from domain.account import Account
from domain.brakes import Brakes
from domain.dca_leg import DCALeg
from domain.equity import Equity
from domain.exit import NO_EXIT, Exit
from domain.holdings import Holdings
from domain.identity import aggregate_of, group_of, stop_id, stream_name
from domain.instrument import Instrument, completed
from domain.message import Input, MarkSeen
from domain.offset import Offset
from domain.offset_watch import OffsetWatch
from domain.order import Order
from domain.position_group import PositionGroup
from domain.pyramid import Pyramid
from domain.queue import Queue
from domain.risk_engine import RiskEngine
from domain.trading_day import EngineStarted, TradingDay, TradingDayBegun, TradingDayOpened
from domain.waiting_entry import WaitingEntry

AGGREGATES: Mapping[str, ModuleType] = MappingProxyType(
    {
        "account": account,
        "brakes": brakes,
        "dca_leg": dca_leg,
        "equity": equity,
        "exit": exits,
        "holdings": holdings,
        "offset": offset,
        "offset_watch": offset_watch,
        "order": order,
        "position_group": position_group,
        "pyramid": pyramid,
        "queue": queue,
        "risk_engine": risk_engine,
        "trading_day": trading_day,
        "waiting_entry": waiting_entry,
    }
)
DAILY = (
    "brakes",
    "equity",
    "holdings",
    "offset_watch",
    "queue",
    "risk_engine",
    "trading_day",
)

# What open trades and their legs are derived from.
_TRADES = frozenset({"dca_leg", "position_group", "pyramid", "risk_engine"})
_ABSENT = object()


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One stream as the state hash sees it."""

    stream: str
    version: int
    state: Any


class Book:
    """All states of one account. Processes read it; only the engine writes to it.

    Every collection is read in a sorted order, so that no run differs from another.
    """

    def __init__(self, account_name: str) -> None:
        self.account_name = account_name
        self.head = GENESIS
        # The open trading day as YYYY-MM-DD, empty before the first.
        self.date = ""
        self.last_at: datetime | None = None
        self.marks: Mapping[str, MarkSeen] = {}
        self._states: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        # Client ids of every order, and of those the venue may still act on.
        self._orders: set[str] = set()
        self._working: set[str] = set()
        # Asked for by every process with every tick, and the same until a trade changes.
        self._open_groups: tuple[PositionGroup, ...] | None = None
        self._legs: dict[str, tuple[DCALeg, ...]] = {}
        self._undo: list[tuple[str, Any, int]] | None = None
        self._before: tuple[str, str, datetime | None, Mapping[str, MarkSeen]] | None = None

    def state(self, stream: str) -> Any:  # noqa: ANN401 - each aggregate has a state of its own
        """The state of a stream, None if it is not open."""
        return self._states.get(stream)

    def version(self, stream: str) -> int:
        """The number of events of a stream, 0 if it is not open."""
        return self._versions.get(stream, 0)

    @property
    def account(self) -> Account:
        """The account's own state. Raises LookupError before it was opened."""
        found = self._one("account", "self")
        if found is None:
            raise LookupError(f"account {self.account_name} was never opened; register it first")
        return cast("Account", found)

    @property
    def is_opened(self) -> bool:
        """Whether the account was ever registered."""
        return self._one("account", "self") is not None

    @property
    def day(self) -> TradingDay:
        """The open trading day."""
        return cast("TradingDay", self._daily("trading_day"))

    @property
    def queue(self) -> Queue:
        """The queue of the open day."""
        return cast("Queue", self._daily("queue"))

    @property
    def risk(self) -> RiskEngine:
        """The risk engine of the open day."""
        return cast("RiskEngine", self._daily("risk_engine"))

    @property
    def brakes(self) -> Brakes:
        """What holds new exposure back on the open day."""
        return cast("Brakes", self._younger("brakes") or Brakes())

    @property
    def equity(self) -> Equity:
        """The equity's peak and what became of it, as of the open day."""
        return cast("Equity", self._younger("equity") or Equity())

    @property
    def offset_watch(self) -> OffsetWatch:
        """Which losers may be paid down, as of the open day."""
        return cast("OffsetWatch", self._younger("offset_watch") or OffsetWatch())

    @property
    def holdings(self) -> Holdings:
        """What the account holds beside its groups' lots, as of the open day."""
        return cast("Holdings", self._daily("holdings"))

    @property
    def offset(self) -> Offset | None:
        """The offset under way, if there is one."""
        return cast("Offset | None", self._one("offset", self.offset_watch.current))

    def group(self, group_id: str) -> PositionGroup | None:
        """A position group by id."""
        return cast("PositionGroup | None", self._one("position_group", group_id))

    def pyramid(self, pyramid_id: str) -> Pyramid | None:
        """A pyramid by id."""
        return cast("Pyramid | None", self._one("pyramid", pyramid_id))

    def waiting_entry(self, pyramid_id: str) -> WaitingEntry | None:
        """What became of an entry that had to wait for its market's rules, by its pyramid."""
        return cast("WaitingEntry | None", self._one("waiting_entry", pyramid_id))

    def leg(self, leg_id: str) -> DCALeg | None:
        """A leg by id."""
        return cast("DCALeg | None", self._one("dca_leg", leg_id))

    def exit(self, exit_id: str) -> Exit:
        """The exit of a leg, a pyramid or a group, or the stop of a group."""
        return cast("Exit | None", self._one("exit", exit_id)) or NO_EXIT

    def order(self, client_order_id: str) -> Order | None:
        """An order by client id."""
        return cast("Order | None", self._one("order", client_order_id))

    def instrument(self, symbol: str) -> Instrument | None:
        """A market's rules, if the account knows them; missing ones by the settings' fallback."""
        instruments, rules = self.account.instruments, self.account.settings.precision
        found = next((known for known in instruments if known.symbol == symbol), None)
        if found is None or rules.on_missing != "fallback" or rules.fallback is None:
            return found
        return completed(found, rules.fallback)

    def open_groups(self) -> tuple[PositionGroup, ...]:
        """Groups that hold a slot, in the order of their opening."""
        if self._open_groups is None:
            groups = (self.group(group_id) for group_id in sorted(self.risk.slots))
            held = [group for group in groups if group is not None and group.holds_slot]
            held.sort(key=lambda group: (group.opened.opened_at, group.opened.group_id))
            self._open_groups = tuple(held)
        return self._open_groups

    def legs_of(self, group: PositionGroup) -> tuple[DCALeg, ...]:
        """A group's legs by pyramid and rung."""
        group_id = group.opened.group_id
        if group is not self.group(group_id):
            # As it was some events ago.
            return tuple(self._laid_out(group))
        if group_id not in self._legs:
            self._legs[group_id] = tuple(self._laid_out(group))
        return self._legs[group_id]

    def exits_of(self, group: PositionGroup) -> Iterator[tuple[str, Exit]]:
        """Every exit a group may have, with its id: its stop, its own, its pyramids', its legs'."""
        whole = group.opened.group_id
        legs = (leg.plan.leg_id for leg in self.legs_of(group))
        for exit_id in (stop_id(whole), whole, *group.pyramid_ids, *legs):
            yield exit_id, self.exit(exit_id)

    def orders(self) -> Iterator[Order]:
        """Every order of the open books, by client id."""
        for client_order_id in sorted(self._orders):
            yield self._one("order", client_order_id)

    def working_orders(self) -> Iterator[Order]:
        """The orders that are not final, by client id."""
        for client_order_id in sorted(self._working):
            yield self._one("order", client_order_id)

    def apply(self, recorded: Recorded) -> None:
        """Fold one event. Raises AssertionError on a gap in its stream."""
        expected = self.version(recorded.stream) + 1
        assert recorded.version == expected, (
            f"event {recorded.event_id} does not follow version {expected - 1} of its stream"
        )
        aggregate = AGGREGATES[aggregate_of(recorded.stream)]
        before = self._states.get(recorded.stream)
        self._note_undo(recorded.stream)
        self._put(recorded.stream, aggregate.evolve(before, recorded.event), recorded.version)
        self.last_at = recorded.at
        self._see_marks(recorded)
        if isinstance(recorded.event, TradingDayOpened):
            self.date = recorded.event.date
            self._prune(recorded.event)

    def begin(self) -> None:
        """Remember everything from here, until `keep` or `undo`."""
        assert self._undo is None, "the book is already in the middle of an input"
        self._undo = []
        self._before = (self.head, self.date, self.last_at, self.marks)

    def keep(self) -> None:
        """What happened since `begin` stays."""
        self._undo = None
        self._before = None

    def undo(self) -> None:
        """As if nothing had happened since `begin`."""
        assert self._undo is not None, "there is nothing to undo"
        assert self._before is not None, "what was before is remembered together"
        for stream, state, version in reversed(self._undo):
            if state is _ABSENT:
                self._drop(stream)
            else:
                self._put(stream, state, version)
        self.head, self.date, self.last_at, self.marks = self._before
        self.keep()

    def open_streams(self) -> dict[str, int]:
        """The streams that live on into the next day, with their versions."""
        return {
            stream: self._versions[stream]
            for stream in sorted(self._states)
            if self._lives_on(stream)
        }

    def state_hash(self) -> str:
        """SHA-256 over all states that live on or are handed over, sorted by stream."""
        hasher = hashlib.sha256()
        for stream in sorted(self._states):
            if aggregate_of(stream) in DAILY or self._lives_on(stream):
                raw = encode_canonical(
                    _Standing(
                        stream=stream, version=self._versions[stream], state=self._states[stream]
                    )
                )
                hasher.update(len(raw).to_bytes(8, "big") + raw)
        return hasher.hexdigest()

    def stream_of(self, aggregate: str, key: str) -> str:
        """The stream a command goes to; a daily aggregate's is the open day's unless named."""
        return stream_name(aggregate, self.account_name, key or self.date)

    def _one(self, aggregate: str, key: str) -> Any:  # noqa: ANN401 - see `state`
        return self._states.get(stream_name(aggregate, self.account_name, key))

    def _daily(self, aggregate: str) -> Any:  # noqa: ANN401 - see `state`
        found = self._one(aggregate, self.date)
        assert found is not None, f"account {self.account_name} has no open {aggregate}"
        return found

    def _younger(self, aggregate: str) -> Any:  # noqa: ANN401 - see `state`
        """One that a day opened by an earlier release does not have: None there."""
        found = self._one(aggregate, self.date)
        assert found is not None or self.date, f"account {self.account_name} has no open day"
        return found

    def _see_marks(self, recorded: Recorded) -> None:
        """A day and an engine begin without marks: what they saw before is hearsay."""
        match recorded.event:
            case TradingDayBegun() | EngineStarted():
                self.marks = {}
            case Input(marks=marks) if marks:
                self.marks = {**self.marks, **{mark.symbol: mark for mark in marks}}
            case _:
                return

    def _put(self, stream: str, state: Any, version: int) -> None:  # noqa: ANN401 - see `state`
        self._forget_derived(stream)
        self._states[stream] = state
        self._versions[stream] = version
        if isinstance(state, Order):
            client_order_id = state.request.client_order_id
            self._orders.add(client_order_id)
            if state.is_final:
                self._working.discard(client_order_id)
            else:
                self._working.add(client_order_id)

    def _laid_out(self, group: PositionGroup) -> Iterator[DCALeg]:
        for pyramid_id in group.pyramid_ids:
            pyramid = self.pyramid(pyramid_id)
            leg_ids = pyramid.plan.leg_ids if pyramid is not None else ()
            legs = (self.leg(leg_id) for leg_id in leg_ids)
            yield from (leg for leg in legs if leg is not None)

    def _forget_derived(self, stream: str) -> None:
        if aggregate_of(stream) in _TRADES:
            self._open_groups = None
            self._legs.clear()

    def _drop(self, stream: str) -> None:
        self._forget_derived(stream)
        self._states.pop(stream, None)
        self._versions.pop(stream, None)
        client_order_id = stream.split(":", 2)[2]
        self._orders.discard(client_order_id)
        self._working.discard(client_order_id)

    def _note_undo(self, stream: str) -> None:
        if self._undo is not None:
            state = self._states.get(stream, _ABSENT)
            self._undo.append((stream, state, self._versions.get(stream, 0)))

    def _prune(self, opened: TradingDayOpened) -> None:
        """What closed yesterday leaves the memory: the log alone keeps it."""
        today = stream_name("trading_day", self.account_name, opened.date)
        for stream in sorted(self._states):
            if stream not in opened.streams and stream != today:
                self._note_undo(stream)
                self._drop(stream)

    def _lives_on(self, stream: str) -> bool:
        aggregate, _, key = stream.split(":", 2)
        if aggregate == "account":
            return True
        if aggregate in DAILY:
            return False
        if aggregate == "offset":
            return key == self.offset_watch.current
        group = self.group(self._group_of(aggregate, key))
        return group is not None and group.holds_slot

    def _group_of(self, aggregate: str, key: str) -> str:
        if aggregate == "order":
            order_state = self.order(key)
            assert order_state is not None, f"order {key} is open without a state"
            return order_state.request.group_id
        return group_of(key)
