"""The HTTP protocol of the gateway: uvicorn's, with a limit on headers and errors in OpenAI's envelope."""

import asyncio
import json
import secrets
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from polychat.errors import HeadersTooLarge, PlatformError, RequestError, RequestTimeout

MAX_HEAD_BYTES = 64 * 1024  # of the request line and all headers, as far as they come in several pieces


class Http(HttpToolsProtocol):
    """One connection. uvicorn itself would keep reading headers for as long as a client sends them."""

    _head_bytes: int | None = None  # read of a head that is not complete; None between heads
    _idle_since_s: float | None = None  # None while a request is read or answered
    _too_slow: asyncio.TimerHandle | None = None  # while a head is read
    head_timeout_s = 30.0  # that a client may take to send the request line and all headers
    is_leaving = False  # the gateway ends: each answer is the connection's last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._idle_since_s = self.loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadersTooLarge(MAX_HEAD_BYTES))

    def on_message_begin(self) -> None:
        self._head_bytes, self._idle_since_s = 0, None
        self._too_slow = self.loop.call_later(self.head_timeout_s, self._give_up_reading)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._forget_timer()
        super().on_headers_complete()
        if self.is_leaving and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline:
            self._idle_since_s = self.loop.time()

    def shutdown(self) -> None:
        """Nothing yet: the client may be sending its next request, and an answer's head may be on its way."""
        self.is_leaving = True

    def close_if_idle_since(self, since_s: float) -> None:
        """Close the connection if its client has asked nothing after `since_s` (loop time)."""
        if self._idle_since_s is not None and self._idle_since_s <= since_s:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(RequestError("This is not valid HTTP."))

    def _give_up_reading(self) -> None:
        """One who sends a header now and then would hold the connection for ever."""
        if self._head_bytes is not None and not self.transport.is_closing():
            self._refuse(RequestTimeout(self.head_timeout_s))

    def _forget_timer(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None

    def _refuse(self, error: PlatformError) -> None:
        """Answer at once: there is no request yet that the application could answer."""
        self._head_bytes = None
        self._forget_timer()
        error.request_id = f"req_{secrets.token_hex(12)}"
        body = json.dumps(error.envelope()).encode()
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {error.request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
