"""A request's `options`: how to sample, under Ollama's names."""

from typing import Annotated

import msgspec
from msgspec import Meta

from polychat.schema.generation import Int64, Penalty, Stop, Temperature, TopP

_SAME_NAME = (  # as published, or as llama.cpp and vLLM both call what nobody has published
    *("temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty", "top_k", "min_p"),
    *("repeat_last_n", "typical_p", "mirostat", "mirostat_tau", "mirostat_eta"),  # known to llama.cpp alone
)


class Options(msgspec.Struct):
    """The options that act. What belongs to loading a model (num_ctx, num_gpu …) is skipped unread."""

    num_predict: Annotated[int, Meta(ge=-2, le=2**31 - 1)] | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    top_k: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    typical_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Int64 | None = None
    stop: Stop | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    repeat_last_n: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    mirostat: Annotated[int, Meta(ge=0, le=2)] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None

    @property
    def max_tokens(self) -> int | None:
        """How many tokens to generate at most; None (Ollama's 0, -1 and -2) for as many as fit."""
        return self.num_predict if self.num_predict is not None and self.num_predict > 0 else None


def sampling(options: Options) -> dict[str, object]:
    """The options as fields of a published request, except for its length."""
    fields = {name: value for name in _SAME_NAME if (value := getattr(options, name)) is not None}
    if options.repeat_penalty is not None:
        fields["repeat_penalty"] = options.repeat_penalty  # llama.cpp's name for it
        fields["repetition_penalty"] = options.repeat_penalty  # vLLM's
    return fields
