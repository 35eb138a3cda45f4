"""The leverage of each symbol as an account's settings want it, where it may be changed."""

from decimal import Decimal

from adapters.exchanges.simulated.account import LinearHoldings
from adapters.exchanges.simulated.core import MatchingCore
from domain.settings import Settings, resolve


def set_leverages(core: MatchingCore, settings: Settings) -> None:
    """Set every symbol that is flat and without orders; the others keep theirs, as at a venue."""
    if not isinstance(core.holdings, LinearHoldings):
        return
    busy = {order.ticket.symbol for order in core.open_orders()}
    busy |= {held.symbol for held in core.held()}
    for instrument in core.instruments():
        if instrument.symbol not in busy:
            wanted = resolve(settings, instrument.symbol, None).capital.leverage
            core.holdings.set_leverage(instrument.symbol, Decimal(wanted))
