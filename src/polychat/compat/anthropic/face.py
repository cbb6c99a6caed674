"""A chat completion as /v1/messages shows it: a message, or the events that build one."""

import secrets
from collections.abc import Sequence

import msgspec

from polychat.compat.anthropic import answers
from polychat.compat.anthropic.answers import Answer, CallPiece, Choice, Message, Usage
from polychat.compat.anthropic.events import SIGNATURE, Blocks, call_id, event
from polychat.compat.face import ErrorShape
from polychat.errors import PlatformError

_STOP_REASONS = {"length": "max_tokens", "content_filter": "refusal"}


class AnthropicFace:
    """One answer under the name of `model`."""

    stream_type = "text/event-stream; charset=utf-8"

    def __init__(
        self,
        model: str,
        errors: ErrorShape,
        *,
        stop_sequences: Sequence[str] = (),
        shows_thinking: bool = True,
    ) -> None:
        self._model = model
        self._errors = errors
        self._stop_sequences = frozenset(stop_sequences)
        self._shows_thinking = shows_thinking
        self._id = f"msg_{secrets.token_hex(12)}"
        self._blocks = Blocks()
        self._usage = Usage()
        self._finish_reason: str | None = None
        self._stop_sequence: str | None = None
        self._has_begun = False
        self._has_failed = False

    def whole(self, body: bytes) -> bytes:
        answer = answers.decode(body)
        choice = answer.choices[0] if answer.choices else Choice()
        content = self._content(choice.said, is_cut=choice.finish_reason == "length")
        self._note(answer, choice)
        end = self._end(has_calls=any(block["type"] == "tool_use" for block in content))
        message = self._message(answer.usage or Usage())
        return msgspec.json.encode(message | {"content": content} | end)

    def chunk(self, data: bytes) -> bytes:
        """What the chunk adds; what goes wrong after the first one is an event.

        Raises:
            PlatformError: it went wrong at once.
        """
        if self._has_failed:
            return b""
        try:
            return self._chunk(data)
        except PlatformError as error:
            if not self._has_begun:
                raise
            self._has_failed = True
            return self._errors.event(error)

    def end(self) -> bytes:
        if self._has_failed:
            return b""
        end = self._end(has_calls=self._blocks.num_calls > 0)
        return b"".join(
            [
                self._begin(),
                self._blocks.close(),
                event("message_delta", delta=end, usage=self._usage.shown()),
                event("message_stop"),
            ]
        )

    def _chunk(self, data: bytes) -> bytes:
        answer = answers.decode(data)
        if answer.error is not None:
            raise PlatformError(answer.error if isinstance(answer.error, str) else answer.error.message)
        self._usage = answer.usage or self._usage
        begun = self._begin()
        if not answer.choices:
            return begun
        self._note(answer, answer.choices[0])
        return begun + self._piece(answer.choices[0].said)

    def _begin(self) -> bytes:
        if self._has_begun:
            return b""
        self._has_begun = True
        return event("message_start", message=self._message(self._usage)) + event("ping")

    def _piece(self, said: Message) -> bytes:
        shown = self._blocks.thinking(said.thinking) if said.thinking and self._shows_thinking else b""
        if said.text:
            shown += self._blocks.text(said.text)
        return shown + b"".join([self._blocks.call(call, place) for place, call in enumerate(said.calls)])

    def _message(self, usage: Usage) -> dict[str, object]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage.shown(),
        }

    def _content(self, said: Message, *, is_cut: bool) -> list[dict[str, object]]:
        content: list[dict[str, object]] = []
        if said.thinking and self._shows_thinking:
            content.append({"type": "thinking", "thinking": said.thinking, "signature": SIGNATURE})
        if said.text:
            content.append({"type": "text", "text": said.text})
        return content + [_tool_use(call, is_cut=is_cut) for call in said.calls]

    def _note(self, answer: Answer, choice: Choice) -> None:
        """Remember how the answer ends, if this says it."""
        self._finish_reason = choice.finish_reason or self._finish_reason
        self._stop_sequence = answer.matched(self._stop_sequences) or self._stop_sequence

    def _end(self, *, has_calls: bool) -> dict[str, object]:
        """Why the answer ended. After a call that was asked for by name, engines say "stop"."""
        reason = _STOP_REASONS.get(self._finish_reason or "stop")
        if reason:
            return {"stop_reason": reason, "stop_sequence": None}
        if has_calls:
            return {"stop_reason": "tool_use", "stop_sequence": None}
        reason = "end_turn" if self._stop_sequence is None else "stop_sequence"
        return {"stop_reason": reason, "stop_sequence": self._stop_sequence}


def _tool_use(call: CallPiece, *, is_cut: bool) -> dict[str, object]:
    """A whole call. Of one that was cut at the answer's length the arguments cannot be read.

    Raises:
        PlatformError: the model wrote no JSON object.
    """
    name, arguments = call.function.name or "", call.function.arguments or "{}"
    try:
        given = msgspec.json.decode(arguments, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as exc:
        if not is_cut:
            raise PlatformError(
                f"The model called the tool {name!r} with arguments that are no JSON object."
            ) from exc
        given = {}
    return {"type": "tool_use", "id": call_id(call.id), "name": name, "input": given}
