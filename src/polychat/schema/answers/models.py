"""GET /v1/models and /v1/models/{model}: the answers."""

from typing import Literal

import msgspec

Modality = Literal["text", "image", "audio", "embeddings", "scores"]


class Modalities(msgspec.Struct, frozen=True):
    """What goes in and what comes out."""

    input: list[Modality]
    output: list[Modality]


class ReplicaCounts(msgspec.Struct, frozen=True):
    """How many replicas there are of the model, and in which state."""

    total: int
    ready: int
    silent: int
    starting: int
    draining: int


class ConformanceNote(msgspec.Struct, frozen=True):
    """What `polychat conformance` found last."""

    taken_at: float  # Unix seconds
    passed: int
    failed: list[str]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One model. Down to `max_model_len` the fields are those that OpenAI and vLLM have."""

    id: str
    object: Literal["model"] = "model"
    created: int  # Unix seconds
    owned_by: str = "polychat"
    root: str
    parent: str | None = None
    max_model_len: int | None  # tokens, as vLLM calls the context length
    context_length: int | None
    aliases: list[str]
    modalities: Modalities
    endpoints: list[str]
    features: list[str] | None  # None: not known, so requests are tried
    engine: str
    replicas: ReplicaCounts
    conformance: ConformanceNote | msgspec.UnsetType = msgspec.UNSET


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[ModelCard]
