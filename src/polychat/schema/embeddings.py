"""POST /v1/embeddings: the request.

Source: https://github.com/openai/openai-openapi, CreateEmbeddingRequest.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.schema.generation import NonEmpty
from polychat.schema.tokenize import TokenId
from polychat.types import Feature

MAX_INPUTS = 2048
Input = str | Annotated[list[str | TokenId | list[TokenId]], Meta(min_length=1)]
"""A text, texts, token ids, or lists of token ids."""


class EmbeddingRequest(msgspec.Struct):
    """POST /v1/embeddings."""

    model: NonEmpty
    input: Input
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None
    truncate_prompt_tokens: Annotated[int, Meta(ge=-1)] | None = None  # vLLM's; -1: to the context's length

    def __post_init__(self) -> None:
        check(self.input)
        if self.truncate_prompt_tokens == 0:
            raise ValueError("[truncate_prompt_tokens] must be -1 or at least 1")

    @property
    def inputs(self) -> list[str | list[int]]:
        """Each input by itself."""
        if isinstance(self.input, str):
            return [self.input]
        numbers = [each for each in self.input if isinstance(each, int)]
        return [numbers] if numbers else [each for each in self.input if not isinstance(each, int)]

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        return needs_of(self.input)


def check(given: Input) -> None:
    """Raises ValueError, in the words of `validation`, when an input is empty or they are too many."""
    inputs = given if isinstance(given, list) else [given]
    if len({type(each) for each in inputs}) > 1:
        raise ValueError("[input] must be a text, a list of texts, a list of tokens or a list of these")
    if isinstance(inputs[0], int):  # one input, as tokens
        return
    if len(inputs) > MAX_INPUTS:
        raise ValueError(f"[input] has {len(inputs)} inputs; at most {MAX_INPUTS} are taken at once")
    for index, each in enumerate(inputs):
        if not each:
            where = f" (number {index} of the list is)" if isinstance(given, list) else ""
            raise ValueError(f"[input] must not be empty{where}")


def needs_of(given: Input) -> frozenset[Feature]:
    """What a model must be able to do to take the input."""
    first = given[0] if isinstance(given, list) else ""
    return frozenset() if isinstance(first, str) else frozenset({Feature.TOKEN_PROMPTS})
