"""POST /v1/completions: the request."""

from typing import Annotated

from msgspec import Meta

from polychat.schema.generation import GenerationRequest
from polychat.types import Feature


class CompletionRequest(GenerationRequest, kw_only=True):
    """POST /v1/completions."""

    prompt: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    best_of: Annotated[int, Meta(ge=1, le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    suffix: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.prompt, list) and len({type(part) for part in self.prompt}) > 1:
            raise ValueError(
                "[prompt] must be a string, a list of strings, a list of tokens or a list of these"
            )
        if self.best_of is not None and self.best_of < (self.n or 1):
            raise ValueError("[best_of] must not be smaller than 'n'")

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        first = self.prompt[0] if isinstance(self.prompt, list) else ""
        asked = {
            Feature.TOKEN_PROMPTS: not isinstance(first, str),
            Feature.SUFFIX: bool(self.suffix),
            Feature.LOGPROBS: self.logprobs is not None,
            Feature.PROMPT_LOGPROBS: self.logprobs is not None and bool(self.echo),
            Feature.LOGIT_BIAS: bool(self.logit_bias),
        }
        return frozenset(feature for feature, is_asked in asked.items() if is_asked)
