"""Binance's signed requests: who sent it, is it unaltered, is it fresh."""

import hashlib
import hmac
from urllib.parse import parse_qsl

import msgspec

RECV_WINDOW_DEFAULT_MS = 5_000
AHEAD_MAX_MS = 1_000
SIGNATURE = "&signature="


class Refusal(Exception):  # noqa: N818 - not an error of ours: the venue's answer to a request.
    """A request the venue refuses, with its HTTP status, code and words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The one API key this venue knows."""

    api_key: str
    secret: str


def check_key(credentials: Credentials, api_key: str | None) -> None:
    """Raises Refusal -2014 or -2015 unless the key is the known one."""
    if not api_key:
        raise Refusal(401, -2014, "API-key format invalid.")
    if not hmac.compare_digest(api_key, credentials.api_key):
        raise Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")


def signed_parameters(credentials: Credentials, payload: str, now_ms: int) -> dict[str, str]:
    """The parameters of a signed payload (query, then body).

    Raises Refusal: -1102 without signature or timestamp, -1022 if the signature isn't of this
    secret and payload, -1021 if the timestamp lies outside the window around `now_ms`.
    """
    signed, found, signature = payload.rpartition(SIGNATURE)
    if not found:
        raise missing("signature")
    expected = hmac.new(credentials.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise Refusal(400, -1022, "Signature for this request is not valid.")

    parameters = plain_parameters(signed)
    sent_ms = _milliseconds(parameters, "timestamp")
    window = RECV_WINDOW_DEFAULT_MS
    if "recvWindow" in parameters:
        window = _milliseconds(parameters, "recvWindow")
    if not now_ms - window <= sent_ms <= now_ms + AHEAD_MAX_MS:
        raise Refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")
    return parameters


def plain_parameters(payload: str) -> dict[str, str]:
    """The parameters of an unsigned payload."""
    return dict(parse_qsl(payload, keep_blank_values=True))


def missing(name: str) -> Refusal:
    """What the venue says of a parameter that was left out or is malformed."""
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return Refusal(400, -1102, text)


def _milliseconds(parameters: dict[str, str], name: str) -> int:
    text = parameters.get(name, "")
    if not text.isdigit():
        raise missing(name)
    return int(text)
