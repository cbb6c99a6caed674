"""One client request over ASGI: its body in, JSON or events out, and an end when the client leaves."""

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from polychat.compat.face import OPENAI_ERRORS
from polychat.errors import BodyTooLarge, PlatformError, RequestTimeout
from polychat.gateway.journey import Journey

Headers = list[tuple[bytes, bytes]]

EVENT_STREAM = "text/event-stream; charset=utf-8"
_STREAM_HEADERS: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
BODY_TIMEOUT_S = 60.0  # between two pieces of a request's body
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class ClientLeft(Exception):
    """The client closed the connection; there is nobody to answer."""


class Exchange:
    """One request. Answer it with `json` or `error`, or `start_stream`, `write` and `end`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.errors = OPENAI_ERRORS  # how this client is told of an error
        self.headers: Headers = []  # of every answer, besides what it needs
        self.late_headers: Callable[[], Headers] = list  # and those that are known when it begins
        self.status = 0  # of the answer; 0 before it has begun
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_complete = False
        self._is_media = False
        self.journey = Journey(self._named() or f"req_{secrets.token_hex(12)}")

    def _named(self) -> str:
        """The client's own id of the request, if it sent one that can be used."""
        given = self.header(b"x-request-id").decode("latin-1")
        return given if _REQUEST_ID.fullmatch(given) else ""

    @property
    def request_id(self) -> str:
        return self.journey.request_id

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is repeated the last."""
        return dict(parse_qsl(self._scope["query_string"].decode("latin-1"), keep_blank_values=True))

    @property
    def request_headers(self) -> Headers:
        """As they came, their names in lower case."""
        headers: Headers = self._scope["headers"]
        return headers

    def header(self, name: bytes) -> bytes:
        """A request header's value, b"" if it was not sent. `name` in lower case."""
        for key, value in self._scope["headers"]:
            if key == name:
                return bytes(value)
        return b""

    async def body(self, *, limit_bytes: int) -> bytes:
        """The whole request body.

        Raises:
            BodyTooLarge: it is, or says it will be, larger than `limit_bytes`.
            ClientLeft: it never came to its end.
        """
        announced = self.header(b"content-length")
        if announced.isdigit() and int(announced[:20]) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        parts: list[bytes] = []
        size_bytes = 0
        while True:
            message = await self._received()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            parts.append(message.get("body", b""))
            size_bytes += len(parts[-1])
            if size_bytes > limit_bytes:
                raise BodyTooLarge(limit_bytes)
            if not message.get("more_body"):
                return b"".join(parts)

    async def _received(self) -> Message:
        """The next message of a body. Raises RequestTimeout when none comes for long."""
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await self._receive()
        except TimeoutError:
            raise RequestTimeout(BODY_TIMEOUT_S) from None

    @property
    def has_begun(self) -> bool:
        """Whether the client has been sent a byte."""
        return self.status != 0

    async def json(self, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with one JSON document."""
        await self.answer(body, content_type="application/json", status=status, headers=headers)

    async def answer(
        self, body: bytes, *, content_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with one body of any kind."""
        head = [(b"content-type", content_type.encode("latin-1")), (b"content-length", b"%d" % len(body))]
        head += [(k.encode("latin-1"), v.encode("latin-1")) for k, v in (headers or {}).items()]
        await self._start(status, head)
        await self._body(body, is_last=True)

    async def empty(self, *, headers: Mapping[str, str]) -> None:
        """Answer 204."""
        await self._start(204, [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()])
        await self._body(b"", is_last=True)

    async def error(self, error: PlatformError) -> None:
        """Answer with the error's envelope; in a stream that runs, as its last event.

        Half an audio is left without its end: the server then closes the connection, which clients notice.
        """
        error.request_id, error.reasons = self.request_id, tuple(self.journey.reasons)
        if not self.has_begun:
            await self.json(self.errors.body(error), status=error.status, headers=error.headers)
        elif not self._is_complete and not self._is_media:
            await self._body(self.errors.event(error), is_last=True)

    async def start_stream(self, *, content_type: str = EVENT_STREAM) -> None:
        await self._start(200, [(b"content-type", content_type.encode("latin-1")), *_STREAM_HEADERS])

    async def start_media(self, *, content_type: str) -> None:
        """Begin an answer that `write` continues and that has no place for an error."""
        self._is_media = True
        await self.start_stream(content_type=content_type)

    async def write(self, events: bytes) -> None:
        """Send a piece of a stream. Waits while the client does not read."""
        await self._body(events, is_last=False)

    async def end(self) -> None:
        await self._body(b"", is_last=True)

    def leaving_cancels(self) -> "_LeavingCancels":
        """Inside this block the client's leaving cancels whatever is awaited, and comes out as ClientLeft.

        Only after the body has been read.
        """
        return _LeavingCancels(self._receive)

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        told = [*headers, *self.headers, *self.late_headers()]
        identified = [*told, (b"x-request-id", self.request_id.encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": identified})

    async def _body(self, body: bytes, *, is_last: bool) -> None:
        self._is_complete = is_last
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})


class _LeavingCancels:
    """Works as asyncio.timeout does, with the client's leaving for a clock."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._has_left = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "must run in a task"
        self._task = task
        self._num_cancelling = task.cancelling()
        self._watch = asyncio.create_task(self._wait_until_left())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.cancel()
        if (
            self._has_left
            and self._task.uncancel() <= self._num_cancelling
            and kind is asyncio.CancelledError
        ):
            raise ClientLeft from exc

    async def _wait_until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_left = True
        self._task.cancel()
