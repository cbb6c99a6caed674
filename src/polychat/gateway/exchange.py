"""One client request and its answer: its body in, JSON or events out, and an end when the client leaves."""

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl

from polychat.compat.face import OPENAI_ERRORS
from polychat.errors import BodyTooLarge, PlatformError, RequestError, RequestTimeout
from polychat.gateway.answer_head import CHUNKED, CLOSE, Headers, lines, status_line
from polychat.gateway.client_left import ClientLeft as ClientLeft
from polychat.gateway.client_left import LeavingCancels
from polychat.gateway.journey import Journey

EVENT_STREAM = "text/event-stream; charset=utf-8"
_STREAM_HEADERS: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
UNASKED_BYTES = 16 * 1024 * 1024  # of a body that nobody has asked for; routes that read one do so at once
BODY_TIMEOUT_S = 60.0  # between two pieces of a request's body
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NO_HEADERS: Headers = []


class Wire(Protocol):
    """The connection that a request came on."""

    is_leaving: bool  # the connection ends with this answer

    @property
    def date(self) -> bytes:
        """The header line."""

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None:
        """Wait while the client does not read."""

    def finished(self, exchange: "Exchange", *, keep_alive: bool) -> None:
        """The answer's last byte has been written."""

    def abort(self) -> None:
        """Hang up: there is no other way left to say that the answer is not whole."""


class Exchange:
    """One request. Answer it with `json` or `error`, or `start_stream`, `write` and `end`."""

    def __init__(
        self, wire: Wire, method: str, path: str, headers: dict[bytes, bytes], *, query: bytes = b""
    ) -> None:
        """`headers`: names in lower case; of one that was repeated the first."""
        self.method = method
        self.path = path
        self.errors = OPENAI_ERRORS  # how this client is told of an error
        self.headers: Headers = []  # of every answer, besides what it needs
        self.late_headers: Callable[[], Headers] | None = None  # and those that are known when it begins
        self.status = 0  # of the answer; 0 before it has begun
        self.request_headers = headers
        self.keeps_alive = True  # the client may ask more on this connection
        self.takes_chunks = True  # HTTP/1.0 knows none
        self.journey = Journey(self._named() or f"req_{random.getrandbits(96):024x}")
        self.task: asyncio.Task[None] | None = None  # that answers it
        self._query = query
        self._wire = wire
        self._body: list[bytes] = []
        self._size_bytes = 0
        self._limit_bytes = UNASKED_BYTES
        self._has_whole_body = False
        self._waits_for_go_ahead = headers.get(b"expect", b"").lower() == b"100-continue"
        self._broken: PlatformError | None = None
        self._news: asyncio.Future[None] | None = None  # of the body
        self._is_lost = False
        self._watcher: LeavingCancels | None = None
        self._head = b""  # of a stream, until its first bytes are written
        self._is_chunked = False
        self._is_complete = False
        self._is_media = False

    def _named(self) -> str:
        """The client's own id of the request, if it sent one that can be used."""
        given = self.request_headers.get(b"x-request-id")
        if given is None:
            return ""
        text = given.decode("latin-1")
        return text if _REQUEST_ID.fullmatch(text) else ""

    @property
    def request_id(self) -> str:
        return self.journey.request_id

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is repeated the last."""
        return dict(parse_qsl(self._query.decode("latin-1"), keep_blank_values=True))

    def header(self, name: bytes) -> bytes:
        """A request header's value, b"" if it was not sent. `name` in lower case."""
        return self.request_headers.get(name, b"")

    async def body(self, *, limit_bytes: int) -> bytes:
        """The whole request body.

        Raises:
            BodyTooLarge: it is, or says it will be, larger than `limit_bytes`.
            RequestError: it is not HTTP.
            RequestTimeout: nothing of it came for long.
            ClientLeft: it never came to its end.
        """
        announced = self.header(b"content-length")
        if announced.isdigit() and int(announced[:20]) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        self._limit_bytes = limit_bytes
        if self._waits_for_go_ahead and not self._has_whole_body:
            self._waits_for_go_ahead = False
            self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self._has_whole_body and self._size_bytes <= limit_bytes:
            if self._is_lost:
                raise ClientLeft
            await self._more_body()
        if self._size_bytes > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        if self._broken is not None:
            raise self._broken
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    async def _more_body(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                await self._news
        except TimeoutError:
            raise RequestTimeout(BODY_TIMEOUT_S) from None
        finally:
            self._news = None

    @property
    def has_begun(self) -> bool:
        """Whether the client has been told a status."""
        return self.status != 0

    async def json(self, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with one JSON document."""
        await self.answer(body, content_type="application/json", status=status, headers=headers)

    async def answer(
        self, body: bytes, *, content_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with one body of any kind."""
        more = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in (headers or {}).items()]
        size = b"content-length: %d\r\n" % len(body)
        head = self._begun(status, content_type, more, framing=size)
        self._write_last(head if self.method == "HEAD" else head + body)
        await self._wire.drain()

    async def empty(self, *, headers: Mapping[str, str]) -> None:
        """Answer 204."""
        more = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        self._write_last(self._begun(204, "", more, framing=b""))

    async def error(self, error: PlatformError) -> None:
        """Answer with the error's envelope; in a stream that runs, as its last event.

        Half an audio is left without its end: the connection is closed instead, which clients notice.
        """
        error.request_id, error.reasons = self.request_id, tuple(self.journey.reasons)
        if not self.has_begun:
            await self.json(self.errors.body(error), status=error.status, headers=error.headers)
        elif not self._is_complete and not self._is_media:
            self._write_last(self._framed(self.errors.event(error), is_last=True))

    async def start_stream(self, *, content_type: str = EVENT_STREAM) -> None:
        """Begin an answer that `write` continues: its head goes with the first bytes, in one packet."""
        self._is_chunked = self.takes_chunks
        self.keeps_alive = self.keeps_alive and self.takes_chunks
        framing = CHUNKED if self._is_chunked else b""
        self._head = self._begun(200, content_type, _STREAM_HEADERS, framing=framing)

    async def start_media(self, *, content_type: str) -> None:
        """Begin an answer that `write` continues and that has no place for an error."""
        self._is_media = True
        await self.start_stream(content_type=content_type)

    async def write(self, events: bytes) -> None:
        """Send a piece of a stream. Waits while the client does not read."""
        self._wire.write(self._framed(events, is_last=False))
        await self._wire.drain()

    async def end(self) -> None:
        self._write_last(self._framed(b"", is_last=True))

    def leaving_cancels(self) -> LeavingCancels:
        """Inside this block the client's leaving cancels whatever is awaited, and comes out as ClientLeft."""
        self._watcher = LeavingCancels(has_left=self._is_lost)
        return self._watcher

    # What the connection tells.
    def take(self, data: bytes) -> None:
        """A piece of the body. Of one that is too large nothing more is kept."""
        self._size_bytes += len(data)
        if self._is_complete or self._size_bytes > self._limit_bytes:
            self._body.clear()
        else:
            self._body.append(data)
        self._tell()

    def take_end(self) -> None:
        """The body is whole."""
        self._has_whole_body = True
        self._tell()

    def break_off(self, error: RequestError) -> None:
        """What came for its body is not HTTP."""
        self._broken, self._has_whole_body = error, True
        self.keeps_alive = False
        self._tell()

    def lose(self) -> None:
        """The client has left."""
        self._is_lost = True
        self._tell()
        if self._watcher is not None:
            self._watcher.left()

    def close(self) -> None:
        """The request's task has ended, with or without an answer to its end."""
        if not self._is_complete and not self._is_lost:
            self._wire.abort()

    @property
    def is_body_on_its_way(self) -> bool:
        """Whether the client still sends, or is about to."""
        return not (self._has_whole_body or self._waits_for_go_ahead)

    @property
    def is_complete(self) -> bool:
        """Whether the answer's last byte has been written."""
        return self._is_complete

    @property
    def is_lost(self) -> bool:
        return self._is_lost

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _begun(self, status: int, content_type: str, more: Headers, *, framing: bytes) -> bytes:
        """The head of an answer."""
        self.status = status
        has_all = self._has_whole_body or not self._waits_for_go_ahead
        self.keeps_alive = self.keeps_alive and has_all and not self._wire.is_leaving
        late = self.late_headers() if self.late_headers is not None else _NO_HEADERS
        kind = b"content-type: %b\r\n" % content_type.encode("latin-1") if content_type else b""
        told = lines([*more, *self.headers, *late]) if more or self.headers or late else b""
        closing = b"" if self.keeps_alive else CLOSE
        name = self.request_id.encode()
        return b"%b%b%b%b%bx-request-id: %b\r\n%b\r\n" % (
            status_line(status),
            self._wire.date,
            kind,
            framing,
            told,
            name,
            closing,
        )

    def _framed(self, data: bytes, *, is_last: bool) -> bytes:
        """A piece of a stream as it goes over the wire, with the head if that has not gone yet."""
        head, self._head = self._head, b""
        if self.method == "HEAD":
            return head
        if not self._is_chunked:
            return head + data
        end = b"0\r\n\r\n" if is_last else b""
        return b"%b%x\r\n%b\r\n%b" % (head, len(data), data, end) if data else head + end

    def _write_last(self, data: bytes) -> None:
        self._is_complete = True
        self._wire.write(data)
        self._wire.finished(self, keep_alive=self.keeps_alive)
