"""The venue as the truth: what works there and what is held, compared with the Book."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from adapters.exchanges.rounds import RoundLimits, RoundNews, Rounds
from application.inputs import OrderReported, Traded
from application.ports import Submit
from application.work import OpenOrder, ReconcilableExchange, WorkingOrder

log = structlog.get_logger(__name__)

NEWS = RoundNews(periodic="reconciliation_round", broke="reconciliation_broke")


class ReconciledBook(Protocol):
    """What a reconciliation needs to know of an account's Book. Read from the event loop."""

    def working_orders(self) -> Sequence[WorkingOrder]:
        """Orders that work at the venue, as far as we know."""
        ...

    def knows_order(self, client_order_id: str) -> bool:
        """Whether an order of this client id is open in the Book."""
        ...

    def is_current(self) -> bool:
        """Whether it is the account's one truth now: loaded, and the lease confirmed."""
        ...

    def symbols_in_use(self) -> Sequence[str]:
        """Symbols with orders or positions of ours."""
        ...


class Reconciliation:
    """Compares at start, after each reconnect and periodically. One per account.

    Orders that vanished are asked about, orphans that would add exposure are cancelled,
    and the snapshot goes to the engine, which judges positions against the Book as it then is.
    """

    def __init__(
        self,
        account: str,
        exchange: ReconcilableExchange,
        book: ReconciledBook,
        submit: Submit,
        limits: RoundLimits | None = None,
    ) -> None:
        self._account = account
        self._exchange = exchange
        self._book = book
        self._submit = submit
        self._round = asyncio.Lock()
        self._rounds = Rounds(
            self.reconcile, limits or RoundLimits(), NEWS, log.bind(account=account)
        )

    def start(self) -> None:
        """Begin with a round at once."""
        self._rounds.start()

    def request(self, reason: str) -> None:
        """Ask for a round soon, as after a reconnect. From the event loop."""
        log.info("reconciliation_requested", account=self._account, reason=reason)
        self._rounds.request()

    async def stop(self) -> None:
        """End the rounds; one under way is given up, since it changes nothing of ours."""
        await self._rounds.stop()

    async def reconcile(self) -> bool:
        """One round. Whether the venue could be read."""
        async with self._round:
            # Taken before asking: what is placed meanwhile is not missing.
            working = tuple(self._book.working_orders())
            try:
                seen = await self._exchange.reconcile(self._book.symbols_in_use())
                await self._ask_about_vanished(working, frozenset(seen.open_client_order_ids))
                await self._cancel_orphans(seen.open_client_order_ids)
            except ConnectionError as error:
                log.warning("reconciliation_failed", account=self._account, error=str(error))
                return False
            self._submit(self._account, seen)
            return True

    async def _ask_about_vanished(
        self, working: Sequence[WorkingOrder], is_open: frozenset[str]
    ) -> None:
        """All are asked before any answer is told, and trades are told before what ended.

        An exit that the venue ended because another order sold its lot must find the lot gone.
        Exits come first: what they have become is to be made good before anything else.
        """
        heard: list[OrderReported] = []
        for order in sorted(working, key=lambda order: not order.closes):
            if order.client_order_id not in is_open:
                heard.extend(await self._exchange.query(order.client_order_id, order.symbol))
        for reported in sorted(heard, key=_is_no_trade):
            self._submit(self._account, reported)

    async def _cancel_orphans(self, identities: Sequence[str]) -> None:
        """Ours by their prefix, but the Book has no open order of that id.

        Only a current Book may say so: an outdated one does not know the newest orders.
        """
        if not self._book.is_current():
            return
        orphans = {identity for identity in identities if not self._book.knows_order(identity)}
        if not orphans:
            return
        for order in await self._exchange.open_orders():
            if order.client_order_id in orphans:
                await self._treat_orphan(order)

    async def _treat_orphan(self, order: OpenOrder) -> None:
        if self._book.knows_order(order.client_order_id) or not self._book.is_current():
            return
        if order.reduce_only:
            # It can only close what we hold: kept, and the operator is told.
            log.warning("orphan_exit_kept", order=order.client_order_id, symbol=order.symbol)
            return
        log.error("orphan_entry_cancelled", order=order.client_order_id, symbol=order.symbol)
        # The Book has no order to book these reports on; the positions will show what filled.
        reports = await self._exchange.cancel(order.client_order_id, order.symbol)
        log.info("orphan_answer", order=order.client_order_id, reports=repr(reports))


def _is_no_trade(reported: OrderReported) -> bool:
    return not isinstance(reported.report, Traded)
