"""The HTTP face of the process that transformers runs in, a raw ASGI application."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from polychat.engines.published import asgi
from polychat.engines.published.pooling import encoded
from polychat.engines.transformers.generation import Reply
from polychat.errors import PlatformError, UnknownRoute

Answer = Callable[[bytes], Awaitable[bytes | Reply]]
"""A request's body to its answer, or to one that is to be read."""


class App:
    """Answers those who know `secret`. `posts` and `gets`: what each route does."""

    def __init__(
        self, posts: Mapping[str, Answer], gets: Mapping[str, Callable[[], object]], *, secret: str
    ) -> None:
        self._posts = posts
        self._gets = gets
        self._credentials = f"Bearer {secret}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._route(scope, receive, send)
        except PlatformError as exc:
            await asgi.send_json(send, encoded(exc.envelope()), status=exc.status)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", "/health"):
            await asgi.send_json(send, b'{"status":"ok"}')
            return
        asgi.require_secret(scope, self._credentials)
        if method == "GET" and path in self._gets:
            await asgi.send_json(send, encoded(self._gets[path]()))
        elif method == "POST" and path in self._posts:
            body = await asgi.read_body(receive)
            await asgi.unless_client_leaves(receive, _answered(self._posts[path], body, send))
        else:
            raise UnknownRoute(method, path)


async def _answered(answer: Answer, body: bytes, send: Send) -> None:
    reply = await answer(body)
    if isinstance(reply, bytes):
        await asgi.send_json(send, reply)
    elif reply.streams:
        await _stream(reply, send)
    else:
        await asgi.send_json(send, await reply.whole())


async def _stream(reply: Reply, send: Send) -> None:
    """What is wrong with a request shows before its first event, and is answered with its status."""
    async with aclosing(reply.events()) as events:
        first = await anext(events)
        await send({"type": "http.response.start", "status": 200, "headers": asgi.STREAM_HEADERS})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
