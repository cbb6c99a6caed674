"""A request's `options`: how to sample, under Ollama's names."""

from typing import Annotated

import msgspec
from msgspec import Meta

from polychat.schema.generation import Int64, Penalty, Temperature, TopP

_SAME_NAME = (  # as published, or as llama.cpp and vLLM both call what nobody has published
    *("temperature", "top_p", "stop", "presence_penalty", "frequency_penalty", "min_p"),
    *("typical_p", "mirostat_tau", "mirostat_eta"),  # known to llama.cpp alone
)
_WHOLE = ("seed", "top_k", "repeat_last_n", "mirostat")  # the same, but clients write 40.0 too
_LONGEST = 65_536  # llama.cpp allocates memory for as many tokens as repeat_last_n says


class Options(msgspec.Struct):
    """The options that act. What belongs to loading a model (num_ctx, num_gpu …) is skipped unread."""

    num_predict: Annotated[float, Meta(ge=-2, le=2**31 - 1)] | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    top_k: Annotated[float, Meta(ge=-1, le=2**31 - 1)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    typical_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Int64 | Annotated[float, Meta(ge=-(2.0**63), lt=2.0**63)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=64)] | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    repeat_last_n: Annotated[float, Meta(ge=-1, le=_LONGEST)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    mirostat: Annotated[float, Meta(ge=0, le=2)] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None

    def __post_init__(self) -> None:
        if self.repeat_last_n == -1:  # the whole context
            self.repeat_last_n = _LONGEST

    @property
    def max_tokens(self) -> int | None:
        """How many tokens to generate at most; None (Ollama's 0, -1 and -2) for as many as fit."""
        return int(self.num_predict) if self.num_predict is not None and self.num_predict >= 1 else None


def sampling(options: Options) -> dict[str, object]:
    """The options as fields of a published request, except for its length."""
    fields = {name: value for name in _SAME_NAME if (value := getattr(options, name)) is not None}
    fields |= {name: int(value) for name in _WHOLE if (value := getattr(options, name)) is not None}
    if options.repeat_penalty is not None:
        fields["repeat_penalty"] = options.repeat_penalty  # llama.cpp's name for it
        fields["repetition_penalty"] = options.repeat_penalty  # vLLM's
    return fields
