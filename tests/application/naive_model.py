"""The account kept a second time, by hand: from recorded facts alone, without the engine's code.

Read are what came in (signals, the venue's reports, funding, marks) and what was asked for
(orders with their purpose, quantity, price and legs). What follows from them for lots, money,
reservations, slots and the ledger is worked out here, one fact after the other.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from tests.application.naive_orders import NaiveOrder
from tests.application.naive_prices import asked_wrongly
from tests.application.naive_trades import NaiveGroup, NaiveLeg, in_steps

D = Decimal
SIDES = {"buy": "long", "long": "long", "sell": "short", "short": "short"}


class NaiveModel:
    """One account. Amounts in the capital currency, quantities in contracts."""

    def __init__(self) -> None:
        self.currency = ""
        self.settings: Any = None
        self.markets: dict[str, Any] = {}
        self.marks: dict[str, Decimal] = {}
        self.orders: dict[str, NaiveOrder] = {}
        self.groups: dict[str, NaiveGroup] = {}
        # What was written off as too small to be sold, by position: it is still at the venue.
        self.dust: dict[tuple[str, str], Decimal] = {}
        self.dust_value = D(0)
        self.fundings: set[str] = set()
        # Funding that no trade of ours had a share in: that of dust alone.
        self.unshared = D(0)
        self.received: dict[str, Any] = {}
        self.outcomes: dict[str, str] = {}
        self.queued: dict[str, tuple[str, str, str]] = {}
        self.resends: set[str] = set()
        # The latest body of each key, to know a resend by.
        self._latest: dict[tuple[str, str, str], tuple[str, datetime]] = {}
        # Prices watched by us in place of an order: exit id -> the legs they would sell.
        self.watched: dict[str, tuple[str, ...]] = {}
        self.forced: set[str] = set()
        # What each sale realized, by its client id.
        self.made: dict[str, Decimal] = {}
        # What new exposure waits for: trading allowed, agreement with the venue, a ladder going on.
        self.trading = "active"
        self.disputed: set[tuple[str, str]] = set()
        self.halted: set[str] = set()
        # Counts the inputs: what follows from one of them was decided in one breath.
        self.breath = 0
        self._told: dict[str, Callable[[Any, datetime], None]] = {
            "trading_day.account_registered.v1": self._registered,
            "trading_day.settings_submitted.v1": self._submitted,
            "trading_day.instruments_seen.v1": self._listed,
            "trading_day.begun.v1": self._new_eyes,
            "trading_day.engine_started.v1": self._new_eyes,
            "trading_day.signal_received.v1": self._received,
            "trading_day.signal_judged.v1": self._judged,
            "queue.signal_queued.v1": self._queued,
            "queue.signal_replaced.v1": self._replaced,
            "trading_day.order_reported.v1": self._reported,
            "trading_day.funding_reported.v1": self._funded,
            "trading_day.operator_acted.v1": self._operated,
            "risk_engine.trading_state_changed.v1": self._changed_trading,
            "holdings.discrepancy_found.v1": self._differed,
            "holdings.discrepancy_cleared.v1": self._agreed,
            "pyramid.entries_halted.v1": self._halted,
            "exit.watched.v1": self._watched,
            "exit.touched.v1": self._unwatched,
            "exit.unwatched.v1": self._unwatched,
            "exit.requested.v1": self._unwatched,
            "position_group.opened.v1": self._opened,
            "position_group.pyramid_admitted.v1": self._admitted,
            "position_group.closing.v1": self._closing,
            "position_group.reduction_started.v1": self._reduction,
            "position_group.reduction_ended.v1": self._reduced,
            "position_group.stop_trailed.v1": self._trailed,
            "dca_leg.planned.v1": self._planned,
            "dca_leg.dust_written_off.v1": self._written_off,
            "order.requested.v1": self._requested,
            "order.cancel_requested.v1": self._cancel_requested,
            "order.unknown.v1": self._doubted,
        }

    def follow(self, event: Any, now: datetime) -> None:
        """Write down one recorded fact."""
        with localcontext(prec=60):
            self.breath += hasattr(event, "marks")
            for mark in getattr(event, "marks", ()):
                self.marks[mark.symbol] = mark.price
            told = self._told.get(event.NAME)
            if told is not None:
                told(event, now)
            self._close_the_flat()

    def open_groups(self) -> dict[str, NaiveGroup]:
        """The trades that hold a slot."""
        return {name: group for name, group in self.groups.items() if not group.closed}

    def working(self, group_id: str) -> list[NaiveOrder]:
        """The orders of a trade that the venue may still act on."""
        every = self.orders.values()
        return [o for o in every if o.asked.group_id == group_id and not o.is_final]

    def was_stopped(self, group_id: str) -> bool:
        """Whether a stop of it traded at the venue, whatever else offered its lots there."""
        every = [order for order in self.orders.values() if order.asked.group_id == group_id]
        return any(order.asked.purpose == "stop" and order.filled for order in every)

    def reservations(self) -> dict[str, tuple[Decimal, Decimal]]:
        """By leg: what its resting entry may still cost, and what its lot cost."""
        entries = {
            order.asked.leg_id
            for order in self.orders.values()
            if order.asked.purpose == "entry" and not order.is_final
        }
        reserved = {}
        for group in self.open_groups().values():
            for leg_id, leg in group.legs.items():
                rest = max(D(0), leg.plan.quantity - leg.bought) if leg_id in entries else D(0)
                reserved[leg_id] = (rest * leg.reserve_price * leg.size, leg.cost)
        return {leg_id: both for leg_id, both in reserved.items() if any(both)}

    def positions(self) -> dict[tuple[str, str], Decimal]:
        """Lots and dust, signed, by symbol and side: what the venue should hold."""
        held = dict(self.dust)
        for group in self.open_groups().values():
            held[group.position] = held.get(group.position, D(0)) + group.sign * group.held
        return {position: quantity for position, quantity in held.items() if quantity}

    def closable(self, group: NaiveGroup) -> Decimal:
        """What an order may get out: dust of the other direction took its part at the venue."""
        if self.markets[group.opened.symbol].kind == "spot":
            return group.held
        position = group.sign * self.positions().get(group.position, D(0))
        return max(D(0), min(group.held, position))

    def unguarded(self) -> list[str]:
        """Legs with something to sell that no exit offers, nobody watches and nobody sells."""
        guarded = {leg for covers in self.watched.values() for leg in covers}
        for order in self.orders.values():
            if order.asked.purpose == "take_profit" and not order.is_final:
                guarded |= set(order.asked.covers)
        found = []
        for group in self.open_groups().values():
            market = self.markets[group.opened.symbol]
            for leg_id, leg in group.legs.items():
                is_left = leg_id not in guarded and leg_id not in group.reducing
                if is_left and leg.held >= market.min_quantity and not group.closing:
                    found.append(leg_id)
        return found

    def realized(self) -> Decimal:
        """All that was ever earned or lost."""
        return sum((group.realized for group in self.groups.values()), D(0))

    def worth(self, prices: Mapping[str, Decimal]) -> Decimal:
        """All that was earned, and what lots and dust would bring at these prices."""
        with localcontext(prec=60):
            total = self.realized() + self.unshared - self.dust_value
            for group in self.open_groups().values():
                for leg in group.lots():
                    value = prices[group.opened.symbol] * leg.held * leg.size
                    total += group.sign * (value - leg.cost) - leg.entry_fee
            for (symbol, _), quantity in self.dust.items():
                total += quantity * prices[symbol] * self.markets[symbol].contract_size
            return total

    def state_of(self, group_id: str) -> str:
        """Spec §4: derived from its orders and fills."""
        group = self.groups[group_id]
        if group.closed:
            return "CLOSED"
        if group.closing:
            return "CLOSING"
        own = [o for o in self.orders.values() if o.asked.group_id == group_id]
        rests = any(o.asked.purpose == "entry" and not o.is_final for o in own)
        if any(leg.bought for leg in group.legs.values()):
            return "DCA_ACTIVE" if rests else "PROFIT_TAKING"
        return "LIVE" if own else "WAITING"

    def _registered(self, event: Any, _: datetime) -> None:
        self.currency = event.currency
        self.settings = event.settings

    def _submitted(self, event: Any, _: datetime) -> None:
        self.settings = event.settings

    def _listed(self, event: Any, _: datetime) -> None:
        self.markets.update({market.symbol: market for market in event.instruments})

    def _new_eyes(self, _: Any, __: datetime) -> None:
        """A day, and an engine, believe no price seen before."""
        self.marks = {}

    def _received(self, event: Any, now: datetime) -> None:
        body = json.loads(event.body)
        self.received[event.signal_id] = body
        if self._is_resend(event.body, body, now):
            self.resends.add(event.signal_id)

    def _is_resend(self, text: str, body: Any, now: datetime) -> bool:
        """The same bytes as the latest signal of its key, so soon after it; never an exit."""
        tv, intent = body["tv"], body["execution_intent"]
        side = SIDES.get(intent["side"] or "", "")
        key = (tv["symbol"], tv["timeframe"] or "", side)
        window = timedelta(seconds=self.settings.signals.duplicate_window_seconds)
        latest, at = self._latest.get(key, ("", now))
        if intent["type"] != "exit" and latest == text and now - at <= window:
            return True
        self._latest[key] = (text, now)
        return False

    def _judged(self, event: Any, _: datetime) -> None:
        self.outcomes[event.signal_id] = event.outcome
        if event.outcome != "queued":
            self.queued.pop(event.signal_id, None)

    def _queued(self, event: Any, _: datetime) -> None:
        entry = event.entry
        self.queued[entry.signal_id] = (entry.symbol, entry.timeframe, entry.side)

    def _replaced(self, event: Any, now: datetime) -> None:
        older = self.queued.pop(event.replaced_signal_id)
        self._queued(event, now)
        assert self.queued[event.entry.signal_id] == older, "another key took its place"

    def _operated(self, event: Any, _: datetime) -> None:
        if event.action == "force_add_signal":
            self.forced.add(event.subject)

    def _changed_trading(self, event: Any, _: datetime) -> None:
        self.trading = event.state

    def _differed(self, event: Any, _: datetime) -> None:
        self.disputed.add((event.discrepancy.symbol, event.discrepancy.side))

    def _agreed(self, event: Any, _: datetime) -> None:
        self.disputed.discard((event.symbol, event.side))

    def _halted(self, event: Any, _: datetime) -> None:
        self.halted.add(event.pyramid_id)

    def _watched(self, event: Any, _: datetime) -> None:
        self.watched[event.exit_id] = event.covers

    def _unwatched(self, event: Any, _: datetime) -> None:
        self.watched.pop(event.exit_id, None)

    def _opened(self, event: Any, _: datetime) -> None:
        """A free slot, unless an operator forced it; in one-way mode no trade against it."""
        key = (event.symbol, event.timeframe, event.side)
        groups = list(self.open_groups().values())
        has_slot = len(groups) < self.settings.pool.max_open_groups
        assert has_slot or event.signal_id in self.forced, f"{key} without a free slot"
        assert key not in [group.key for group in groups], f"{key} twice"
        against = [g.key for g in groups if g.key[0] == event.symbol and g.key[2] != event.side]
        assert event.capital.hedge_mode or not against, f"{key} against {against}"
        self.groups[event.group_id] = NaiveGroup(opened=event)

    def _admitted(self, event: Any, _: datetime) -> None:
        group = self.groups[event.group_id]
        group.pyramids.append(event.pyramid_id)
        assert len(group.pyramids) <= group.opened.grid.max_pyramids, "a pyramid too many"

    def _planned(self, plan: Any, _: datetime) -> None:
        """A short may fill above its limit: it reserves at the mark where that is higher."""
        price = plan.price
        if plan.side == "short" and plan.symbol in self.marks:
            price = max(price, self.marks[plan.symbol])
        leg = NaiveLeg(plan=plan, reserve_price=price)
        self.groups[plan.group_id].legs[plan.leg_id] = leg

    def _requested(self, event: Any, _: datetime) -> None:
        group = self.groups[event.group_id]
        working = self.working(event.group_id)
        was_before = event.purpose == "reduce" and group.closing_in == self.breath
        if event.purpose in ("close", "reduce") and not was_before:
            group.attempts += 1
        wrong = asked_wrongly(event, group, working, self)
        assert not wrong, f"{event.purpose} of {event.group_id}: {wrong}"
        self.orders[event.client_order_id] = NaiveOrder(asked=event)

    def _cancel_requested(self, event: Any, _: datetime) -> None:
        self.orders[event.client_order_id].cancel_wanted = True

    def _doubted(self, event: Any, _: datetime) -> None:
        self.orders[event.client_order_id].doubt()

    def _reported(self, event: Any, now: datetime) -> None:
        order = self.orders.get(event.client_order_id)
        if order is None:
            return
        agrees = getattr(event.report, "position", None) == self._held_with(order)
        is_wanted = order.asked.purpose != "entry" or self._may_enter(order.asked)
        if order.hear(event.report, now, position_agrees=agrees, is_wanted=is_wanted):
            self._traded(order.asked, event.report)

    def _may_enter(self, asked: Any) -> bool:
        """Spec §6: while anything holds trading back, no entry is sent, nor sent again."""
        is_agreed = asked.symbol not in {symbol for symbol, _ in self.disputed}
        goes_on = asked.pyramid_id not in self.halted and not self.groups[asked.group_id].closing
        return self.trading == "active" and is_agreed and goes_on

    def _held_with(self, order: NaiveOrder) -> Decimal:
        position = (order.asked.symbol, order.asked.position_side)
        return self.positions().get(position, D(0))

    def _traded(self, asked: Any, trade: Any) -> None:
        """An entry grows its leg's lot; a sale takes the lots it covers, then any other."""
        group, market = self.groups[asked.group_id], self.markets[asked.symbol]
        fee, kept = trade.fee, D(0)
        if trade.fee_asset == market.base:
            fee = trade.fee * trade.price
            kept = trade.fee if market.kind == "spot" else D(0)
        else:
            assert trade.fee_asset == self.currency, f"a fee in {trade.fee_asset}"
        if asked.purpose == "entry":
            group.legs[asked.leg_id].buy(trade.price, trade.quantity - kept, fee)
            return
        covered = [group.legs[leg_id] for leg_id in asked.covers]
        others = [leg for leg in group.selling_order(market) if leg not in covered]
        before = group.realized
        in_parts = asked.purpose == "reduce"
        excess = group.sell([*covered, *others], trade, fee, in_parts=in_parts)
        made = self.made.get(asked.client_order_id, D(0)) + group.realized - before
        self.made[asked.client_order_id] = made
        assert excess == 0, f"{excess} more were sold of {asked.group_id} than it held"

    def _funded(self, event: Any, _: datetime) -> None:
        """Once, and split by what each trade of the position holds."""
        if event.funding_id in self.fundings:
            return
        self.fundings.add(event.funding_id)
        groups = [
            group
            for group in self.open_groups().values()
            if group.opened.symbol == event.symbol
            and event.position_side in ("both", group.opened.side)
        ]
        held = sum((group.held for group in groups), D(0))
        self.unshared += D(0) if held else event.amount
        for group in groups:
            group.funding += event.amount * group.held / held if held else D(0)

    def _closing(self, event: Any, _: datetime) -> None:
        group = self.groups[event.group_id]
        assert not group.closing, f"{event.group_id} is closed twice"
        group.closing, group.attempts, group.reducing, group.bound = True, 0, {}, None
        group.closing_in = self.breath

    def _reduction(self, event: Any, _: datetime) -> None:
        group = self.groups[event.group_id]
        assert not group.closing, f"{event.group_id} is reduced while closing"
        if not group.reducing:
            group.attempts = 0
        is_alone = not group.reducing or (event.bound is None and group.bound is None)
        assert is_alone, f"{event.group_id} is sold at a bound beside another sale"
        for part in event.parts:
            known = group.reducing.get(part.leg_id, D(0))
            group.reducing[part.leg_id] = known + part.quantity
        group.bound, group.reducing_in = event.bound, self.breath

    def _reduced(self, event: Any, _: datetime) -> None:
        group = self.groups[event.group_id]
        group.reducing, group.bound = {}, None

    def _trailed(self, event: Any, _: datetime) -> None:
        group = self.groups[event.group_id]
        before = event.best if group.best is None else group.best
        assert group.sign * (event.best - before) >= 0, f"the trail of {event.group_id} ran back"
        group.best = event.best

    def _written_off(self, event: Any, _: datetime) -> None:
        """Only of a trade on its way out, with nothing working, and too small for any venue."""
        group = next(group for group in self.groups.values() if event.leg_id in group.legs)
        leg, market = group.legs[event.leg_id], self.markets[group.opened.symbol]
        assert group.closing, f"dust of {event.leg_id} is written off while its trade goes on"
        assert self.working(leg.plan.group_id) == [], "orders may still sell what is written off"
        sellable = in_steps(min(leg.held, self.closable(group)), market.step)
        is_small = sellable < market.min_quantity or sellable == 0
        exempt = market.reduce_only_exempt and market.kind != "spot"
        if not exempt:
            is_small = is_small or sellable * event.price * leg.size < market.min_notional
        assert is_small, f"{sellable} of {event.leg_id} could have been sold"
        signed = group.sign * leg.held
        self.dust[group.position] = self.dust.get(group.position, D(0)) + signed
        self.dust_value += signed * event.price * leg.size
        leg.sell(event.price, leg.held, D(0))

    def _close_the_flat(self) -> None:
        """The slot is free once every order is final and nothing is held."""
        for name, group in self.groups.items():
            if group.closing and not group.closed and not group.held and not self.working(name):
                group.closed = True
