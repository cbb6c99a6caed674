"""Runs inside vLLM's server (`--middleware polychat_guard.Guard`): every route asks for the key but /health.

vLLM itself guards /v1 only, and answers requests at /invocations, /tokenize and others without a key. This
file imports nothing of polychat, which need not be installed where vLLM is.
"""

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_OPEN = frozenset({"/health"})
_BODY = (
    b'{"error":{"message":"A key is needed.","type":"authentication_error",'
    b'"param":null,"code":"invalid_api_key"}}'
)


class Guard:
    """ASGI middleware. Any: ASGI's scopes and messages are open dictionaries."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._expected = f"Bearer {os.environ['VLLM_API_KEY']}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in _OPEN or self._has_key(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _BODY})

    def _has_key(self, scope: Scope) -> bool:
        told = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(told, self._expected)
