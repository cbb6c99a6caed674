"""One response as it comes into being: chat chunks in, events and in the end the whole object out.

An answer that does not stream goes the same way, as one large chunk, so that both are the same.
"""

from collections.abc import Callable, Sequence

from polychat.compat.responses import chunks, output
from polychat.compat.responses.events import Events
from polychat.compat.responses.items import Json
from polychat.compat.responses.response import error_code, failed
from polychat.errors import PlatformError

_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Answer:
    """Feed it `chunk` any number of times, or `whole` once; then `close`, and `response` is what was said."""

    stream_type = "text/event-stream; charset=utf-8"

    def __init__(self, begun: Json, *, key: str, custom: frozenset[str], now_s: Callable[[], float]) -> None:
        self.response = begun
        self._has_begun = False
        self._events = Events()
        self._key = key
        self._custom = custom  # names of tools that take free text
        self._now_s = now_s
        self._items: list[output.Growing] = []
        self._open: output.Growing | None = None  # the message or the reasoning that still grows
        self._calls: dict[int, output.FunctionCall | output.CustomCall] = {}  # by the engine's index
        self._logprobs: list[Json] = []  # of tokens that have not become text yet
        self._finish_reason = ""
        self._usage: Json | None = None

    def begin(self) -> bytes:
        """The events before the first word; b"" if they have been told."""
        if self._has_begun:
            return b""
        self._has_begun = True
        is_queued = bool(self.response["background"])
        first = self.response | ({"status": "queued"} if is_queued else {})
        self._events.add("response.created", response=first)
        if is_queued:
            self._events.add("response.queued", response=first)
        self._events.add("response.in_progress", response=self.response)
        return self._events.take()

    def chunk(self, data: bytes) -> bytes:
        """The events that one chat chunk adds."""
        self._take(data)
        return self._events.take()

    def whole(self, body: bytes) -> None:
        """Take a whole chat completion."""
        self._take(body)

    def close(self) -> bytes:
        """The events that end the items; after it `response` is complete. The last event is `last`."""
        if not self._items or self._logprobs:
            self._message().say("", self._taken_logprobs())
        reason = _REASONS.get(self._finish_reason)
        self._close_growing(cut=self._items[-1:] if reason else [])
        self.response = self.response | {
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "completed_at": None if reason else int(self._now_s()),
            "output": [item.item for item in self._items],
            "usage": self._usage,
        }
        return self._events.take()

    def last(self) -> bytes:
        """The event that ends the stream."""
        self._events.add(f"response.{self.response['status']}", response=self.response)
        return self._events.take()

    def broken(self, error: PlatformError) -> bytes:
        """The events that end a stream which cannot go on."""
        said = str(error)
        self._close_growing(cut=self._items)
        self._events.add("error", code=error.code, message=said, param=error.param)
        self.response = failed(self.response, message=said, code=error_code(error))
        self.response["output"] = [item.item for item in self._items]
        return self._events.take() + self.last()

    def _take(self, data: bytes) -> None:
        chunk = chunks.read(data)
        if chunk.usage is not None:
            self._usage = chunks.usage_of(chunk.usage)
        for choice in chunk.choices:
            if choice.logprobs is not None:
                self._logprobs += choice.logprobs.content or []
            if (said := choice.delta or choice.message) is not None:
                self._hear(said)
            self._finish_reason = choice.finish_reason or self._finish_reason

    def _hear(self, said: chunks.Said) -> None:
        if thought := said.reasoning_content or said.reasoning:
            self._reasoning().add(thought)
        if said.content:
            self._message().say(said.content, self._taken_logprobs())
        if said.refusal:
            self._message().refuse(said.refusal)
        for place, piece in enumerate(said.tool_calls or []):
            self._call(place if piece.index is None else piece.index, piece)

    def _message(self) -> output.Message:
        if not isinstance(self._open, output.Message):
            self._close_open()
            self._open = output.Message(self._place())
            self._items.append(self._open)
        return self._open

    def _reasoning(self) -> output.Reasoning:
        if not isinstance(self._open, output.Reasoning):
            self._close_open()
            self._open = output.Reasoning(self._place())
            self._items.append(self._open)
        return self._open

    def _call(self, index: int, piece: chunks.CallPiece) -> None:
        call = self._calls.get(index)
        if call is None:
            self._close_open()
            name, id_ = piece.function.name or "", piece.id or f"call_{self._key}{index}"
            kind = output.CustomCall if name in self._custom else output.FunctionCall
            call = self._calls[index] = kind(self._place(), name, id_)
            self._items.append(call)
        if piece.function.arguments:
            call.add(piece.function.arguments)

    def _place(self) -> output.Place:
        return output.Place(self._events, self._key, len(self._items))

    def _close_open(self) -> None:
        if self._open is not None:
            self._open.close(status="completed")
            self._open = None

    def _close_growing(self, *, cut: Sequence[output.Growing]) -> None:
        for item in self._items:
            if item is self._open or item in self._calls.values():
                item.close(status="incomplete" if item in cut else "completed")
        self._open, self._calls = None, {}

    def _taken_logprobs(self) -> list[Json]:
        taken, self._logprobs = self._logprobs, []
        return taken
