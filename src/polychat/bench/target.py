"""The endpoint that is measured, and how it is asked."""

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from polychat.errors import SetupError
from polychat.tls import trusted

ENDPOINTS = ("chat", "completions", "embeddings")
_PATHS = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `base_url` ends in /v1, or wherever the API's routes begin."""

    base_url: str
    model: str
    endpoint: str = "chat"
    key: str = field(default="", repr=False)
    streams: bool = True
    ignores_eos: bool = (
        False  # ask the engine to go on until max_tokens: a field of vLLM, SGLang and llama.cpp
    )
    extra: Mapping[str, Any] = field(default_factory=dict)  # more fields of each body
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.endpoint not in ENDPOINTS:
            raise SetupError(f"--endpoint {self.endpoint!r} is unknown; choose one of {', '.join(ENDPOINTS)}")

    @property
    def is_streamed(self) -> bool:
        return self.streams and self.endpoint != "embeddings"

    @property
    def address(self) -> tuple[str, int, ssl.SSLContext | None]:
        """Host, port, and how to trust it where it speaks TLS."""
        parts = urlsplit(self.base_url)
        is_tls = parts.scheme == "https"
        return (
            parts.hostname or "localhost",
            parts.port or (443 if is_tls else 80),
            trusted() if is_tls else None,
        )

    def request(self, messages: Sequence[Mapping[str, Any]], max_tokens: int) -> bytes:
        """One request as it goes over the wire."""
        body = json.dumps(self._body(messages, max_tokens) | dict(self.extra)).encode()
        parts = urlsplit(self.base_url)
        told = {"host": parts.netloc, "content-type": "application/json", "accept": "*/*"} | dict(
            self.headers
        )
        if self.key:
            told["authorization"] = f"Bearer {self.key}"
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        path = parts.path.rstrip("/") + _PATHS[self.endpoint]
        return f"POST {path} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body

    def _body(self, messages: Sequence[Mapping[str, Any]], max_tokens: int) -> dict[str, Any]:
        if self.endpoint == "embeddings":
            return {"model": self.model, "input": _joined(messages)}
        told: dict[str, Any] = {"model": self.model, "max_tokens": max_tokens}
        if self.endpoint == "chat":
            told["messages"] = list(messages)
        else:
            told["prompt"] = _joined(messages)
        if self.streams:
            told |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.ignores_eos:
            told["ignore_eos"] = True
        return told


def _joined(messages: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(str(message.get("content") or "") for message in messages)
