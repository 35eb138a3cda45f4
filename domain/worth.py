"""What an account is worth by its own books, and what that is made of."""

from decimal import Decimal

import msgspec


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts in the capital currency; `capital` includes transfers."""

    capital: Decimal
    realized: Decimal
    unrealized: Decimal
    committed: Decimal

    @property
    def equity(self) -> Decimal:
        """Spec §6."""
        return self.capital + self.realized + self.unrealized
