"""Prices as they pass, for people to look at; no decision ever reads them here."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
import psycopg

from domain.message import MarkSeen

# An older mark never replaces a newer one, whatever order writers come in.
_UPSERT_MARKS = """
    INSERT INTO plimsoll.live_marks AS known (account, symbol, price, at)
    SELECT %s, symbol, price, at
    FROM unnest(%s::text[], %s::numeric[], %s::timestamptz[]) AS seen (symbol, price, at)
    ON CONFLICT (account, symbol) DO UPDATE SET price = excluded.price, at = excluded.at
    WHERE known.at < excluded.at
"""

# A minute may be written twice, by an engine that stopped within it and its successor: the
# opening stays, the extremes widen, the close is the later one's.
_UPSERT_TAPE = """
    INSERT INTO plimsoll.market_tape AS known (account, symbol, minute, open, high, low, close)
    SELECT %s, symbol, minute, open, high, low, close
    FROM unnest(%s::text[], %s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[],
                %s::numeric[]) AS passed (symbol, minute, open, high, low, close)
    ON CONFLICT (account, symbol, minute) DO UPDATE
    SET high = greatest(known.high, excluded.high), low = least(known.low, excluded.low),
        close = excluded.close
"""


class TapeMinute(msgspec.Struct, frozen=True, kw_only=True):
    """The marks of one symbol within the minute that begins at `minute`, in quote units."""

    symbol: str
    minute: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


def write_live_marks(
    connection: psycopg.Connection, account: str, marks: Sequence[MarkSeen]
) -> None:
    """Show these marks, one a symbol. Call at most once a second."""
    connection.execute(
        _UPSERT_MARKS,
        (account, [m.symbol for m in marks], [m.price for m in marks], [m.at for m in marks]),
        prepare=True,
    )


def read_live_marks(connection: psycopg.Connection, account: str) -> list[MarkSeen]:
    """The newest marks shown, by symbol; none right after a crash of the server."""
    rows = connection.execute(
        "SELECT symbol, price, at FROM plimsoll.live_marks WHERE account = %s ORDER BY symbol",
        (account,),
    )
    return [MarkSeen(symbol=symbol, price=price, at=at) for symbol, price, at in rows]


def write_tape(connection: psycopg.Connection, account: str, minutes: Sequence[TapeMinute]) -> None:
    """Keep what the market did, a row per symbol and minute, each at most once a call."""
    columns = [
        [getattr(minute, column) for minute in minutes] for column in TapeMinute.__struct_fields__
    ]
    connection.execute(_UPSERT_TAPE, (account, *columns), prepare=True)


def read_tape(
    connection: psycopg.Connection, account: str, symbol: str, span: tuple[datetime, datetime]
) -> Iterator[TapeMinute]:
    """The minutes of one symbol within [start, end), in order."""
    rows = connection.execute(
        "SELECT symbol, minute, open, high, low, close FROM plimsoll.market_tape"
        " WHERE account = %s AND symbol = %s AND minute >= %s AND minute < %s ORDER BY minute",
        (account, symbol, *span),
    )
    for row in rows:
        yield TapeMinute(**dict(zip(TapeMinute.__struct_fields__, row, strict=True)))
