"""Token counts."""

import msgspec


class PromptTokenDetails(msgspec.Struct):
    cached_tokens: int | None = None


class CompletionTokenDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    """Of a request that generates text."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokenDetails | None = None
    completion_tokens_details: CompletionTokenDetails | None = None


class InputUsage(msgspec.Struct):
    """Of a request that only reads."""

    prompt_tokens: int
    total_tokens: int
