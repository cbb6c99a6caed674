"""POST /v1/completions: the answer, whole and in chunks."""

from typing import Literal

import msgspec

from polychat.schema.answers.usage import Usage


class CompletionLogprobs(msgspec.Struct):
    """Lists of one length, an entry a token. The first token of a prompt has no probability."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None = None
    text_offset: list[int] | None = None


class CompletionChoice(msgspec.Struct):
    index: int
    text: str
    finish_reason: Literal["stop", "length", "content_filter"] | None
    logprobs: CompletionLogprobs | None = None


class Completion(msgspec.Struct):
    """A whole answer; in a stream each event is one without usage, but for the last if that was asked for."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None
