"""What an answer, or its absence, proves about an order: yes, a definite no, never sent, unknown.

ccxt's exception classes prove nothing: the same class stands for orders placed and not
placed, and some placed orders raise nothing at all. Only the raw facts count, and only
what is listed here is definite; everything else is unknown.
"""

import json
import socket
from collections.abc import Iterator, Mapping

import aiohttp
import msgspec

from adapters.exchanges.rate_halt import BANNED, TOO_MANY_REQUESTS
from domain.order_terms import RefusalKind

SERVER_ERROR = 500


class WireAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer as it came: status, headers and the whole body."""

    status: int
    headers: dict[str, str]
    body: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call: what ccxt returned or raised, and the HTTP answer below it, if one came."""

    value: object = None
    error: Exception | None = None
    answer: WireAnswer | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """ccxt returned something. Whether it is an answer to our question is for the reader."""

    value: object


class RefusedByVenue(msgspec.Struct, frozen=True, kw_only=True):
    """A definite no of the whitelist: nothing changed at the venue."""

    code: str
    message: str
    kind: RefusalKind = "other"


class NeverSent(msgspec.Struct, frozen=True, kw_only=True):
    """Provably without effect, and not a judgement: the same call may be made again."""

    reason: str
    retry_after_seconds: float = 0.0


class Unclear(msgspec.Struct, frozen=True, kw_only=True):
    """It may have had its effect, or not."""

    detail: str
    code: str = ""


Outcome = Answered | RefusedByVenue | NeverSent | Unclear


class OutcomeCodes(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's raw codes that prove something, each with its meaning.

    `transient` maps a code to (meaning, seconds to wait at least). `kinds` and, where one code
    stands for many reasons, `worded_kinds` (code, words of the message in small letters) name
    the refusals that are answered otherwise than by giving up the order.
    """

    refusals: Mapping[str, str]
    transient: Mapping[str, tuple[str, float]]
    unknown_order: frozenset[str]
    kinds: Mapping[str, RefusalKind] = {}
    worded_kinds: tuple[tuple[str, str, RefusalKind], ...] = ()

    def kind(self, code: str, message: str) -> RefusalKind:
        """What kind of refusal it is."""
        words = message.lower()
        for worded_code, worded, kind in self.worded_kinds:
            if code == worded_code and worded in words:
                return kind
        return self.kinds.get(code, "other")


# Meanings after developers.binance.com/docs/derivatives/usds-margined-futures/error-code.
# [tried] = seen with unmodified ccxt to leave no order behind; see docs/decisions/0009-ccxt.md.
# Deliberately missing, so that they stay unknown: -1000, -1001, -1006, -1007, -1010, -1016
# (execution status unknown) and -4116 (duplicate client id: this request placed nothing, but
# an order of that id is there, so refusing it would abandon a live order).
BINANCE_USDM_CODES = OutcomeCodes(
    refusals={
        "-1002": "not authorized to execute this request",
        "-1013": "invalid message (a filter failed)",
        "-1014": "unsupported order combination",
        "-1020": "operation not supported",
        "-1022": "signature not valid [tried]",
        "-1100": "illegal characters in a parameter",
        "-1101": "too many parameters",
        "-1102": "a mandatory parameter was missing",
        "-1103": "an unknown parameter was sent",
        "-1104": "not all parameters were read",
        "-1105": "a parameter was empty",
        "-1106": "a parameter was sent when not required",
        "-1111": "precision over the maximum of this asset [tried]",
        "-1114": "time in force sent when not required",
        "-1115": "invalid time in force",
        "-1116": "invalid order type",
        "-1117": "invalid side",
        "-1118": "client order id was empty",
        "-1121": "invalid symbol",
        "-1122": "invalid symbol status",
        "-1128": "combination of parameters invalid",
        "-1130": "a parameter's data is not valid",
        "-2010": "new order rejected",
        "-2014": "API key format invalid",
        "-2015": "invalid API key, address or permissions",
        "-2017": "API keys are locked",
        "-2018": "balance insufficient",
        "-2019": "margin insufficient [tried]",
        "-2021": "would trigger immediately",
        "-2022": "reduce-only rejected [tried]",
        "-2023": "user in liquidation mode",
        "-2024": "position not sufficient",
        "-2025": "maximum of open orders reached",
        "-2026": "order type not supported when reduce-only",
        "-2027": "over the maximum position at this leverage",
        "-2028": "leverage smaller than permitted",
        "-4001": "price less than zero",
        "-4002": "price above the maximum",
        "-4003": "quantity less than zero",
        "-4004": "quantity below the minimum",
        "-4005": "quantity above the maximum",
        "-4013": "price below the minimum",
        "-4014": "price not a multiple of the tick",
        "-4015": "client order id not valid [tried]",
        "-4016": "price above the mark price's band",
        "-4022": "market status wrong",
        "-4023": "quantity not a multiple of the step",
        "-4024": "price below the mark price's band",
        "-4045": "maximum of stop orders reached",
        "-4050": "cross balance insufficient",
        "-4051": "isolated balance insufficient",
        "-4060": "position side invalid",
        "-4061": "position side does not match the account's mode",
        "-4062": "reduce-only value improper",
        "-4087": "account may only reduce",
        "-4088": "account may not place orders",
        "-4118": "reduce-only failed the margin check",
        "-4120": "this type of order goes to the algo endpoints",
        "-4131": "counterparty's price outside the price band",
        "-4140": "symbol status does not allow opening",
        "-4141": "symbol is closed",
        "-4164": "notional below the minimum [tried]",
        "-4192": "cooling-off period",
        "-4400": "trading rules violated, may only reduce",
        "-4401": "compliance, may only reduce",
        "-4402": "feature not available in this region",
        "-5021": "fill-or-kill could not be filled",
        "-5022": "post-only would have taken",
    },
    transient={
        "-1003": ("too many requests", 10.0),
        "-1008": ("throttled by system-level protection [tried]", 1.0),
        "-1015": ("too many new orders [tried]", 10.0),
        "-1021": ("clock outside the receive window [tried]", 1.0),
        "-5028": ("clock outside the matching engine's receive window", 1.0),
    },
    unknown_order=frozenset({"-2011", "-2013"}),
    kinds={
        "-2018": "insufficient_funds",
        "-2019": "insufficient_funds",
        "-4050": "insufficient_funds",
        "-4051": "insufficient_funds",
        "-5022": "post_only",
    },
    # -2010 is the matching engine's one code for all its reasons, as on spot.
    worded_kinds=(
        ("-2010", "insufficient balance", "insufficient_funds"),
        ("-2010", "immediately match", "post_only"),
    ),
)


def judge(asked: Asked, codes: OutcomeCodes) -> Outcome:
    """What one call proves."""
    if asked.error is None:
        return Answered(value=asked.value)
    if asked.answer is None:
        return _judge_silence(asked.error)
    return _judge_answer(asked.answer, codes)


def venue_error(body: str) -> tuple[str, str]:
    """(code, message) of an error body such as `{"code": -2019, "msg": "…"}`; else empty."""
    try:
        content = json.loads(body)
    except ValueError:
        return ("", "")
    if not isinstance(content, dict) or "code" not in content:
        return ("", "")
    return (str(content["code"]), str(content.get("msg", "")))


def _judge_answer(answer: WireAnswer, codes: OutcomeCodes) -> Outcome:
    code, message = venue_error(answer.body)
    if answer.status in (TOO_MANY_REQUESTS, BANNED):
        return NeverSent(reason=f"HTTP {answer.status} {code}".rstrip())
    if answer.status < SERVER_ERROR and code in codes.transient:
        meaning, seconds = codes.transient[code]
        return NeverSent(reason=f"{code} {meaning}", retry_after_seconds=seconds)
    if answer.status < SERVER_ERROR and code in codes.refusals:
        return RefusedByVenue(
            code=code,
            message=message or codes.refusals[code],
            kind=codes.kind(code, message),
        )
    return Unclear(detail=f"HTTP {answer.status} {code} {message}".strip(), code=code)


# Raised by aiohttp before a byte of the request is written: name resolution, TCP connect,
# TLS handshake, the proxy's refusal of CONNECT.
_BEFORE_SENDING = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    socket.gaierror,
)


def _judge_silence(error: Exception) -> Outcome:
    for cause in _chain(error):
        if isinstance(cause, _BEFORE_SENDING):
            return NeverSent(reason=f"not connected: {type(cause).__name__}")
    causes = " < ".join(type(cause).__name__ for cause in _chain(error))
    return Unclear(detail=f"no answer: {causes}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__
