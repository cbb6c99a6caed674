"""`python -m polychat.engines.launches.mistralrs_child`: mistral.rs's Python package, served over HTTP.

The package has no server. It takes one request at a time ("Already borrowed" otherwise) and runs many: each
is read by a thread of its own.
"""

import argparse
import hmac
import os
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import mistralrs
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from polychat import sse
from polychat.engines.launches import mistralrs_chat as chat
from polychat.errors import PlatformError, RequestError, Unauthorized
from polychat.types import Load

KEY = "POLYCHAT_ENGINE_KEY"
Piece = tuple[chat.Choice, "mistralrs.Usage | None"]
Chunks = Iterator["mistralrs.ChatCompletionChunkResponse"]


class PromptTooLong(RequestError):
    code = "context_length_exceeded"


class Face:
    """The routes."""

    def __init__(self, runner: "mistralrs.Runner", *, name: str, slots: int, secret: str) -> None:
        self._runner = runner
        self._name = name
        self._credentials = f"Bearer {secret}"
        self._submitting = threading.Lock()
        self._load = Load(slots=slots)
        self._num_open = 0

    def app(self) -> Starlette:
        routes = [
            Route("/health", self._health),
            Route("/load", self._tell_load),
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={PlatformError: _refused})

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def _tell_load(self, request: Request) -> Response:
        running = min(self._num_open, self._load.slots)
        return _json(replace(self._load, running=running, waiting=self._num_open - running))

    async def _models(self, request: Request) -> Response:
        length = self._runner.max_sequence_length()
        return _json({"object": "list", "data": [{"id": self._name, "max_model_len": length}]})

    async def _chat(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", ""), self._credentials):
            raise Unauthorized("This engine takes requests from its gateways only.")
        wanted = msgspec.json.decode(await request.body(), type=chat.Wanted)
        answer = _Answer(self._pieces(wanted, request), wanted.model or self._name)
        await answer.begin()
        if not wanted.stream:
            return _json(await answer.whole())
        events = answer.events(include_usage=wanted.include_usage)
        return StreamingResponse(events, media_type="text/event-stream; charset=utf-8")

    async def _pieces(self, wanted: chat.Wanted, request: Request) -> AsyncIterator[Piece]:
        """The pieces of every choice, one choice after the other."""
        with self._counted():
            for index in range(wanted.n or 1):
                chunks = await run_in_threadpool(self._submit, wanted)
                async for chunk in iterate_in_threadpool(chunks):
                    if await request.is_disconnected():
                        return  # whoever lets go of the chunks ends the request
                    self._count(chunk.usage)
                    yield chat.choice_of(chunk, index, wanted), chunk.usage

    def _submit(self, wanted: chat.Wanted) -> Chunks:
        with self._submitting:
            return cast(Chunks, self._runner.send_chat_completion_request(chat.asked(wanted)))

    def _count(self, usage: "mistralrs.Usage | None") -> None:
        made = usage.completion_tokens if usage else 0
        self._load = replace(self._load, output_tokens_total=self._load.output_tokens_total + made)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._num_open += 1
        try:
            yield
        finally:
            self._num_open -= 1


class _Answer:
    """The pieces of one answer as the published API's JSON and events."""

    def __init__(self, pieces: AsyncIterator[Piece], model: str) -> None:
        self._pieces = pieces
        self._first: Piece | None = None
        self._used: list[mistralrs.Usage] = []
        self._about: Mapping[str, object] = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }

    async def begin(self) -> None:
        """Wait for the first piece: what is wrong with a request shows by then."""
        try:
            self._first = await anext(self._pieces, None)
        except ValueError as exc:
            raise _error_of(str(exc)) from exc

    async def whole(self) -> Mapping[str, object]:
        by_choice: dict[int, list[chat.Choice]] = {}
        async for choice in self._choices():
            by_choice.setdefault(choice.index, []).append(choice)
        choices = [chat.joined(choices) for choices in by_choice.values()]
        usage = chat.usage(self._used)
        return {**self._about, "object": "chat.completion", "choices": choices, "usage": usage}

    async def events(self, *, include_usage: bool) -> AsyncIterator[bytes]:
        about = {**self._about, "object": "chat.completion.chunk"}
        later: dict[str, None] = {"usage": None} if include_usage else {}
        opened = set()
        async for choice in self._choices():
            if choice.index not in opened:
                opened.add(choice.index)
                head = chat.Choice(choice.index, {"role": "assistant", "content": ""})
                yield _event({**about, "choices": [head], **later})
            yield _event({**about, "choices": [choice], **later})
        if include_usage:
            yield _event({**about, "choices": [], "usage": chat.usage(self._used)})
        yield sse.DONE

    async def _choices(self) -> AsyncIterator[chat.Choice]:
        piece = self._first
        while piece is not None:
            choice, usage = piece
            self._used += [usage] if usage else []
            yield choice
            piece = await anext(self._pieces, None)


def main() -> None:
    """Load the model, then serve until killed."""
    options = _options()
    runner = mistralrs.Runner(
        which=_which(Path(options.model), options.dtype),
        max_seqs=options.slots,
        jinja_explicit=options.chat_template or None,
        in_situ_quant=options.quantization or None,
    )
    face = Face(runner, name=options.name, slots=options.slots, secret=os.environ.pop(KEY))
    uvicorn.run(face.app(), host=options.host, port=options.port, log_level="warning", access_log=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for flag in ("--model", "--name", "--host", "--dtype", "--chat-template", "--quantization"):
        parser.add_argument(flag, default="")
    for flag in ("--port", "--slots"):
        parser.add_argument(flag, type=int)
    return parser.parse_args()


def _which(path: Path, dtype: str) -> "mistralrs.Which":
    types = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
    kind = getattr(mistralrs.ModelDType, types.get(dtype, "Auto"))
    if path.is_dir():
        which: object = mistralrs.Which.Plain(str(path), dtype=kind)
    else:
        which = mistralrs.Which.GGUF(str(path.parent), path.name, dtype=kind)
    return cast("mistralrs.Which", which)  # to its stubs they are classes of their own


def _error_of(message: str) -> PlatformError:
    reason = message.partition("\n")[0]  # a backtrace follows
    return PromptTooLong(reason, param="messages") if "sequence length" in reason else PlatformError(reason)


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, PlatformError), "what it is registered for"
    return _json(exc.envelope(), status=exc.status)


def _json(document: object, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def _event(document: object) -> bytes:
    return sse.encode(msgspec.json.encode(document))


if __name__ == "__main__":
    main()
