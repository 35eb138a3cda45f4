"""A tiny CONNECT proxy: a venue's real host names lead to the simulated venue, others nowhere."""

import asyncio
import contextlib
from collections.abc import Collection

LOCALHOST = "127.0.0.1"
HEAD_BYTES_MAX = 16 * 1024
CHUNK_BYTES = 64 * 1024


class ConnectProxy:
    """Tunnels `CONNECT host:port` of known hosts to one local port; answers 403 to the rest.

    While `cut` is set no tunnel opens: the line to the venue is down.
    """

    def __init__(self, *, hosts: Collection[str], target_port: int) -> None:
        self.cut = False
        self.refused_hosts: list[str] = []
        self._hosts = frozenset(hosts)
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tunnels: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1. Returns the proxy's URL."""
        self._server = await asyncio.start_server(self._serve, LOCALHOST, 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://{LOCALHOST}:{port}"

    async def close(self) -> None:
        """Stop listening and end every tunnel."""
        if self._server is not None:
            self._server.close()
        self.drop_tunnels()
        for task in tuple(self._tunnels):
            task.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)

    def drop_tunnels(self) -> None:
        """Break every open connection at once, as a lost line does."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tunnels.add(task)
            task.add_done_callback(self._tunnels.discard)
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            # Either end went away: the tunnel ends, which the other end sees for itself.
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        host = _requested_host(head[:HEAD_BYTES_MAX])
        if self.cut:
            writer.transport.abort()
            return
        if host not in self._hosts:
            self.refused_hosts.append(host)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return

        venue_reader, venue_writer = await asyncio.open_connection(LOCALHOST, self._target_port)
        self._writers.add(venue_writer)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, venue_writer), _pump(venue_reader, writer))
        finally:
            self._writers.discard(venue_writer)
            venue_writer.close()


def _requested_host(head: bytes) -> str:
    """The host of `CONNECT host:port HTTP/1.1`; empty for any other request."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if words[0] != "CONNECT" or len(words) < 2:  # noqa: PLR2004 - a method and its target.
        return ""
    return words[1].rpartition(":")[0]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the reader ends; then break the other direction too."""
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    finally:
        with contextlib.suppress(RuntimeError):
            writer.close()
