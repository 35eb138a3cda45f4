"""One unmodified ccxt instance per account, and the raw answers below its exceptions."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from decimal import localcontext
from typing import Any

import ccxt.pro
import msgspec

from adapters.clock import SteadyClock
from adapters.exchanges.ccxt_outcomes import Asked, WireAnswer
from adapters.exchanges.contact import ContactWatch, is_word_of_venue
from adapters.exchanges.rate_halt import RateHalt
from application.work import NotSentError

# Of the rate limit, questions may use this much; the rest always stands open for orders.
QUESTIONS_SHARE_MAX = 0.7
RESERVE_RETRY_SECONDS = 5.0


class CcxtConnection(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one account. `recv_window_ms`: how long the venue honours a request."""

    venue: str
    api_key: str
    secret: str
    password: str | None = None
    proxy_url: str | None = None
    ca_file: str | None = None
    testnet: bool = False
    recv_window_ms: int = 5_000
    timeout_ms: int = 10_000

    def __repr__(self) -> str:
        """Names the account's door, never its keys."""
        return f"CcxtConnection(venue={self.venue!r}, testnet={self.testnet}, keys=***)"

    __str__ = __repr__

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """As `repr`: for consoles that print structs by themselves."""
        return [("venue", self.venue), ("testnet", self.testnet), ("keys", "***")]


_heard: ContextVar[list[WireAnswer] | None] = ContextVar("heard", default=None)


class CcxtClient:
    """Makes calls through ccxt and keeps what the venue really said."""

    def __init__(
        self,
        connection: CcxtConnection,
        options: Mapping[str, object],
        rate_limit_ms: int,
        clock: SteadyClock,
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.halt = RateHalt(clock)
        self.contact = ContactWatch(clock)
        self.api: Any = _open(connection, options, rate_limit_ms)
        self._on_rest_response = self.api.on_rest_response
        # ccxt offers this method to be replaced; it runs inside the calling task.
        self.api.on_rest_response = self._hear

    async def ask(
        self, call: Callable[[], Awaitable[object]], *, is_trading: bool = False
    ) -> Asked:
        """Make one call. Raises NotSentError while it must not leave.

        That is while the venue has us pause, and for what is not trading also while the
        share of the rate limit that is kept for trading would be touched.
        """
        pause = self.halt.remaining()
        if pause > 0:
            message = f"{self.connection.venue} ordered a pause of {pause:.1f} s more"
            raise NotSentError(message, retry_after_seconds=pause)
        if not is_trading and self._used_share() >= QUESTIONS_SHARE_MAX:
            message = "the rest of the rate limit is kept for orders; ask later"
            raise NotSentError(message, retry_after_seconds=RESERVE_RETRY_SECONDS)
        answers: list[WireAnswer] = []
        token = _heard.set(answers)
        try:
            # ccxt rewrites rounding and traps of the decimal context it runs in.
            with localcontext():
                value = await call()
        except Exception as error:  # noqa: BLE001 -- every failure is judged by its raw facts
            return Asked(error=error, answer=answers[-1] if answers else None)
        finally:
            _heard.reset(token)
        return Asked(value=value, answer=answers[-1] if answers else None)

    async def close(self) -> None:
        """Close every connection."""
        await self.api.close()

    def _used_share(self) -> float:
        """How much of ccxt's rolling window is spent; its queue is first come, first served."""
        throttler = self.api.throttler
        oldest = self.api.milliseconds() - throttler.config["windowSize"]
        spent = sum(entry["cost"] for entry in throttler.timestamps if entry["timestamp"] > oldest)
        return float(spent / throttler.config["maxWeight"])

    def _hear(self, *args: Any) -> str:  # noqa: ANN401 -- the shape is ccxt's
        """Take (code, reason, url, method, headers, body, request headers, request body)."""
        status, headers, body = int(args[0]), dict(args[4]), str(args[5])
        self.halt.hear(status, headers, body)
        if is_word_of_venue(status, body):
            self.contact.heard()
        answers = _heard.get()
        if answers is not None:
            answers.append(WireAnswer(status=status, headers=headers, body=body))
        return str(self._on_rest_response(*args))


def _open(connection: CcxtConnection, options: Mapping[str, object], rate_limit_ms: int) -> Any:  # noqa: ANN401 -- ccxt has no types
    config: dict[str, object] = {
        "apiKey": connection.api_key,
        "secret": connection.secret,
        "timeout": connection.timeout_ms,
        "enableRateLimit": True,
        # A rolling window lets a burst of orders out at once; a leaky bucket would space
        # them by 200 ms each, polls before orders.
        "rateLimiterAlgorithm": "rollingWindow",
        "rollingWindowSize": 60_000,
        "rateLimit": rate_limit_ms,
        "options": {**options, "recvWindow": connection.recv_window_ms},
    }
    if connection.password is not None:
        config["password"] = connection.password
    if connection.proxy_url is not None:
        config["httpsProxy"] = connection.proxy_url
        config["wssProxy"] = connection.proxy_url
    if connection.ca_file is not None:
        config["cafile"] = connection.ca_file
    api = getattr(ccxt.pro, connection.venue)(config)
    # ccxt writes request headers, which carry the API key, to its logger at DEBUG.
    api.logger = logging.getLogger("ccxt.quiet")
    api.logger.setLevel(logging.WARNING)
    if connection.testnet:
        api.enable_demo_trading(enable=True)
    return api
