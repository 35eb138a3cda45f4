"""Names derived from their cause, so that the same inputs always give the same ids."""

import hashlib
import re
from base64 import b32encode

ACCOUNT_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
CLIENT_ORDER_ID_LENGTH = 29

# The pseudo-account of what concerns the installation and no account: never traded.
HOUSE = "house"


def stream_name(aggregate: str, account: str, key: str) -> str:
    """`<aggregate>:<account>:<key>`, the name of one aggregate's stream in the log."""
    return f"{aggregate}:{account}:{key}"


def aggregate_of(stream: str) -> str:
    """The aggregate a stream belongs to."""
    return stream.split(":", 1)[0]


def account_of(stream: str) -> str:
    """The account a stream belongs to."""
    return stream.split(":", 2)[1]


def group_id(account: str, signal_id: str) -> str:
    """A position group is named after the signal that opened it."""
    return f"g{_digest(account, signal_id)[:12].lower()}"


def pyramid_id(group: str, index: int) -> str:
    """The pyramid `index` of a group."""
    return f"{group}-p{index}"


def leg_id(pyramid: str, index: int) -> str:
    """The DCA leg `index` of a pyramid."""
    return f"{pyramid}-l{index}"


def stop_id(group: str) -> str:
    """The exit that guards a whole group against a loss."""
    return f"{group}-stop"


def offset_id(group: str, number: int) -> str:
    """The account's `number`th offset, named after the loser it pays down."""
    return f"{group}-o{number}"


def group_of(part: str) -> str:
    """The group that the id of a pyramid or leg, or the group's own, begins with."""
    return part.split("-", 1)[0]


def trade_key(symbol: str, timeframe: str, side: str) -> str:
    """What at most one group may be open for, and at most one signal may wait for."""
    return f"{symbol}|{timeframe}|{side}"


def installation_prefix(installation: str, account: str) -> str:
    """The first nine characters of every client order id of one account of one installation."""
    return "P" + _digest("installation", installation)[:4] + _digest("account", account)[:4]


def client_order_id(prefix: str, subject: str, purpose: str, attempt: int) -> str:
    """At most 32 letters and digits, the strictest venue's limit (OKX).

    `subject` is the leg or group the order serves; the same cause always gives the same id.
    """
    return prefix + _digest(subject, purpose, str(attempt))[: CLIENT_ORDER_ID_LENGTH - len(prefix)]


def _digest(*parts: str) -> str:
    """Base32 of the SHA-256 over length-prefixed parts: letters and digits only."""
    hasher = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        hasher.update(len(raw).to_bytes(4, "big") + raw)
    return b32encode(hasher.digest()).decode().rstrip("=")
