"""The first bytes of an answer: its status line and headers, as HTTP/1.1 writes them."""

import json
import secrets
from collections.abc import Iterable
from http import HTTPStatus

from polychat.errors import PlatformError

Headers = list[tuple[bytes, bytes]]

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header lines; what could end a line early is taken out of values, as engines' words get into some."""
    return b"".join([b"%b: %b\r\n" % (name, _clean(value)) for name, value in headers])


def _clean(value: bytes) -> bytes:
    if b"\n" in value or b"\r" in value or b"\0" in value:
        return value.translate(None, b"\r\n\0")
    return value


def refused(error: PlatformError) -> bytes:
    """A whole answer to what is no request."""
    error.request_id = f"req_{secrets.token_hex(12)}"
    body = json.dumps(error.envelope()).encode()
    head = lines(
        [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", error.request_id.encode()),
        ]
    )
    return b"%b%b%b\r\n%b" % (status_line(error.status), head, CLOSE, body)
