"""What each raw answer proves: a row per fact that was tried, and the rule for all others."""

import json

import aiohttp
import ccxt
import pytest

from adapters.exchanges.ccxt_outcomes import (
    BINANCE_USDM_CODES,
    Answered,
    Asked,
    NeverSent,
    RefusedByVenue,
    Unclear,
    WireAnswer,
    judge,
    venue_error,
)
from adapters.exchanges.rate_halt import RateHalt
from tests.exchanges.stubs import START, StandingClock

CODES = BINANCE_USDM_CODES


def answered(status: int, code: int | None, message: str = "told so") -> Asked:
    body = "<html>busy</html>" if code is None else json.dumps({"code": code, "msg": message})
    answer = WireAnswer(status=status, headers={}, body=body)
    return Asked(error=ccxt.ExchangeError("whatever class it is"), answer=answer)


def silent(error: Exception, cause: BaseException) -> Asked:
    error.__cause__ = cause
    return Asked(error=error)


@pytest.mark.parametrize(
    "code", [-2022, -4164, -4015, -1111, -2015, -1022, -2021, -2027, -4045, -4120, -4140, -1121]
)
def test_a_listed_code_is_a_definite_no(code: int) -> None:
    assert judge(answered(400, code), CODES) == RefusedByVenue(code=str(code), message="told so")


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-2018, "Balance is insufficient.", "insufficient_funds"),
        (-2019, "Margin is insufficient.", "insufficient_funds"),
        (-4050, "Cross balance insufficient.", "insufficient_funds"),
        (-4051, "Isolated balance insufficient.", "insufficient_funds"),
        (-2010, "Account has insufficient balance for requested action.", "insufficient_funds"),
        (-5022, "Due to the order could not be executed as maker, …", "post_only"),
        (-2010, "Order would immediately match and take.", "post_only"),
        (-2010, "Market is closed.", "other"),
        (-2022, "ReduceOnly Order is rejected.", "other"),
    ],
)
def test_a_refusal_is_told_by_its_kind(code: int, message: str, kind: str) -> None:
    refused = judge(answered(400, code, message), CODES)
    assert refused == RefusedByVenue(code=str(code), message=message, kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", sorted(CODES.refusals))
def test_no_listed_code_is_a_no_when_the_server_itself_failed(code: str) -> None:
    assert isinstance(judge(answered(503, int(code)), CODES), Unclear)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1010, -1016, -4116, -9999])
def test_codes_that_prove_nothing_leave_the_order_unknown(code: int) -> None:
    outcome = judge(answered(400, code), CODES)
    assert isinstance(outcome, Unclear)
    assert outcome.code == str(code)


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500, 502, 503, 504, 520, 524])
def test_a_page_of_html_proves_nothing_whatever_its_status(status: int) -> None:
    assert isinstance(judge(answered(status, None), CODES), Unclear)


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, -1003), (418, -1003), (429, -1015), (400, -1015), (400, -1021), (400, -1008)],
)
def test_limits_and_clock_skew_prove_that_nothing_was_placed(status: int, code: int) -> None:
    assert isinstance(judge(answered(status, code), CODES), NeverSent)


def test_overload_told_by_a_failing_server_is_not_proof() -> None:
    assert isinstance(judge(answered(503, -1008), CODES), Unclear)


def test_no_code_is_at_once_a_no_and_transient_or_unknown() -> None:
    assert not CODES.refusals.keys() & CODES.transient.keys()
    assert not CODES.refusals.keys() & CODES.unknown_order
    assert "-4116" not in CODES.refusals


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ConnectionTimeoutError(),
        aiohttp.ClientHttpProxyError(None, (), status=403),  # type: ignore[arg-type]
        aiohttp.ClientConnectorError(None, OSError(111, "refused")),  # type: ignore[arg-type]
        aiohttp.ClientConnectorDNSError(None, OSError(-2, "name")),  # type: ignore[arg-type]
    ],
)
def test_what_failed_before_a_connection_stood_was_never_sent(cause: BaseException) -> None:
    assert isinstance(judge(silent(ccxt.ExchangeNotAvailable("x"), cause), CODES), NeverSent)


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset"),
        aiohttp.ClientPayloadError("truncated"),
        aiohttp.SocketTimeoutError(),
        TimeoutError(),
    ],
)
def test_what_failed_after_a_connection_stood_is_unknown(cause: BaseException) -> None:
    assert isinstance(judge(silent(ccxt.ExchangeNotAvailable("x"), cause), CODES), Unclear)


def test_an_exception_of_ccxt_itself_is_unknown_and_never_a_no() -> None:
    assert isinstance(judge(Asked(error=ccxt.InvalidOrder("duplicate?")), CODES), Unclear)


def test_what_ccxt_returns_is_left_to_the_reader() -> None:
    assert judge(Asked(value=""), CODES) == Answered(value="")


@pytest.mark.parametrize("body", ["", "null", "[]", "<html>", '{"msg": "no code"}', '{"code"'])
def test_a_body_without_an_error_code_has_none(body: str) -> None:
    assert venue_error(body) == ("", "")


def test_a_pause_lasts_as_long_as_retry_after_says() -> None:
    clock = StandingClock()
    halt = RateHalt(clock)
    halt.hear(429, {"Retry-After": "7"}, "")
    clock.advance(6)
    assert halt.remaining() == pytest.approx(1)
    clock.advance(1)
    assert halt.remaining() == 0


def test_a_ban_lasts_until_the_moment_it_names() -> None:
    clock = StandingClock()
    halt = RateHalt(clock)
    until = int(START.timestamp() * 1000) + 90_000
    halt.hear(418, {}, f'{{"code":-1003,"msg":"Way too many; IP banned until {until}."}}')
    assert halt.remaining() == pytest.approx(90)


def test_a_shorter_pause_never_shortens_a_longer_one() -> None:
    halt = RateHalt(StandingClock())
    halt.hear(418, {"retry-after": "60"}, "")
    halt.hear(429, {"retry-after": "1"}, "")
    assert halt.remaining() == pytest.approx(60)


@pytest.mark.parametrize("status", [200, 400, 403, 500, 503])
def test_other_answers_order_no_pause(status: int) -> None:
    halt = RateHalt(StandingClock())
    halt.hear(status, {"Retry-After": "9"}, "")
    assert halt.remaining() == 0


def test_a_limit_without_a_time_still_orders_a_pause() -> None:
    halt = RateHalt(StandingClock())
    halt.hear(429, {"Retry-After": "soon"}, "no time")
    assert halt.remaining() > 0
