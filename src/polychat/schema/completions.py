"""POST /v1/completions: the request."""

from typing import Annotated

from msgspec import Meta

from polychat.schema.generation import GenerationRequest
from polychat.types import Feature

Token = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Prompts = Annotated[list[str | Token | Annotated[list[Token], Meta(min_length=1)]], Meta(min_length=1)]
MAX_PROMPTS = 2048


class CompletionRequest(GenerationRequest, kw_only=True):
    """POST /v1/completions."""

    prompt: str | Prompts
    max_tokens: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    best_of: Annotated[int, Meta(ge=1, le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    suffix: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.prompt, list):
            self._require_like_prompts(self.prompt)
        if self.best_of is not None and self.best_of < (self.n or 1):
            raise ValueError("[best_of] must not be smaller than 'n'")
        if self.best_of is not None and self.best_of > 1 and self.stream:
            raise ValueError("[best_of] above 1 does not go with 'stream': the best is known at the end only")
        if self.suffix and self.echo:
            raise ValueError("[echo] does not go with 'suffix'")

    def _require_like_prompts(self, prompts: list[str | int | list[int]]) -> None:
        if len(set(map(type, prompts))) > 1:
            raise ValueError(
                "[prompt] must be a string, a list of strings, a list of tokens or a list of these"
            )
        if len(prompts) > MAX_PROMPTS and not isinstance(prompts[0], int):
            raise ValueError(
                f"[prompt] is a list of {len(prompts)} prompts; it may be of at most {MAX_PROMPTS}"
            )

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
