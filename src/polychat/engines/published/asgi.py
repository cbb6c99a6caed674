"""What the HTTP faces of our own engines share. No framework: each route is one function."""

import asyncio
import hmac
from collections.abc import Coroutine

from starlette.types import Receive, Scope, Send

from polychat.errors import Unauthorized

STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


def require_secret(scope: Scope, credentials: bytes) -> None:
    """Raises Unauthorized for those who do not send `credentials`, which begin with "Bearer "."""
    if not hmac.compare_digest(dict(scope["headers"]).get(b"authorization", b""), credentials):
        raise Unauthorized("This engine takes requests from its gateways only.")


async def read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def unless_client_leaves(receive: Receive, answering: Coroutine[object, object, None]) -> None:
    """Answer, but stop at once when the client closes the connection. Only after the body has been read."""
    answer = asyncio.ensure_future(answering)
    leaving = asyncio.ensure_future(receive())  # the next message can only be http.disconnect
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            answer.result()
    finally:
        answer.cancel()
        leaving.cancel()
        await asyncio.gather(answer, leaving, return_exceptions=True)


async def send_json(
    send: Send, body: bytes, *, status: int = 200, content_type: bytes = b"application/json"
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
