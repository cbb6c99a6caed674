"""The parts of a replica's answer, chat or completion, whole or a chunk, that Ollama's clients are shown."""

from dataclasses import dataclass, field

import msgspec

from polychat.compat.ollama.calls import CallPiece, Calls

_DONE_REASONS = {"length": "length"}  # after a tool call Ollama says "stop" too


class Alternative(msgspec.Struct, omit_defaults=True):
    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Alternative, omit_defaults=True):
    top_logprobs: list[Alternative] | None = None


class Logprobs(msgspec.Struct):
    """A chat's logprobs (`content`) or a completion's (the other three)."""

    content: list[TokenLogprob] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None

    def shown(self) -> list[TokenLogprob]:
        """In the form of chats, which is Ollama's."""
        if self.tokens is None:
            return self.content or []
        values = self.token_logprobs or []
        others = self.top_logprobs or [None] * len(self.tokens)
        return [
            TokenLogprob(token, value, None, [Alternative(*pair) for pair in (other or {}).items()] or None)
            for token, value, other in zip(self.tokens, values, others, strict=False)
            if value is not None
        ]


class Message(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None  # vLLM's newer name
    tool_calls: list[CallPiece] | None = None


class Choice(msgspec.Struct):
    message: Message | None = None
    delta: Message | None = None
    text: str | None = None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None

    @property
    def done_reason(self) -> str:
        return _DONE_REASONS.get(self.finish_reason or "", "stop")

    def said(self, calls: Calls) -> "Said":
        """What this choice adds. `calls` remembers tool calls that go on in the next chunk.

        Raises:
            PlatformError: a tool call's arguments are no JSON object.
        """
        message = self.message or self.delta or Message(content=self.text)
        whole_calls = calls.add(message.tool_calls or [])
        if self.finish_reason is not None:
            whole_calls += calls.end(is_cut=self.done_reason == "length")
        return Said(
            text=message.content or "",
            thinking=message.reasoning_content or message.reasoning or "",
            calls=whole_calls,
            logprobs=self.logprobs.shown() if self.logprobs else [],
        )


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Failure(msgspec.Struct):
    message: str = "The engine failed."


class Answer(msgspec.Struct):
    """A chat completion, a completion, or a chunk of either."""

    choices: list[Choice] = msgspec.field(default_factory=list)
    usage: Usage | None = None
    error: Failure | str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said, all of it or a piece."""

    text: str = ""
    thinking: str = ""
    calls: list[dict[str, object]] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.text or self.thinking or self.calls or self.logprobs)


decode = msgspec.json.Decoder(Answer).decode
