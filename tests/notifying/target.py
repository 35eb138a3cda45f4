"""A webhook's receiver on this machine: it takes, refuses, or accepts and never answers."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Literal, Self

Manner = Literal["take", "refuse", "hang"]


class Target:
    """`async with` opens it on a port of its own. `manner` may be changed at any time."""

    def __init__(self, manner: Manner = "take", port: int = 0) -> None:
        self.manner: Manner = manner
        self.port = port
        self.heard: list[dict[str, Any]] = []
        self.refused = 0
        self.hanging = 0
        self.news = asyncio.Event()
        # Called after a message was heard and before it is answered.
        self.before_answer: Callable[[], None] = lambda: None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """As Apprise writes it, with a token in its path."""
        return f"json://127.0.0.1:{self.port}/s3cret-path/?rto=60"

    @property
    def titles(self) -> list[str]:
        """Of everything taken, in order."""
        return [each["title"] for each in self.heard]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def until(self, met: Callable[[], bool], awaited: str, seconds: float = 60.0) -> None:
        """Until a condition on what was heard is met. Fails with what was heard."""
        try:
            async with asyncio.timeout(seconds):
                while not met():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            told = f"not within {seconds:.0f} s: {awaited}\nheard: {self.heard}"
            raise AssertionError(told) from None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            # A sender that was ended in the middle.
            return
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        body = await reader.readexactly(length)
        if self.manner == "hang":
            await self._hang(reader)
        elif self.manner == "refuse":
            self.refused += 1
            self.news.set()
            writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        else:
            self.heard.append(json.loads(body))
            self.news.set()
            self.before_answer()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        """Never an answer; until the other side gives up."""
        self.hanging += 1
        self.news.set()
        try:
            await reader.read()
        finally:
            self.hanging -= 1
            self.news.set()
