"""Ollama's API: the answers. Times are nanoseconds."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType


class OllamaAnswerFunction(msgspec.Struct):
    name: str
    arguments: dict[str, Any]  # what the model wrote


class OllamaAnswerToolCall(msgspec.Struct):
    function: OllamaAnswerFunction


class OllamaAnswerMessage(msgspec.Struct):
    role: Literal["assistant"]
    content: str
    thinking: str | UnsetType = UNSET
    tool_calls: list[OllamaAnswerToolCall] | UnsetType = UNSET


class OllamaAnswer(msgspec.Struct, kw_only=True):
    """One line of a stream, or the whole answer. Counts and times come with the last line."""

    model: str
    created_at: str
    done: bool
    done_reason: Literal["stop", "length", "load", "unload"] | UnsetType = UNSET
    total_duration: int | UnsetType = UNSET
    load_duration: int | UnsetType = UNSET
    prompt_eval_count: int | UnsetType = UNSET
    prompt_eval_duration: int | UnsetType = UNSET
    eval_count: int | UnsetType = UNSET
    eval_duration: int | UnsetType = UNSET


class OllamaChatAnswer(OllamaAnswer, kw_only=True):
    message: OllamaAnswerMessage


class OllamaGenerateAnswer(OllamaAnswer, kw_only=True):
    response: str
    thinking: str | UnsetType = UNSET


class OllamaEmbeddings(msgspec.Struct):
    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int


class OllamaEmbedding(msgspec.Struct):
    embedding: list[float]


class OllamaDetails(msgspec.Struct):
    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class OllamaModel(msgspec.Struct, kw_only=True):
    name: str
    model: str
    size: int
    digest: str
    details: OllamaDetails


class OllamaTag(OllamaModel, kw_only=True):
    modified_at: str


class OllamaRunning(OllamaModel, kw_only=True):
    expires_at: str
    size_vram: int
    context_length: int


class OllamaTags(msgspec.Struct):
    models: list[OllamaTag]


class OllamaRunningList(msgspec.Struct):
    models: list[OllamaRunning]


class OllamaShown(msgspec.Struct):
    license: str
    modelfile: str
    parameters: str
    template: str
    details: OllamaDetails
    model_info: dict[str, str | int | float | bool | None]
    capabilities: list[str]
    modified_at: str


class OllamaVersion(msgspec.Struct):
    version: str


class OllamaProgress(msgspec.Struct):
    status: str
