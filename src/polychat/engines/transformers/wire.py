"""Answers as the published API's JSON: what all choices of an answer share, whole and in events."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from polychat import sse
from polychat.engines.transformers.answer import Answer
from polychat.engines.transformers.choices import Json

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Form:
    """How one API's answers are called."""

    prefix: str  # of ids
    kind: str
    chunk_kind: str


CHAT = Form("chatcmpl", "chat.completion", "chat.completion.chunk")
COMPLETION = Form("cmpl", "text_completion", "text_completion")


class Wire:
    """Frames the choices of one answer."""

    def __init__(self, form: Form, model: str, *, include_usage: bool) -> None:
        self._about: Json = {
            "id": f"{form.prefix}-{secrets.token_hex(12)}",
            "object": form.kind,
            "created": int(time.time()),
            "model": model,
        }
        self._chunk_kind = form.chunk_kind
        self._include_usage = include_usage

    def whole(self, choices: Sequence[Json], usage: Json) -> bytes:
        indexed = [{"index": index, **choice} for index, choice in enumerate(choices)]
        return encode(self._about | {"choices": indexed, "usage": usage})

    def event(self, index: int, choice: Json) -> bytes:
        return self._framed([{"index": index, "finish_reason": None, **choice}], None)

    def last(self, usage: Json) -> bytes:
        """The end of a stream."""
        return (self._framed([], usage) if self._include_usage else b"") + sse.DONE

    def _framed(self, choices: Sequence[Json], usage: Json | None) -> bytes:
        more = {"usage": usage} if self._include_usage else {}
        return sse.encode(encode(self._about | {"object": self._chunk_kind, "choices": choices} | more))


def usage_of(prompts: Sequence[int], answers: Sequence[Answer]) -> Json:
    """`prompts`: the tokens of each prompt."""
    made = sum(answer.num_tokens for answer in answers)
    return {"prompt_tokens": sum(prompts), "completion_tokens": made, "total_tokens": sum(prompts) + made}
