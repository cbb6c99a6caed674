"""The parts of a chat completion, whole or a chunk, that Anthropic's clients are shown."""

from collections.abc import Collection

import msgspec

from polychat.errors import PlatformError


class FunctionPiece(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class CallPiece(msgspec.Struct):
    """A tool call, or the part of one that a chunk adds."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece = msgspec.field(default_factory=FunctionPiece)


class Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None  # vLLM's newer name
    tool_calls: list[CallPiece] | None = None

    @property
    def text(self) -> str:
        return self.content or self.refusal or ""

    @property
    def thinking(self) -> str:
        return self.reasoning_content or self.reasoning or ""

    @property
    def calls(self) -> list[CallPiece]:
        return self.tool_calls or []


class Choice(msgspec.Struct):
    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None  # vLLM's: the stop string or token that it met
    matched_stop: str | int | None = None  # SGLang's

    @property
    def said(self) -> Message:
        return self.message or self.delta or Message()


class PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None

    def shown(self) -> dict[str, int]:
        """Anthropic counts what came from a cache apart."""
        cached = (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0
        return {
            "input_tokens": max(self.prompt_tokens - cached, 0),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": self.completion_tokens,
        }


class Failure(msgspec.Struct):
    message: str = "The engine failed."


class Verbose(msgspec.Struct):
    stopping_word: str | None = None


class Answer(msgspec.Struct):
    """A chat completion, or a chunk of one."""

    choices: list[Choice] = msgspec.field(default_factory=list)
    usage: Usage | None = None
    error: Failure | str | None = None
    verbose: Verbose | None = msgspec.field(name="__verbose", default=None)  # llama.cpp's

    def matched(self, stop_sequences: Collection[str]) -> str | None:
        """Which of the `stop_sequences` ended the answer, if any did and the engine says so."""
        said: list[str | int | None] = [self.verbose.stopping_word] if self.verbose else []
        said += [word for choice in self.choices[:1] for word in (choice.stop_reason, choice.matched_stop)]
        return next((word for word in said if isinstance(word, str) and word in stop_sequences), None)


_decode = msgspec.json.Decoder(Answer).decode


def decode(data: bytes) -> Answer:
    """An engine's chat completion or chunk.

    Raises:
        PlatformError: it is none.
    """
    try:
        return _decode(data)
    except msgspec.DecodeError as exc:
        raise PlatformError(f"The engine's answer is no chat completion: {exc}.") from exc
