"""The parts of OpenAI's JSON that a client reads. Unknown fields are skipped; a wrong type is an error."""

import msgspec


class Model(msgspec.Struct):
    id: str
    root: str | None = None
    parent: str | None = None  # of a LoRA adapter: the model that it belongs to
    max_model_len: int | None = None


class ModelList(msgspec.Struct):
    data: list[Model]


class Error(msgspec.Struct):
    message: str = ""
    code: str | int | None = None


class ErrorBody(msgspec.Struct):
    error: Error


class ChunkDelta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class Choice(msgspec.Struct):
    delta: ChunkDelta = msgspec.field(default_factory=ChunkDelta)
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chunk(msgspec.Struct):
    choices: list[Choice] = msgspec.field(default_factory=list)
    usage: Usage | None = None
    error: Error | None = None
