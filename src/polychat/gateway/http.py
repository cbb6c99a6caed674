"""The gateway's side of one HTTP/1.1 connection: requests in, one after the other, and answers out.

An own protocol on llhttp, because this is in every request's path: an ASGI server spends more on a small
request than the gateway does on its work (docs/performance.md). Source: RFC 9112.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

import httptools

from polychat.errors import HeadersTooLarge, PlatformError, RequestError, RequestTimeout
from polychat.gateway.answer_head import lines, refused
from polychat.gateway.exchange import Exchange

MAX_HEAD_BYTES = 64 * 1024  # of the request line and all headers
LINGER_S = 5.0  # that a client may go on sending what nobody reads, so that it gets to read its answer
_NOT_HTTP = "This is not valid HTTP."


@dataclass(slots=True)
class Hub:
    """What all connections of one gateway share."""

    serve: Callable[[Exchange], Awaitable[None]]
    date: bytes = b""  # the header line, renewed each second
    connections: set["Http"] = field(default_factory=set)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)


class Http(asyncio.Protocol):
    """One connection. Requests that come before their turn wait, and nothing more is read meanwhile."""

    head_timeout_s = 30.0  # that a client may take to send the request line and all headers

    def __init__(self, hub: Hub) -> None:
        self.is_leaving = False  # the gateway ends: each answer is the connection's last
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._num_hosts = 0
        self._is_long = False  # whether one packet may hold too long a head
        self._head_bytes: int | None = None  # read of a head that is not complete; None between heads
        self._timer: asyncio.TimerHandle | None = None  # while a head is read, or what nobody reads
        self._read: Exchange | None = None  # the request whose body is coming
        self._answered: Exchange | None = None  # the request whose turn it is
        self._waiting: deque[Exchange] = deque()
        self._refusal: PlatformError | None = None  # of what came after the requests that wait
        self._takes_more = True
        self._is_paused = False  # nothing is read
        self._idle_since_s: float | None = self._loop.time()  # None while a request is read or answered
        self._drained: asyncio.Future[None] | None = None  # while the client does not read

    @property
    def date(self) -> bytes:
        return self._hub.date

    # asyncio calls these.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP and TLS only
        self._transport = transport
        self._hub.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.connections.discard(self)
        self._forget_timer()
        self.resume_writing()
        waiting, self._takes_more = [*self._waiting], False
        self._waiting.clear()
        for exchange in (self._answered, *waiting):
            if exchange is not None:
                exchange.lose()

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        if not self._takes_more:
            return
        self._is_long = len(data) + (self._head_bytes or 0) > MAX_HEAD_BYTES
        self._feed(data)
        if self._head_bytes is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadersTooLarge(MAX_HEAD_BYTES))
        elif self._timer is None:
            self._timer = self._loop.call_later(self.head_timeout_s, self._give_up_reading)

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._takes_more:  # CONNECT: what follows is no HTTP
                    return
                data = self._without_upgrade() + data[upgrade.args[0] :]
            except httptools.HttpParserError:
                if self._takes_more:
                    self._refuse(RequestError(_NOT_HTTP))
                return
            else:
                return

    def _without_upgrade(self) -> bytes:
        """The head just read, without the wish to become another protocol: the parser loses its body else."""
        method, url = self._parser.get_method(), self._url
        self._parser = httptools.HttpRequestParser(self)
        headers = [(name, value) for name, value in self._headers.items() if name != b"upgrade"]
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, lines(headers))

    # httptools calls these.
    def on_message_begin(self) -> None:
        self._url, self._headers, self._num_hosts = b"", {}, 0
        self._head_bytes, self._idle_since_s = 0, None

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host":
            self._num_hosts += 1
        self._headers.setdefault(name, value)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._forget_timer()
        if self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT":
            return  # and come again
        exchange = self._exchange(self._parser.get_http_version())
        self._read = exchange
        if self._answered is None:
            self._begin(exchange)
        else:
            self._waiting.append(exchange)
            self._pause_reading()

    def on_body(self, data: bytes) -> None:
        assert self._read is not None, "a body follows a head"
        self._read.take(data)

    def on_message_complete(self) -> None:
        exchange, self._read = self._read, None
        if exchange is None:
            return  # it comes again without the wish to become another protocol
        if not exchange.keeps_alive:
            self._takes_more = False
        exchange.take_end()
        if self._answered is None and not self._waiting:
            self._rest(keep_alive=exchange.keeps_alive)  # its answer went before its body had come

    def _exchange(self, version: str) -> Exchange:
        """The request whose head has been read.

        Raises:
            ValueError: it is none, by rules that the parser does not know.
        """
        path, _, query = self._url.partition(b"?")
        if not path.startswith(b"/"):
            parsed = httptools.parse_url(self._url)
            path, query = parsed.path or b"/", parsed.query or b""
        if self._num_hosts != 1 and version == "1.1":  # RFC 9112 section 3.2
            raise ValueError("exactly one Host header is needed")
        if self._is_long and len(self._url) + sum(map(len, self._headers.values())) > MAX_HEAD_BYTES:
            raise ValueError("a head of more than MAX_HEAD_BYTES")
        text = path.decode("ascii")
        method = self._parser.get_method().decode("ascii")
        exchange = Exchange(self, method, unquote(text) if "%" in text else text, self._headers, query=query)
        exchange.takes_chunks = version != "1.0"
        may_keep = exchange.takes_chunks and method != "CONNECT"
        exchange.keeps_alive = may_keep and self._parser.should_keep_alive()
        return exchange

    # The exchange calls these.
    def write(self, data: bytes) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def finished(self, exchange: Exchange, *, keep_alive: bool) -> None:
        assert exchange is self._answered, "answers go in their order"
        self._answered = None
        if not keep_alive:
            self._takes_more = False
            self._waiting.clear()
        if exchange.is_body_on_its_way and not exchange.is_lost:
            self._linger()
        elif self._waiting:
            self._begin(self._waiting.popleft())
            if not self._waiting:
                self._resume_reading()
        else:
            self._rest(keep_alive=keep_alive)

    def abort(self) -> None:
        assert self._transport is not None
        self._takes_more = False
        self._transport.close()

    # The server calls these.
    def shutdown(self) -> None:
        """Nothing yet: the client may be sending its next request, and an answer's head may be on its way."""
        self.is_leaving = True

    def close_if_idle_since(self, since_s: float) -> None:
        """Close the connection if its client has asked nothing after `since_s` (loop time)."""
        if self._idle_since_s is not None and self._idle_since_s <= since_s and self._transport is not None:
            self._transport.close()

    def _begin(self, exchange: Exchange) -> None:
        self._answered = exchange
        exchange.task = self._loop.create_task(self._run(exchange))
        self._hub.tasks.add(exchange.task)

    async def _run(self, exchange: Exchange) -> None:
        try:
            await self._hub.serve(exchange)
        finally:
            exchange.close()
            assert exchange.task is not None, "it runs"
            self._hub.tasks.discard(exchange.task)

    def _rest(self, *, keep_alive: bool) -> None:
        """Nothing is to be answered, or read to its end, any more."""
        assert self._transport is not None
        self._forget_timer()
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif keep_alive:
            self._idle_since_s = self._loop.time()
        else:
            self._transport.close()

    def _linger(self) -> None:
        """The answer is there before its request: hear the rest, or the kernel takes the answer back."""
        assert self._transport is not None
        self._resume_reading()
        self._timer = self._loop.call_later(LINGER_S, self._transport.close)
        self._takes_more = True

    def _pause_reading(self) -> None:
        assert self._transport is not None
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        assert self._transport is not None
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def _give_up_reading(self) -> None:
        """One who sends a header now and then would hold the connection for ever."""
        self._timer = None
        if self._head_bytes is not None:
            self._refuse(RequestTimeout(self.head_timeout_s))

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, error: PlatformError) -> None:
        """Answer what is no request, once all that came before it is answered."""
        self._takes_more, self._head_bytes = False, None
        self._forget_timer()
        assert self._transport is not None
        if self._read is not None:  # its body is what went wrong
            broken, self._read = self._read, None
            broken.break_off(RequestError(_NOT_HTTP))
            if broken.is_complete:
                self._transport.close()
        elif self._answered is not None:
            self._refusal = error
        elif not self._transport.is_closing():
            self._transport.write(refused(error))
            self._transport.close()
