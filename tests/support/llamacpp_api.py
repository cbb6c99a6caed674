"""The built-in model in llama.cpp, asked as a gateway asks: through the dialect, every call that it wants."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from polychat import sse
from polychat.engines import models
from polychat.engines.base import RequestView, Shaped
from polychat.engines.catalog import open_engine
from polychat.engines.dialects import dialect_of
from polychat.engines.spec import EngineSpec
from polychat.gateway.answers import error_of
from polychat.schema import Request
from polychat.schema.validation import parse_chat, parse_completion
from polychat.types import Endpoint
from tests.support.processes import free_port

Document = dict[str, Any]


@dataclass
class Api:
    """A client of the published API, in front of one engine."""

    http: httpx.Client
    slots: int

    def chat(self, content: str = "hi", **fields: object) -> Document:
        return self._whole(Endpoint.CHAT, _chat_body(content, fields))

    def chat_chunks(self, content: str = "hi", **fields: object) -> list[Document]:
        return self._chunks(Endpoint.CHAT, _chat_body(content, fields))

    def complete(self, prompt: object, **fields: object) -> Document:
        return self._whole(Endpoint.COMPLETIONS, {"model": "asked/name", "prompt": prompt, **fields})

    def text_chunks(self, prompt: object, **fields: object) -> list[Document]:
        return self._chunks(Endpoint.COMPLETIONS, {"model": "asked/name", "prompt": prompt, **fields})

    def _whole(self, endpoint: Endpoint, body: Document) -> Document:
        _, answer = self._call(endpoint, body)
        document: Document = json.loads(answer)
        return document

    def _chunks(self, endpoint: Endpoint, body: Document) -> list[Document]:
        call, stream = self._call(endpoint, body | {"stream": True})
        chunks = _told(call, stream)
        while call.then is not None:
            call, stream = self._asked(call.then(), endpoint, stream=True)
            chunks += _told(call, stream)
        return chunks

    def _call(self, endpoint: Endpoint, body: Document) -> tuple[Shaped, bytes]:
        data = json.dumps(body).encode()
        request = _PARSERS[endpoint](data)
        stream = bool(body.get("stream"))
        include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        view = RequestView(
            endpoint,
            request.model,
            stream,
            include_usage,
            request=request,
            needs=request.needs,
            slots=self.slots,
        )
        return self._asked(dialect_of("llamacpp")(data, view), endpoint, stream=stream)

    def _asked(self, call: Shaped, endpoint: Endpoint, *, stream: bool) -> tuple[Shaped, bytes]:
        while True:
            answer = self.http.post(call.path, content=call.body)
            if answer.status_code != 200:
                known = call.refused(answer.status_code, answer.content) if call.refused else None
                raise known or error_of(answer.status_code, answer.content, endpoint)
            if stream and not call.is_side_call:
                return call, answer.content
            shaped = call.response(answer.content) if call.response else answer.content
            if isinstance(shaped, bytes):
                return call, shaped
            call = shaped


def _told(call: Shaped, stream: bytes) -> list[Document]:
    assert call.event is not None
    datas = [sse.data_of(event) for event in sse.EventSplitter().feed(stream)]
    sent = [call.event(data) for data in datas if data and data != b"[DONE]"]
    return [json.loads(line) for document in sent for line in document.splitlines()]


def _chat_body(content: str, fields: Document) -> Document:
    return {"model": "asked/name", "messages": [{"role": "user", "content": content}]} | fields


_PARSERS: dict[Endpoint, Callable[[bytes], Request]] = {
    Endpoint.CHAT: parse_chat,
    Endpoint.COMPLETIONS: parse_completion,
}


@contextmanager
def builtin_api() -> Iterator[Api]:
    """An `Api` in front of the built-in model, whose engine lives in a thread's event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    spec = EngineSpec(secret="s3cret", model=models.resolve("builtin"), name="mini", port=free_port())
    engine = open_engine(spec)
    try:
        url = asyncio.run_coroutine_threadsafe(engine.start(), loop).result(30)
        load = asyncio.run_coroutine_threadsafe(engine.load(), loop).result(30)
        limits = httpx.Limits(max_keepalive_connections=0)  # after an error llama.cpp hangs up
        headers = {"authorization": "Bearer s3cret"}
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False, limits=limits) as http:
            yield Api(http, load.slots)
    finally:
        asyncio.run_coroutine_threadsafe(engine.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
