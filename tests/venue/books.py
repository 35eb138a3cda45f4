"""The books of a paper account by hand: as much of a Book and its log as a rebuilding reads."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import cast

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.rebuilding import rebuilt_state
from adapters.exchanges.simulated.state import VenueState
from application.book import Book
from application.journal import EventLog, Recorded
from domain.account import Account, AccountOpened
from domain.dca_leg import DCALeg, LegPlanned
from domain.holdings import Holdings
from domain.identity import stream_name
from domain.instrument import Instrument, PositionSide
from domain.order import Order, OrderFilled, OrderRequested
from domain.order_terms import OrderStatus
from domain.pnl import Lot
from domain.position_group import PositionGroup, PositionGroupOpened
from domain.risk_engine import RiskEngine
from domain.settings import Settings
from tests.application.desk import ACCOUNT, BTC, MARKETS, MORNING

D = Decimal
START = D(1000)


class PaperBooks:
    """Groups of one leg each, orders and their fills, under `settings`."""

    def __init__(self, settings: Settings, realized_total: str = "0") -> None:
        opened = AccountOpened(
            installation="house",
            venue="simulated",
            market_kind="linear",
            paper=True,
            currency="USDT",
            starting_balance=START,
            actor="ann",
        )
        self.account_name = ACCOUNT
        self.account = Account(opened=opened, settings=settings, instruments=MARKETS)
        self.risk = RiskEngine(realized_total=D(realized_total))
        self.holdings = Holdings()
        self._settings = settings
        self._groups: dict[str, tuple[PositionGroup, DCALeg]] = {}
        self._orders: list[Order] = []
        self._fills: dict[str, Sequence[OrderFilled]] = {}

    def holds(
        self, group_id: str, side: PositionSide, quantity: str, price: str, entry_fee: str = "0"
    ) -> None:
        """A group whose one leg entered `quantity` at `price`."""
        opened = PositionGroupOpened(
            group_id=group_id,
            symbol=BTC,
            timeframe="15",
            side=side,
            signal_id="s1",
            grid=self._settings.grid,
            exits=self._settings.exits,
            capital=self._settings.capital,
            settings_version=1,
            opened_at=MORNING,
        )
        lot = Lot(quantity=D(quantity), cost=D(quantity) * D(price), entry_fee=D(entry_fee))
        leg = DCALeg(plan=_plan(group_id, side, lot), lot=lot)
        self._groups[group_id] = (PositionGroup(opened=opened), leg)

    def requested(
        self, request: OrderRequested, accepted: str = "", fills: Sequence[OrderFilled] = ()
    ) -> None:
        """An order, under its venue id if the venue was heard to have it."""
        status = OrderStatus.OPEN if accepted else OrderStatus.REQUESTED
        filled = sum((fill.quantity for fill in fills), D(0))
        order = Order(request=request, status=status, venue_order_id=accepted, filled=filled)
        self._orders.append(order)
        self._fills[stream_name("order", ACCOUNT, request.client_order_id)] = fills

    def rebuilt(self) -> VenueState:
        """What the venue must hold."""
        return rebuilt_state(cast("Book", self), cast("EventLog", self), MORNING)

    def restored(self) -> MatchingCore:
        """A venue that goes on from there, without prices."""
        core = MatchingCore(instruments=MARKETS, currency="USDT", balance=D(1))
        core.restore(self.rebuilt())
        return core

    def open_groups(self) -> tuple[PositionGroup, ...]:
        return tuple(self._groups[group_id][0] for group_id in sorted(self._groups))

    def legs_of(self, group: PositionGroup) -> tuple[DCALeg, ...]:
        return (self._groups[group.opened.group_id][1],)

    def orders(self) -> Iterator[Order]:
        yield from self._orders

    def instrument(self, symbol: str) -> Instrument | None:
        return next((listed for listed in MARKETS if listed.symbol == symbol), None)

    def stream(self, stream: str) -> Iterator[Recorded]:
        for version, fill in enumerate(self._fills[stream], start=1):
            yield Recorded(
                stream=stream,
                version=version,
                event=fill,
                at=fill.traded_at,
                causation_id="",
                correlation_id="",
            )


def _plan(group_id: str, side: PositionSide, lot: Lot) -> LegPlanned:
    price = lot.cost / lot.quantity
    return LegPlanned(
        leg_id=f"{group_id}-p0-l0",
        group_id=group_id,
        pyramid_id=f"{group_id}-p0",
        index=0,
        signal_id="s1",
        symbol=BTC,
        side=side,
        price=price,
        quantity=lot.quantity,
        gap_percent=D(0),
        weight_percent=D(100),
        take_profit_percent=D(1),
        contract_size=D(1),
        reserve_price=price,
        planned_at=MORNING,
    )
