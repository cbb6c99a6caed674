"""POST /v1/classify, as vLLM has published it: the request.

Source: https://docs.vllm.ai/en/stable/serving/openai_compatible_server/, Classification API.
"""

import msgspec

from polychat.schema.embeddings import Input, check, needs_of
from polychat.schema.generation import NonEmpty
from polychat.types import Feature


class ClassifyRequest(msgspec.Struct):
    """POST /v1/classify."""

    model: NonEmpty
    input: Input

    def __post_init__(self) -> None:
        check(self.input)

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        return needs_of(self.input)
