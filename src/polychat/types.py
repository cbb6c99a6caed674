"""The platform's shared vocabulary. This module imports nothing from the package."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Load:
    """What an engine reports about itself at one instant."""

    running: int = 0  # requests in the current batch (prefill or decode)
    waiting: int = 0  # requests queued for prefill
    kv_cache_usage: float = 0.0  # fraction of KV cache blocks in use, 0 to 1
    slots: int = 0  # requests the engine decodes at once; 0 when it sets no limit
    output_tokens_total: int = 0  # tokens generated since the engine started; tok/s is its slope


class Endpoint(StrEnum):
    """The API routes an engine may serve itself."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"
