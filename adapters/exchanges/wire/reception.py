"""How a request is taken in at the wire venue and answered: keys, signatures, injected faults."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.faults import Fault, FaultPlan
from adapters.exchanges.wire.order_request import Parameters
from adapters.exchanges.wire.signing import (
    Credentials,
    Refusal,
    check_key,
    missing,
    plain_parameters,
    signed_parameters,
)
from adapters.exchanges.wire.streams import ENCODER

ROWS_DEFAULT = 500
ROWS_MAX = 1000

Answer = Callable[[Parameters], object]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Reception:
    """Makes HTTP handlers of answers. `closing` ends the calls that were made to hang."""

    def __init__(self, desk: Desk, credentials: Credentials, faults: FaultPlan) -> None:
        self.closing = asyncio.Event()
        self._desk = desk
        self._credentials = credentials
        self._faults = faults

    def public(self, answer: Answer) -> Handler:
        """For everyone."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return answered(lambda: answer(plain_parameters(request.rel_url.raw_query_string)))

        return self.failing(handle)

    def keyed(self, answer: Callable[[web.Request], object]) -> Handler:
        """For whoever shows the key, without a signature."""

        async def handle(request: web.Request) -> web.StreamResponse:
            def checked() -> object:
                check_key(self._credentials, request.headers.get("X-MBX-APIKEY"))
                return answer(request)

            return answered(checked)

        return self.failing(handle)

    def signed(self, answer: Answer) -> Handler:
        """For whoever signs with the key's secret, within the time window."""

        async def handle(request: web.Request) -> web.StreamResponse:
            payload = request.rel_url.raw_query_string + await request.text()
            api_key = request.headers.get("X-MBX-APIKEY")

            def checked() -> object:
                check_key(self._credentials, api_key)
                now_ms = self._desk.now_ms()
                return answer(signed_parameters(self._credentials, payload, now_ms))

            return answered(checked)

        return self.failing(handle)

    def failing(self, handler: Handler) -> Handler:
        """The handler, with the faults that were injected for its call."""

        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self._faults.next_call(f"{request.method} {request.path}")
            if fault is None:
                return await handler(request)
            answer = await handler(request) if fault.accepts else web.Response()
            return await self._fail(request, fault, answer)

        return handle

    async def _fail(
        self, request: web.Request, fault: Fault, answer: web.StreamResponse
    ) -> web.StreamResponse:
        if fault.manner == "hang":
            await self.closing.wait()
        if fault.manner == "truncate" and isinstance(answer, web.Response):
            return await _truncated(request, answer)
        if fault.manner != "answer":
            if request.transport is not None:
                request.transport.abort()
            return answer
        headers = {"Content-Type": fault.content_type}
        if fault.retry_after_seconds is not None:
            headers["Retry-After"] = str(fault.retry_after_seconds)
        return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)


def answered(answer: Callable[[], object]) -> web.Response:
    """An answer, or the venue's refusal, as JSON."""
    try:
        body, status = answer(), 200
    except Refusal as refusal:
        body, status = {"code": refusal.code, "msg": refusal.message}, refusal.status
    return web.Response(status=status, body=ENCODER.encode(body), content_type="application/json")


async def unknown(request: web.Request) -> web.StreamResponse:
    """What the venue says of a path it does not have."""
    body = {"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"}
    return web.Response(status=404, body=ENCODER.encode(body), content_type="application/json")


def page(
    rows: list[dict[str, object]], parameters: Parameters, *, newest: bool, time: str = "time"
) -> list[dict[str, object]]:
    """At most `limit` rows within `startTime` and `endTime`: the newest, or those from an id on."""
    text = parameters.get("limit", str(ROWS_DEFAULT))
    limit = min(int(text), ROWS_MAX) if text.isdigit() else ROWS_DEFAULT
    start, end = _moment(parameters, "startTime"), _moment(parameters, "endTime")
    within = [
        row
        for row in rows
        if (start is None or int(str(row[time])) >= start)
        and (end is None or int(str(row[time])) <= end)
    ]
    return within[-limit:] if newest and start is None else within[:limit]


def _moment(parameters: Parameters, name: str) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise missing(name)
    return int(text)


async def _truncated(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Half of the answer under the whole one's length, then nothing."""
    body = bytes(answer.body) if isinstance(answer.body, (bytes, bytearray)) else b""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
