"""POST /v1/embeddings: the request."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.schema.generation import NonEmpty
from polychat.types import Feature


class EmbeddingRequest(msgspec.Struct):
    """POST /v1/embeddings."""

    model: NonEmpty
    input: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        first = self.input[0] if isinstance(self.input, list) else ""
        return frozenset() if isinstance(first, str) else frozenset({Feature.TOKEN_PROMPTS})
