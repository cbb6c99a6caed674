"""One HTTP/1.1 connection to a replica, and the answer that arrives on it.

Source: RFC 9112 §6.3 for where a body ends, §9.6 for when a connection may be used again.
"""

import asyncio
import math
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httptools

HIGH_WATER_BYTES = 256 * 1024
"""Of unread answer: above it the replica is not read from until the client catches up."""
MAX_HEAD_BYTES = 256 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024  # of an answer that is collected before it is sent
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPALIVE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


class UpstreamError(Exception):
    """The exchange with a replica failed. Never reaches a client as it is."""


class UpstreamUnreachable(UpstreamError):
    """No connection; nothing was sent."""


class UpstreamBroken(UpstreamError):
    """The connection died in mid-answer or before it, or what came is not HTTP."""


class UpstreamStale(UpstreamBroken):
    """A connection from the pool died before a byte of answer: the replica had closed it meanwhile."""


class UpstreamSilent(UpstreamBroken):
    """The replica said nothing for too long."""


class Response:
    """An answer as it arrives: the parser's callbacks fill it, `read` empties it."""

    def __init__(self, connection: "Connection") -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}  # names in lower case; the last one wins
        self.is_complete = False
        self.may_reuse = False
        self.has_head = False
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self._head_bytes = 0
        self._failure: UpstreamBroken | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.release()

    async def read(self) -> bytes:
        """The next bytes of the body, as many as there are; b"" at its end.

        Raises:
            UpstreamBroken: the replica died first.
        """
        while not self._chunks:
            if self.is_complete:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size_bytes = 0
        self._connection.resume()
        return data

    async def read_all(self) -> bytes:
        """The whole body.

        Raises:
            UpstreamBroken: the replica died first, or never comes to an end.
        """
        parts, size_bytes = [], 0
        while data := await self.read():
            parts.append(data)
            size_bytes += len(data)
            if size_bytes > MAX_BODY_BYTES:
                raise UpstreamBroken(f"its answer is larger than {MAX_BODY_BYTES >> 20} MiB")
        return b"".join(parts)

    async def wait_for_head(self) -> None:
        while not self.has_head:
            if self._failure is not None:
                raise self._failure
            await self._wait()

    @property
    def has_unread(self) -> bool:
        return bool(self._chunks)

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; a failure is kept for whoever reads."""
        if not self.has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            self.may_reuse = False
            if not self.is_complete:
                self.fail(UpstreamBroken(f"what came is not HTTP/1.1: {exc}"))
        if not self.has_head and self._head_bytes > MAX_HEAD_BYTES:
            self.fail(UpstreamBroken(f"headers of more than {MAX_HEAD_BYTES} bytes"))
        if self._size_bytes > HIGH_WATER_BYTES:
            self._connection.pause()
        self._wake()

    def end_of_input(self, failure: UpstreamBroken) -> None:
        """The replica closed the connection: an end for a body without a length, a failure for any other."""
        if self.is_complete:
            return
        if self.has_head and self.ends_with_connection:
            self.is_complete = True
            self._wake()
        else:
            self.fail(failure)

    def fail(self, failure: UpstreamBroken) -> None:
        if self._failure is None and not self.is_complete:
            self._failure = failure
        self._connection.close()
        self._wake()

    @property
    def ends_with_connection(self) -> bool:
        return b"content-length" not in self.headers and b"transfer-encoding" not in self.headers

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # httptools calls these.
    def on_message_begin(self) -> None:
        if self.is_complete:
            raise ValueError("a second answer to one request")
        self.headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.has_head = self.status >= 200  # 1xx announces another answer

    def on_body(self, data: bytes) -> None:
        self._connection.first_byte_due_s = math.inf
        self._chunks.append(data)
        self._size_bytes += len(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_complete = True
            self.may_reuse = bool(self._parser.should_keep_alive())


class Connection(asyncio.Protocol):
    """One connection. Carries one exchange at a time; `on_free` gets it when the next one may begin."""

    def __init__(
        self, *, on_free: Callable[["Connection"], None], on_lost: Callable[["Connection"], None]
    ) -> None:
        self.is_open = False
        self.heard_s = 0.0  # loop time of the last byte, or of the request if none came
        self.first_byte_due_s = math.inf  # loop time by which the answer's body must have begun
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._is_used = False  # has carried an exchange before this one
        self._is_silent = True  # no byte has come since the request
        self._is_paused = False
        self._loop = asyncio.get_running_loop()

    async def exchange(self, request: bytes, first_byte_timeout_s: float = 0.0) -> Response:
        """Send one request, and wait for its answer's head. The body must begin in time; 0: whenever."""
        assert self._transport is not None
        assert self._response is None, "one exchange at a time"
        response = self._response = Response(self)
        self._is_silent = True
        self.heard_s = self._loop.time()
        self.first_byte_due_s = self.heard_s + first_byte_timeout_s if first_byte_timeout_s else math.inf
        self._transport.write(request)
        try:
            await response.wait_for_head()
        except BaseException:  # also when cancelled
            self.release()
            raise
        return response

    def release(self) -> None:
        """End the exchange: keep the connection if the answer was read to its end, else close it."""
        response, self._response = self._response, None
        if response is not None and response.is_complete and response.may_reuse and self.is_open:
            self._is_used = True
            self.heard_s = self._loop.time()
            self.resume()
            self._on_free(self)
        else:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self.is_open:
            self.is_open = False
            self._on_lost(self)

    def fail(self, failure: UpstreamBroken) -> None:
        """Close, and let whoever reads the answer know why."""
        if self._response is not None:
            self._response.fail(failure)

    @property
    def waits_for_replica(self) -> bool:
        """Whether a silence is the replica's, not that of a client which does not read."""
        return not self._is_paused and self._response is not None and not self._response.has_unread

    def pause(self) -> None:
        if not self._is_paused and self.is_open and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self.heard_s = self._loop.time()
            if self.is_open:
                self._transport.resume_reading()

    # asyncio calls these.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP and TLS only
        self._transport = transport
        self.is_open = True
        _notice_dead_peers(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        self._is_silent = False
        self.heard_s = self._loop.time()
        if self._response is None:
            self.close()  # nobody asked: its next answer could not be told from this
        else:
            self._response.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        response = self._response
        was_open, self.is_open = self.is_open, False
        if was_open:
            self._on_lost(self)
        if response is None:
            return
        why = str(exc) if exc else "the replica closed the connection"
        stale = self._is_used and self._is_silent
        response.end_of_input(UpstreamStale(why) if stale else UpstreamBroken(why))


def _notice_dead_peers(sock: socket.socket) -> None:
    """Have the kernel ask a silent peer whether it is there: a machine without power closes no connection."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
