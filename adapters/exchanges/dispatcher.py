"""Carries out what the log asks of a venue: the one door through which orders leave."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import structlog

from adapters.clock import SteadyClock
from adapters.exchanges.dispatch_queue import (
    Desk,
    DispatchLimits,
    Lane,
    OrderKey,
    first_delay,
    is_same_wish,
    order_key,
)
from application.inputs import AnswerLost, OrderReported, SendWindowMissed
from application.ports import Exchange, Submit
from application.work import NotSentError, OrderWork

log = structlog.get_logger(__name__)


class Dispatcher:
    """Turns the Book's open work into venue calls and their answers into inputs.

    It keeps nothing of its own that a restart would miss. Promises: commands of one client
    id go strictly in turn; one (client id, sending) is placed at most once, but for calls
    that provably never left; nothing leaves unless the lease was confirmed just before.
    """

    def __init__(
        self,
        exchanges: Mapping[str, Exchange],
        submit: Submit,
        clock: SteadyClock,
        lease_confirmed_at: Callable[[], float],
        limits: DispatchLimits | None = None,
    ) -> None:
        self._exchanges = exchanges
        self._submit = submit
        self._clock = clock
        self._lease_confirmed_at = lease_confirmed_at
        self._limits = limits or DispatchLimits()
        self._loop = asyncio.get_running_loop()  # so it must be made inside one
        self._desks: dict[str, Desk] = {}
        self._sent: OrderedDict[OrderKey, None] = OrderedDict()
        self._calls: dict[asyncio.Task[None], OrderWork] = {}
        self._is_stopping = False

    def update(self, account: str, works: Sequence[OrderWork]) -> None:
        """Take the account's complete open work, as committed. From any thread; never blocks."""
        self._loop.call_soon_threadsafe(self._take, account, tuple(works))

    async def stop(self) -> tuple[OrderWork, ...]:
        """Start no further call and wait `stop_seconds_max` for those under way.

        None is cancelled, since a cancelled place may have placed; the rest is returned.
        """
        self._is_stopping = True
        for desk in self._desks.values():
            for lane in desk.lanes.values():
                lane.stop_timer()
        if self._calls:
            await asyncio.wait(tuple(self._calls), timeout=self._limits.stop_seconds_max)
        unfinished = tuple(self._calls.values())
        if unfinished:
            log.error("calls_unfinished_at_stop", works=repr(unfinished))
        return unfinished

    def _take(self, account: str, works: tuple[OrderWork, ...]) -> None:
        if self._is_stopping:
            return
        if account not in self._exchanges:
            log.error("account_without_exchange", account=account, orders=len(works))
            return
        desk = self._desks.setdefault(account, Desk(account))
        wanted = {work.client_order_id for work in works}
        for identity in [name for name in desk.lanes if name not in wanted]:
            self._drop(desk, identity)
        for work in works:
            self._wish(desk, work)

    def _drop(self, desk: Desk, identity: str) -> None:
        lane = desk.lanes[identity]
        lane.stop_timer()
        lane.work = None
        if not lane.is_busy:
            del desk.lanes[identity]

    def _wish(self, desk: Desk, work: OrderWork) -> None:
        lane = desk.lanes.setdefault(work.client_order_id, Lane())
        is_news = not is_same_wish(lane.work, work)
        lane.work = work
        if not is_news:
            return
        lane.tried = 0
        self._note_sending(lane, work)
        if not lane.is_busy:
            self._plan(desk, lane, first_delay(work, self._limits))

    def _note_sending(self, lane: Lane, work: OrderWork) -> None:
        """Remember whether this very order was in our hands without ever being sent."""
        key = order_key(work)
        if work.state == "requested":
            lane.unsent = None if key in self._sent else key
        elif work.state != "cancel_requested":
            lane.unsent = None
            lane.missed = None

    def _plan(self, desk: Desk, lane: Lane, delay: float) -> None:
        lane.stop_timer()
        if delay > 0 and not self._is_stopping:
            lane.timer = self._loop.call_later(delay, self._enqueue, desk, lane)
        elif not self._is_stopping:
            self._enqueue(desk, lane)

    def _enqueue(self, desk: Desk, lane: Lane) -> None:
        lane.timer = None
        desk.enqueue(lane)
        self._plan_pump(desk)

    def _plan_pump(self, desk: Desk) -> None:
        """Choose only once everything that came together stands in line."""
        if not desk.is_pump_planned:
            desk.is_pump_planned = True
            self._loop.call_soon(self._pump, desk)

    def _pump(self, desk: Desk) -> None:
        desk.is_pump_planned = False
        while not self._is_stopping and (lane := desk.next_lane(self._limits)) is not None:
            assert lane.work is not None, "next_lane gives only lanes with work"
            desk.calls += 1
            lane.is_busy = True
            task = self._loop.create_task(self._serve(desk, lane, lane.work))
            self._calls[task] = lane.work
            task.add_done_callback(self._calls.pop)

    async def _serve(self, desk: Desk, lane: Lane, work: OrderWork) -> None:
        try:
            delay = await self._carry_out(lane, work)
        except Exception:
            # The step is taken up again later: a lane must never stand still for ever.
            log.exception("dispatch_failed", client_order_id=work.client_order_id)
            delay = self._limits.unheard_seconds
        finally:
            lane.is_busy = False
            desk.calls -= 1
            self._plan_pump(desk)
        if lane.work is None:
            desk.lanes.pop(work.client_order_id, None)
        elif is_same_wish(work, lane.work):
            self._plan(desk, lane, delay)
        else:
            self._note_sending(lane, lane.work)
            self._plan(desk, lane, first_delay(lane.work, self._limits))

    async def _carry_out(self, lane: Lane, work: OrderWork) -> float:
        """One step of one order. Gives the wait before the next, if it is still wanted."""
        if self._is_never_to_be_sent(lane, work):
            return self._miss(lane, work)
        if not self._holds_lease():
            log.warning("lease_unconfirmed", client_order_id=work.client_order_id)
            return self._limits.lease_retry_seconds
        exchange = self._exchanges[work.account]
        if work.state == "requested" and order_key(work) not in self._sent:
            return await self._place(exchange, lane, work)
        return await self._ask_or_cancel(exchange, lane, work)

    def _is_never_to_be_sent(self, lane: Lane, work: OrderWork) -> bool:
        """Whether an order still in our hands was called off, or an entry is too late."""
        key = order_key(work)
        if lane.missed == key:
            return True
        if lane.unsent != key:
            return False
        if work.state == "cancel_requested":
            return True
        if work.purpose != "entry" or work.send_before is None:
            return False
        return self._clock.now() >= work.send_before

    def _miss(self, lane: Lane, work: OrderWork) -> float:
        lane.missed = order_key(work)
        self._hand_over(work, (_reported(work, SendWindowMissed()),))
        return self._limits.unheard_seconds

    def _holds_lease(self) -> bool:
        oldest = self._clock.monotonic() - self._limits.lease_seconds_max
        return self._lease_confirmed_at() >= oldest

    async def _place(self, exchange: Exchange, lane: Lane, work: OrderWork) -> float:
        key = order_key(work)
        self._remember_sent(key)
        lane.unsent = None
        try:
            lane.reports = tuple(await exchange.place(work.ticket))
        except NotSentError as error:
            self._sent.pop(key, None)
            lane.unsent = key
            return self._retry_delay(lane, error)
        except Exception as error:
            # Whatever broke, the order may be at the venue: only asking can tell.
            log.exception("place_failed", client_order_id=work.client_order_id)
            lost = AnswerLost(detail=f"{type(error).__name__} while placing")
            lane.reports = (_reported(work, lost),)
        self._hand_over(work, lane.reports)
        return self._limits.unheard_seconds

    async def _ask_or_cancel(self, exchange: Exchange, lane: Lane, work: OrderWork) -> float:
        identity = work.client_order_id
        if work.state == "requested":
            # The answer to our place was handed over but never came back as a decision.
            self._hand_over(work, lane.reports)
        call = exchange.cancel if work.state == "cancel_requested" else exchange.query
        try:
            reports = await call(identity, work.symbol)
        except NotSentError as error:
            return self._retry_delay(lane, error)
        except Exception:
            # A question or a cancel may be repeated at any time, so nothing is lost.
            log.exception("call_failed", client_order_id=identity, state=work.state)
            return self._retry_delay(lane, None)
        self._hand_over(work, reports)
        return self._retry_delay(lane, None)

    def _retry_delay(self, lane: Lane, error: NotSentError | None) -> float:
        lane.tried += 1
        delay = self._limits.delay(lane.tried)
        if error is None:
            return delay
        log.warning("call_not_sent", reason=error.reason, retry=error.retry_after_seconds)
        return max(self._limits.delay(lane.tried - 1), error.retry_after_seconds)

    def _remember_sent(self, key: OrderKey) -> None:
        assert key not in self._sent, f"order {key} was already sent"
        self._sent[key] = None
        while len(self._sent) > self._limits.sent_remembered_max:
            self._sent.popitem(last=False)

    def _hand_over(self, work: OrderWork, reports: Sequence[OrderReported]) -> None:
        for report in reports:
            self._submit(work.account, report)


def _reported(work: OrderWork, report: AnswerLost | SendWindowMissed) -> OrderReported:
    return OrderReported(client_order_id=work.client_order_id, report=report)
