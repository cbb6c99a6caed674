"""The events of an Anthropic stream: one content block after the other, each with its start and its stop."""

import secrets
from dataclasses import dataclass

import msgspec

from polychat.compat.anthropic.answers import CallPiece
from polychat.errors import PlatformError

SIGNATURE = "unsigned"
"""What stands where Anthropic proves that thoughts are its own. Clients drop thoughts that have none."""


def event(kind: str, **fields: object) -> bytes:
    """One event; its name stands before its data and within it."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind} | fields))


def call_id(given: str | None) -> str:
    """A tool call's id, also from an engine that gives none."""
    return given or f"toolu_{secrets.token_hex(12)}"


@dataclass(slots=True)
class _Call:
    """The tool call whose block is open, or will be once its name has come."""

    index: int
    id: str | None = None
    name: str | None = None
    held: str = ""  # arguments that came before the name


class Blocks:
    """Opens and closes the blocks of one stream as its pieces come."""

    def __init__(self) -> None:
        self.num_calls = 0
        self._index = -1  # of the newest block
        self._open = ""  # its type, "" when it has been closed
        self._call: _Call | None = None
        self._last_call = -1  # the index of the newest call in the published stream

    def text(self, piece: str) -> bytes:
        return self._begin("text", text="") + self._delta("text_delta", text=piece)

    def thinking(self, piece: str) -> bytes:
        begun = self._begin("thinking", thinking="", signature="")
        return begun + self._delta("thinking_delta", thinking=piece)

    def call(self, piece: CallPiece, place: int) -> bytes:
        """A tool call's piece, `place` being its index if it names none.

        Raises:
            PlatformError: it belongs to a call that another one has followed.
        """
        index = place if piece.index is None else piece.index
        before = b"" if self._call and index == self._call.index else self._next_call(index)
        call = self._call
        assert call is not None
        call.id = call.id or piece.id
        arguments = call.held + (piece.function.arguments or "")
        if call.name is None and piece.function.name:
            call.name = piece.function.name
            self.num_calls += 1
            before += self._start("tool_use", id=call_id(call.id), name=call.name, input={})
        call.held = arguments if call.name is None else ""
        if call.name is None or not arguments:
            return before
        return before + self._delta("input_json_delta", partial_json=arguments)

    def close(self) -> bytes:
        """End the open block, if there is one."""
        kind, self._open, self._call = self._open, "", None
        if not kind:
            return b""
        signed = self._delta("signature_delta", signature=SIGNATURE) if kind == "thinking" else b""
        return signed + event("content_block_stop", index=self._index)

    def _next_call(self, index: int) -> bytes:
        if index <= self._last_call:
            raise PlatformError("The engine mixed up the pieces of the model's tool calls.")
        closed = self.close()
        self._call, self._last_call = _Call(index), index
        return closed

    def _begin(self, kind: str, **fields: object) -> bytes:
        return b"" if self._open == kind else self.close() + self._start(kind, **fields)

    def _start(self, kind: str, **fields: object) -> bytes:
        self._index += 1
        self._open = kind
        return event("content_block_start", index=self._index, content_block={"type": kind} | fields)

    def _delta(self, kind: str, **fields: object) -> bytes:
        return event("content_block_delta", index=self._index, delta={"type": kind} | fields)
