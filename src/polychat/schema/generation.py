"""What requests that generate text share, with its types, ranges and enumerations.

Fields that are not named are forwarded untouched: an engine may know more than OpenAI published.
Source: https://github.com/openai/openai-openapi, CreateChatCompletionRequest and CreateCompletionRequest.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from polychat.types import Feature

Temperature = Annotated[float, Meta(ge=0, le=2)]
TopP = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Count = Annotated[int, Meta(ge=1, le=128)]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
NonEmpty = Annotated[str, Meta(min_length=1)]
Identifier = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}(?!\n)$")]
Stop = NonEmpty | Annotated[list[NonEmpty], Meta(max_length=4)]
TokenId = Annotated[str, Meta(pattern=r"^[0-9]{1,10}(?!\n)$")]
LogitBias = dict[TokenId, Annotated[float, Meta(ge=-100, le=100)]]
Free = dict[str, msgspec.Raw]  # an object that only the engine looks into


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class GenerationRequest(msgspec.Struct, kw_only=True):
    """What chat and completions share."""

    model: NonEmpty
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    n: Count | None = None
    stop: Stop | None = None
    seed: Int64 | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    user: str | None = None
    timings_per_token: bool | None = None  # llama.cpp's: asks for its private fields

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the token counts."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        if self.stream_options is not None and not self.stream:
            raise ValueError("[stream_options] is only allowed when 'stream' is true")
