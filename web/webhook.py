"""The door for signals: what is authentic is made durable, and only then answered with 202."""

import asyncio
import hashlib
import hmac
import secrets
from base64 import b32hexencode
from collections import OrderedDict
from datetime import datetime
from http import HTTPStatus

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from application.inbox import InboxUnavailable
from application.inputs import SignalReceived
from domain.webhook_body import MASK, BodyRefused, Redaction, body_hash, parse_body, redact
from web.answers import Problem, Refusal, Refused, json_answer, unauthorized, unavailable
from web.connection import AnyRequest
from web.deps import WebAccount, WebDeps
from web.documents import SignalAccepted, answers_with
from web.guard import OPEN
from web.program_log import log
from web.sources import TRADINGVIEW_PRESET, SourceLimiter, is_listed, source_of

BODY_BYTES_MAX = 64 * 1024
# TradingView gives up after three seconds: better a 503 in time than a 202 nobody hears.
DURABLE_SECONDS_MAX = 2.5
SIGNATURE_HEADER = "X-Signature"
SIGNATURE_PREFIX = "sha256="
COUNTED_MINUTES_MAX = 1440


class AnswerCounts:
    """Webhook requests by answer: in all, and by source and minute for the latest ones."""

    def __init__(self) -> None:
        self._totals: dict[int, int] = {}
        self._by_minute: OrderedDict[tuple[str, str, int], int] = OrderedDict()

    def add(self, status: int, source: str, at: datetime) -> None:
        """Count one answer."""
        self._totals[status] = self._totals.get(status, 0) + 1
        minute = at.strftime("%Y-%m-%dT%H:%MZ")
        key = (minute, source, status)
        self._by_minute[key] = self._by_minute.get(key, 0) + 1
        if len(self._by_minute) > COUNTED_MINUTES_MAX:
            self._by_minute.popitem(last=False)

    @property
    def totals(self) -> dict[str, int]:
        """Requests by status since the start."""
        return {str(status): self._totals[status] for status in sorted(self._totals)}


class WebhookDoor:
    """Judges and stores one webhook. Holds the limiter and the counts, nothing else."""

    def __init__(self, deps: WebDeps) -> None:
        self._deps = deps
        self._limiter = SourceLimiter(deps.source_limit)
        self.counts = AnswerCounts()

    async def receive(self, account_id: str, request: AnyRequest) -> str:
        """The new signal's id, after it was made durable. Raises Refused otherwise."""
        source = source_of(request, self._deps.trusted_proxies)
        try:
            signal_id = await self._accepted(account_id, source, request)
        except (Refused, HTTPException) as error:
            self._count(_status(error), source)
            raise
        self._count(HTTPStatus.ACCEPTED, source)
        return signal_id

    async def _accepted(self, account_id: str, source: str, request: AnyRequest) -> str:
        self._limit(source)
        account = self._deps.accounts.find(account_id)
        if account is None:
            raise _unknown_account(account_id)
        _check_source(account, source)
        raw = await request.body()
        redaction = _authentic(account, raw, request.headers.get(SIGNATURE_HEADER))
        return await self._store(account, source, _checked(account, redaction))

    def _limit(self, source: str) -> None:
        if self._limiter.admits(source, self._deps.clock.monotonic()):
            return
        message = f"requests from {source} came too fast: send fewer a second"
        # TradingView resends after a 5xx only; a 429 would lose the signal for ever.
        if is_listed(source, (TRADINGVIEW_PRESET,)):
            raise unavailable(message)
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, message, headers={"Retry-After": "1"})

    async def _store(self, account: WebAccount, source: str, body: str) -> str:
        now = self._deps.clock.now()
        signal = SignalReceived(
            signal_id=new_signal_id(now),
            received_at=now,
            source=source,
            body=body,
            body_hash=body_hash(body),
        )
        try:
            async with asyncio.timeout(DURABLE_SECONDS_MAX):
                await self._deps.inbox.put(account.account, signal)
        except (InboxUnavailable, TimeoutError) as error:
            log.warning("signal_not_durable", account=account.account, reason=str(error))
            raise unavailable("the signal was not made durable: send it again") from error
        return signal.signal_id

    def _count(self, status: int, source: str) -> None:
        self.counts.add(status, source, self._deps.clock.now())


@post(
    "/webhook/{account_id:str}",
    status_code=HTTPStatus.ACCEPTED,
    request_max_body_size=BODY_BYTES_MAX,
    opt={OPEN: True},
    tags=["Webhook"],
    summary="Receive one signal; 202 only after it is durable",
    responses={
        202: answers_with(SignalAccepted, "The signal is durable"),
        400: answers_with(Refusal, "Not JSON, or a required field is missing"),
        401: answers_with(Refusal, "Wrong or missing secret or signature"),
        404: answers_with(Refusal, "Unknown account"),
        413: answers_with(Refusal, "Over 64 KiB"),
        429: answers_with(Refusal, "Too many requests from this source"),
        503: answers_with(Refusal, "Not made durable: send again"),
    },
)
async def receive_signal(
    account_id: FromPath[str],
    request: AnyRequest,
    webhook: NamedDependency[WebhookDoor],
) -> Response[bytes]:
    """Authenticate by `secret` in the body or by `X-Signature: sha256=<hex HMAC of the body>`."""
    signal_id = await webhook.receive(account_id, request)
    return json_answer(SignalAccepted(signal_id=signal_id), HTTPStatus.ACCEPTED)


def new_signal_id(now: datetime) -> str:
    """Sortable by receipt: milliseconds, then 64 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    raw = milliseconds.to_bytes(6, "big") + secrets.token_bytes(9)
    return "s" + b32hexencode(raw).decode().lower()


def _status(error: Refused | HTTPException) -> int:
    return error.refusal.status if isinstance(error, Refused) else error.status_code


def _unknown_account(account_id: str) -> Refused:
    problem = Problem(
        field="account_id",
        value=account_id[:80],
        remedy="use the webhook address shown on the dashboard",
    )
    return Refused(HTTPStatus.NOT_FOUND, "the account is unknown", [problem])


def _check_source(account: WebAccount, source: str) -> None:
    allowed = account.source_allow_list
    if allowed and not is_listed(source, allowed):
        problem = Problem(
            field="source",
            value=source,
            remedy="add the address to signals.source_allow_list of the account's settings",
        )
        raise Refused(HTTPStatus.FORBIDDEN, "the source address is not allowed", [problem])


def _authentic(account: WebAccount, raw: bytes, signature: str | None) -> Redaction:
    """The body without its secret, if a signature or the secret proves where it is from."""
    secret = account.webhook_secret.encode()
    if signature is not None and not _is_signed(secret, raw, signature):
        raise unauthorized(f"{SIGNATURE_HEADER} was not the HMAC of this body: sign its raw bytes")
    try:
        redaction = redact(raw)
    except BodyRefused as error:
        raise _unusable(error) from error
    if signature is None and not _is_secret(secret, redaction.secret):
        raise unauthorized("secret was missing or wrong: put the account's webhook secret into it")
    return redaction


def _is_signed(secret: bytes, raw: bytes, signature: str) -> bool:
    expected = SIGNATURE_PREFIX + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    written = signature.strip().lower().encode(errors="replace")
    return hmac.compare_digest(written, expected.encode())


def _is_secret(secret: bytes, written: str | None) -> bool:
    # Hashed first, so that not even the length shows in the time of the answer.
    given = hashlib.sha256((written or "").encode(errors="surrogatepass")).digest()
    return hmac.compare_digest(given, hashlib.sha256(secret).digest()) and written is not None


def _checked(account: WebAccount, redaction: Redaction) -> str:
    """The body to store, known to have what every signal must have."""
    body = redaction.body.replace(account.webhook_secret, MASK)
    try:
        parse_body(body)
    except BodyRefused as error:
        raise _unusable(error) from error
    return body


def _unusable(error: BodyRefused) -> Refused:
    missing = [
        Problem(field=field, value="missing", remedy="add it to the alert's message")
        for field in error.missing
    ]
    unreadable = Problem(field="body", value="not usable", remedy="send the alert template's JSON")
    message = str(error) if missing else "the body was no JSON object"
    return Refused(HTTPStatus.BAD_REQUEST, message, missing or [unreadable])
