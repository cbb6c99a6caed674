"""POST /v1/rerank, the API that Jina began and Cohere and vLLM share: the request.

Source: https://docs.vllm.ai/en/stable/serving/openai_compatible_server/, Re-rank API.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from polychat.schema.generation import NonEmpty
from polychat.types import Feature


class Document(msgspec.Struct):
    text: str


class RerankRequest(msgspec.Struct):
    """POST /v1/rerank."""

    model: NonEmpty
    query: NonEmpty
    documents: Annotated[list[str | Document], Meta(min_length=1, max_length=10_000)]
    top_n: Annotated[int, Meta(ge=0)] | None = None  # 0, as for vLLM, and None: all
    return_documents: bool | None = None  # None: yes

    @property
    def texts(self) -> list[str]:
        """The documents' texts, in their order."""
        return [each if isinstance(each, str) else each.text for each in self.documents]

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        return frozenset()


def plain(body: bytes, request: RerankRequest) -> bytes:
    """The body as every engine takes it: with texts for documents."""
    if all(isinstance(document, str) for document in request.documents):
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    fields["documents"] = msgspec.Raw(msgspec.json.encode(request.texts))
    return msgspec.json.encode(fields)
