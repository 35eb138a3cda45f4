"""What can be seen of an account at the simulated venue: prices, orders, positions, equity."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from adapters.exchanges.simulated.account import Holdings, LinearHoldings, Position
from adapters.exchanges.simulated.book import OrderBook
from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.simulated.spot_account import SpotHoldings
from adapters.exchanges.simulated.state import (
    Holding,
    VenueState,
    WorkingOrder,
    held_positions,
    position_sides,
)
from domain.instrument import Instrument, PositionMode
from domain.money import DECISION_CONTEXT, ZERO


class VenueView:
    """One account as it stands. Amounts are in the account's currency."""

    def __init__(self, currency: str, *, hedge_mode: bool) -> None:
        self.currency = currency
        self._hedge_mode = hedge_mode
        self._instruments: dict[str, Instrument] = {}
        self._prices: dict[str, Decimal] = {}
        self._book = OrderBook()
        self._holdings: LinearHoldings | SpotHoldings
        self._trades_made = 0
        self._funded_at: dict[str, datetime] = {}

    def price(self, symbol: str) -> Decimal | None:
        """The current price; in a sweep the level reached."""
        return self._prices.get(symbol)

    def prices(self) -> dict[str, Decimal]:
        """The current price of every symbol that has one."""
        return dict(self._prices)

    def instrument(self, symbol: str) -> Instrument | None:
        """The rules of a listed market."""
        return self._instruments.get(symbol)

    def instruments(self) -> tuple[Instrument, ...]:
        """All listed markets, by symbol."""
        return tuple(self._instruments[symbol] for symbol in sorted(self._instruments))

    def order(self, client_order_id: str) -> VenueOrder | None:
        """The order that works, or last ended, under this id."""
        return self._book.find(client_order_id)

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """The working orders and the stops that wait, in order of arrival."""
        return tuple(self._book.working.values())

    @property
    def hedge_mode(self) -> bool:
        """Whether a symbol has a long and a short position, and every order names its own."""
        return self._hedge_mode

    @property
    def sides(self) -> tuple[PositionMode, ...]:
        """The position sides of the account: `both` alone, or `long` and `short`."""
        return position_sides(hedge_mode=self._hedge_mode)

    def held(self) -> tuple[Holding, ...]:
        """The positions that are not flat, by symbol and side."""
        with localcontext(DECISION_CONTEXT):
            return held_positions(self.instruments(), self._holdings, self.sides)

    def positions(self, side: PositionMode = "both") -> dict[str, Decimal]:
        """Signed contracts per symbol (spot: base asset) on one side, flat ones left out.

        Raises ValueError for a side that the account does not have.
        """
        self._require_side(side)
        return {held.symbol: held.quantity for held in self.held() if held.side == side}

    def position(self, symbol: str, side: PositionMode = "both") -> Position:
        """Quantity and cost of one symbol.

        Raises KeyError for an unknown symbol, ValueError for a side the account does not have.
        """
        self._require_side(side)
        return self._holdings.position(self._instruments[symbol], side)

    @property
    def holdings(self) -> Holdings:
        """The account itself: leverage, assets, margin."""
        return self._holdings

    @property
    def balance(self) -> Decimal:
        """Start + realized − fees ± funding (spot: the currency owned)."""
        return self._holdings.balance

    @property
    def fee_balance(self) -> Decimal:
        """What is left of the asset that fees are paid with; zero if there is none."""
        kept = self._holdings.fee_asset
        return ZERO if kept is None else kept.balance

    @property
    def free(self) -> Decimal:
        """What neither positions nor working orders hold."""
        with localcontext(DECISION_CONTEXT):
            return self._holdings.free(self._book.working.values(), self._instruments)

    @property
    def unrealized(self) -> Decimal:
        """Profit of the open positions at current prices."""
        with localcontext(DECISION_CONTEXT):
            return sum((self._profit(instrument) for instrument in self.instruments()), ZERO)

    @property
    def equity(self) -> Decimal:
        """Balance + unrealized profit; on spot the balance + the worth of what was bought.

        What is kept to pay fees with does not count.
        """
        with localcontext(DECISION_CONTEXT):
            if isinstance(self._holdings, LinearHoldings):
                return self.balance + self.unrealized
            worth = (
                self._holdings.quantity(instrument) * self._prices.get(instrument.symbol, ZERO)
                for instrument in self.instruments()
            )
            return self.balance + sum(worth, ZERO)

    def state(self) -> VenueState:
        """What a core must be restored with to go on as this one would."""
        return VenueState(
            balance=self.balance,
            holdings=self.held(),
            orders=_kept(self.open_orders()),
            prices=self.prices(),
            orders_accepted=self._book.accepted_count,
            trades_made=self._trades_made,
            hedge_mode=self._hedge_mode,
            fee_asset=self._holdings.fee_asset,
            funded_at=dict(self._funded_at),
        )

    def _profit(self, instrument: Instrument) -> Decimal:
        price = self._prices.get(instrument.symbol)
        if price is None:
            return ZERO
        positions = [self._holdings.position(instrument, side) for side in self.sides]
        return sum(
            (price * each.quantity * instrument.contract_size - each.cost for each in positions),
            ZERO,
        )

    def _require_side(self, side: PositionMode) -> None:
        if side not in self.sides:
            choices = " or ".join(self.sides)
            message = f"position side was {side}: this account has {choices}, name one"
            raise ValueError(message)


def _kept(orders: Sequence[VenueOrder]) -> tuple[WorkingOrder, ...]:
    return tuple(
        WorkingOrder(
            ticket=order.ticket,
            venue_order_id=order.venue_order_id,
            accepted_at=order.accepted_at,
            trades=order.trades,
        )
        for order in orders
    )
