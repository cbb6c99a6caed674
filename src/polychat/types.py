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
    """The API routes that run a model; an engine serves some of them."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"
    RERANK = "/v1/rerank"
    SCORE = "/v1/score"
    CLASSIFY = "/v1/classify"
    TOKENIZE = "/tokenize"
    DETOKENIZE = "/detokenize"
    TRANSCRIPTIONS = "/v1/audio/transcriptions"
    TRANSLATIONS = "/v1/audio/translations"
    SPEECH = "/v1/audio/speech"
    IMAGES = "/v1/images/generations"
    IMAGE_EDITS = "/v1/images/edits"
    IMAGE_VARIATIONS = "/v1/images/variations"
    LOAD_ADAPTER = "/v1/load_lora_adapter"
    UNLOAD_ADAPTER = "/v1/unload_lora_adapter"


class Feature(StrEnum):
    """What a request may need beyond its route, and not every model or engine has."""

    TOOLS = "tools"
    JSON_SCHEMA = "json_schema"  # response_format json_object and json_schema
    LOGPROBS = "logprobs"
    PROMPT_LOGPROBS = "prompt_logprobs"  # completions with both echo and logprobs
    VISION = "vision"  # images in messages
    AUDIO_INPUT = "audio_input"
    SUFFIX = "suffix"  # fill in the middle
    TOKEN_PROMPTS = "token_prompts"  # prompts and inputs as token ids
    LOGIT_BIAS = "logit_bias"
    CONTINUE = "continue_final_message"
