"""A replica's answer as /api/chat and /api/generate show it: one JSON document, or one a line."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from polychat.compat.ollama import answers
from polychat.compat.ollama.answers import Choice, Said, Usage
from polychat.compat.ollama.calls import Calls
from polychat.compat.ollama.errors import error_json


@dataclass(frozen=True, slots=True)
class Clock:
    now: Callable[[], datetime] = lambda: datetime.now(UTC)  # JSON has it as RFC 3339 with a Z
    monotonic_ns: Callable[[], int] = time.monotonic_ns


Show = Callable[[Said], dict[str, object]]
"""The fields in which one of the two routes carries what was said."""


def as_chat(said: Said) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": said.text}
    if said.thinking:
        message["thinking"] = said.thinking
    if said.calls:
        message["tool_calls"] = said.calls
    return {"message": message}


def as_generate(said: Said) -> dict[str, object]:
    thinking: dict[str, object] = {"thinking": said.thinking} if said.thinking else {}
    return {"response": said.text} | thinking


class OllamaFace:
    """One answer under the name of `model`; its time begins now."""

    stream_type = "application/x-ndjson"

    def __init__(self, model: str, show: Show, clock: Clock) -> None:
        self._model = model
        self._show = show
        self._clock = clock
        self._started_ns = clock.monotonic_ns()
        self._first_ns: int | None = None  # when the first token came
        self._calls = Calls()
        self._usage = Usage()
        self._done_reason = "stop"
        self._has_failed = False

    def whole(self, body: bytes) -> bytes:
        answer = answers.decode(body)
        choice = answer.choices[0] if answer.choices else Choice()
        said = choice.said(self._calls)
        self._first_ns = self._started_ns  # when the first token came is not known: all is generation
        return self._last(said, choice.done_reason, answer.usage or Usage())

    def chunk(self, data: bytes) -> bytes:
        answer = answers.decode(data)
        if answer.error is not None:
            self._has_failed = True
            text = answer.error if isinstance(answer.error, str) else answer.error.message
            return error_json(text) + b"\n"
        self._usage = answer.usage or self._usage
        return b"".join([self._piece(choice) for choice in answer.choices[:1]])

    def end(self) -> bytes:
        if self._has_failed:
            return b""
        left = Said(calls=self._calls.end(is_cut=self._done_reason == "length"))
        return self._last(left, self._done_reason, self._usage) + b"\n"

    def loaded(self, *, unloads: bool) -> bytes:
        """The answer to a request that says nothing: the model is there, and stays whatever was asked."""
        done = {"done": True, "done_reason": "unload" if unloads else "load"}
        return msgspec.json.encode(self._about() | self._show(Said()) | done)

    def _piece(self, choice: Choice) -> bytes:
        said = choice.said(self._calls)
        if choice.finish_reason is not None:
            self._done_reason = choice.done_reason
        if not said:
            return b""
        if self._first_ns is None:
            self._first_ns = self._clock.monotonic_ns()
        return (
            msgspec.json.encode(self._about() | self._show(said) | _logprobs(said) | {"done": False}) + b"\n"
        )

    def _last(self, said: Said, done_reason: str, usage: Usage) -> bytes:
        ended_ns = self._clock.monotonic_ns()
        first_ns = ended_ns if self._first_ns is None else self._first_ns
        done = {
            "done": True,
            "done_reason": done_reason,
            "total_duration": ended_ns - self._started_ns,
            "load_duration": 0,
            "prompt_eval_count": usage.prompt_tokens,
            "prompt_eval_duration": first_ns - self._started_ns,
            "eval_count": usage.completion_tokens,
            "eval_duration": ended_ns - first_ns,
        }
        return msgspec.json.encode(self._about() | self._show(said) | _logprobs(said) | done)

    def _about(self) -> dict[str, object]:
        return {"model": self._model, "created_at": self._clock.now()}


def _logprobs(said: Said) -> dict[str, object]:
    return {"logprobs": said.logprobs} if said.logprobs else {}
