"""What can go wrong between us and a venue, to be made to happen on a chosen call."""

from collections import deque
from typing import Literal

import msgspec

Manner = Literal["answer", "drop", "hang", "truncate"]
StreamFault = Literal["drop", "duplicate", "reorder"]

CREATE_ORDER = "POST /fapi/v1/order"
CANCEL_ORDER = "DELETE /fapi/v1/order"
QUERY_ORDER = "GET /fapi/v1/order"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """How a call fails: whether the venue acts on it first, and what comes back instead.

    `truncate` sends the venue's own answer, but breaks the connection in its middle.
    """

    accepts: bool
    manner: Manner = "answer"
    status: int = 200
    body: str = ""
    content_type: str = "text/html"
    retry_after_seconds: int | None = None


def _json(status: int, code: int, message: str, *, accepts: bool) -> Fault:
    body = msgspec.json.encode({"code": code, "msg": message}).decode()
    return Fault(accepts=accepts, status=status, body=body, content_type="application/json")


UNKNOWN_ERROR = "Unknown error, please check your request or try again later."
BUS_ERROR = "An unexpected response was received from the message bus. Execution status unknown."
BACKEND_TIMEOUT = (
    "Timeout waiting for response from backend server. "
    "Send status unknown; execution status unknown."
)
ORDER_LIMIT = "Too many new orders; current limit is 300 orders per TEN_SECONDS."

# The names say whether the venue acted before or after which it failed.
FAULTS: dict[str, Fault] = {
    "drop_before": Fault(accepts=False, manner="drop"),
    "drop_after": Fault(accepts=True, manner="drop"),
    "hang_before": Fault(accepts=False, manner="hang"),
    "hang_after": Fault(accepts=True, manner="hang"),
    "truncated_after": Fault(accepts=True, manner="truncate"),
    "html_after": Fault(accepts=True, body="<html>please wait</html>"),
    "empty_after": Fault(accepts=True, content_type="application/json"),
    "403_before": Fault(accepts=False, status=403, body="<html>403</html>"),
    "502_after": Fault(accepts=True, status=502, body="<html>Bad gateway</html>"),
    "503_before": Fault(accepts=False, status=503, body="<html>Service unavailable</html>"),
    "503_unknown_after": _json(503, -1000, UNKNOWN_ERROR, accepts=True),
    "504_after": Fault(accepts=True, status=504, body="<html>gateway timeout</html>"),
    "520_after": Fault(accepts=True, status=520),
    "524_after": Fault(accepts=True, status=524, body="<html>a timeout occurred</html>"),
    "-1006_after": _json(400, -1006, BUS_ERROR, accepts=True),
    "-1007_after": _json(400, -1007, BACKEND_TIMEOUT, accepts=True),
    "-1008_before": _json(
        400, -1008, "Request throttled by system-level protection.", accepts=False
    ),
    "-1015_before": _json(429, -1015, ORDER_LIMIT, accepts=False),
    "418_before": _json(418, -1003, "Way too many requests; IP banned.", accepts=False),
    "429_before": Fault(
        accepts=False,
        status=429,
        body='{"code":-1003,"msg":"Too many requests"}',
        content_type="application/json",
        retry_after_seconds=7,
    ),
}


class FaultPlan:
    """Which calls fail next, and how; and what becomes of the next private stream frames."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[Fault]] = {}
        self._frames: deque[StreamFault] = deque()

    def inject(self, kind: str, *, call: str = CREATE_ORDER, count: int = 1) -> None:
        """Let the next `count` calls of `call` (`METHOD /path`) fail. Raises KeyError."""
        if kind not in FAULTS:
            message = f"fault was {kind!r}: choose one of {', '.join(sorted(FAULTS))}"
            raise KeyError(message)
        self._calls.setdefault(call, deque()).extend([FAULTS[kind]] * count)

    def inject_stream(self, kind: StreamFault, *, count: int = 1) -> None:
        """Drop, double or swap (with its successor) the next `count` private frames."""
        if kind not in ("drop", "duplicate", "reorder"):
            message = f"stream fault was {kind!r}: choose drop, duplicate or reorder"
            raise KeyError(message)
        self._frames.extend([kind] * count)

    def next_call(self, call: str) -> Fault | None:
        """Take the fault of this call, if one is due."""
        waiting = self._calls.get(call)
        return waiting.popleft() if waiting else None

    def next_frame(self) -> StreamFault | None:
        """Take the fault of the next private frame, if one is due."""
        return self._frames.popleft() if self._frames else None

    def clear(self) -> None:
        """Let everything work again."""
        self._calls.clear()
        self._frames.clear()
