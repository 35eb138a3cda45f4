"""Serves the app over HTTP, and stops at once: live pages are let go before anything else."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Self

import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp

from web.changes import ChangeFeed

# A browser that stopped reading would hold the server for ever; after this it is cut off.
GRACE_SECONDS = 2
BACKLOG = 2048
START_SECONDS_MAX = 10


class _Uvicorn(uvicorn.Server):
    """Lets go of live pages first: otherwise uvicorn waits for them for ever.

    It leaves the signals to whoever composed the house, who knows the order of stopping.
    """

    def __init__(self, config: uvicorn.Config, changes: ChangeFeed) -> None:
        super().__init__(config)
        self._changes = changes
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._changes.close()
        await super().shutdown(sockets)


class WebServer:
    """One listening server. `async with` starts and stops it; `port` is the bound one."""

    def __init__(self, app: Litestar, host: str, port: int) -> None:
        """Port 0 lets the system choose one."""
        self._app = app
        self._host = host
        self._port = port
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The bound port."""
        return self._port

    async def start(self) -> int:
        """Listen; returns the bound port. Raises OSError naming the address if it is taken."""
        listener = _bind(self._host, self._port)
        self._port = listener.getsockname()[1]
        changes: ChangeFeed = self._app.state.changes
        server = self._server = _Uvicorn(_config(self._app), changes)
        serving = self._serving = asyncio.create_task(server.serve([listener]), name="web")
        ready = asyncio.create_task(server.ready.wait())
        async with asyncio.timeout(START_SECONDS_MAX):
            await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if serving.done():
            await serving
        return self._port

    async def stop(self) -> None:
        """Let go of live pages, answer what was asked, close."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def failed(self) -> None:
        """Wait until the server ends by itself; raises what ended it."""
        assert self._serving is not None, "the server was never started"
        await asyncio.shield(self._serving)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()


async def serve(
    app: Litestar,
    host: str,
    port: int,
    stop_event: asyncio.Event,
    on_bound: Callable[[int], None] | None = None,
) -> int:
    """Serve until `stop_event` is set; `on_bound` hears the bound port, which is returned too."""
    async with WebServer(app, host, port) as server:
        if on_bound is not None:
            on_bound(server.port)
        stopped = asyncio.create_task(stop_event.wait())
        ended = asyncio.create_task(server.failed())
        await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        ended.cancel()
    return server.port


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _bind(host: str, port: int) -> socket.socket:
    # Named, since asyncio sends small answers at once only where it sees that it is TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(
            error.errno, f"address was {host}:{port}: {error.strerror}; choose another --port"
        ) from error
    listener.listen(BACKLOG)
    listener.settimeout(0)
    return listener
