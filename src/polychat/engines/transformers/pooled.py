"""Embeddings, ranks, scores and classes: from a request's body to an answer."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

from polychat.engines.published import pooling as forms
from polychat.engines.transformers.job import Encoded, Pooler
from polychat.engines.transformers.text import Text
from polychat.errors import ContextLengthExceeded, RequestError
from polychat.schema.classify import ClassifyRequest
from polychat.schema.embeddings import EmbeddingRequest
from polychat.schema.rerank import RerankRequest
from polychat.schema.score import ScoreRequest
from polychat.schema.validation import parse_embedding, parser_of

_parse_rerank = parser_of(RerankRequest)
_parse_score = parser_of(ScoreRequest)
_parse_classify = parser_of(ClassifyRequest)
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Pooled:
    """A model that answers with numbers."""

    name: str
    pooler: Pooler
    text: Text
    context_length: int

    async def embeddings(self, body: bytes) -> bytes:
        request = parse_embedding(body)
        limit = request.truncate_prompt_tokens
        if limit is not None:
            limit = self.context_length if limit < 0 else min(limit, self.context_length)
        inputs = [self._input(each, limit) for each in _inputs(request)]
        vectors = await self.pooler.embed(inputs)
        return forms.encoded(forms.embeddings(request, vectors, _count(inputs)))

    async def rerank(self, body: bytes) -> bytes:
        request = _parse_rerank(body)
        pairs = [(request.query, text) for text in request.texts]
        values, num_tokens = await self._compared(pairs, "documents")
        return forms.encoded(forms.ranking(request, values, num_tokens))

    async def score(self, body: bytes) -> bytes:
        request = _parse_score(body)
        values, num_tokens = await self._compared(request.pairs, request.names[1])
        return forms.encoded(forms.scores(request.model, values, num_tokens))

    async def classify(self, body: bytes) -> bytes:
        request = _parse_classify(body)
        inputs = [self._input(each) for each in _inputs(request)]
        rows = await self.pooler.classify(inputs)
        return forms.encoded(forms.classes(request.model, rows, self.pooler.labels, _count(inputs)))

    async def _compared(self, pairs: Pairs, param: str) -> tuple[list[float], int]:
        """The score of each pair, and how many tokens were read for all."""
        if self.pooler.kind == "score":
            inputs = [self._fitting(self.text.encode_input(*pair), param) for pair in pairs]
            return await self.pooler.score(inputs), _count(inputs)
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        inputs = [self._fitting(self.text.encode_input(text), param) for text in texts]
        vectors = dict(zip(texts, await self.pooler.embed(inputs), strict=True))
        return [_cosine(vectors[one], vectors[other]) for one, other in pairs], _count(inputs)

    def _input(self, given: str | list[int], limit: int | None = None) -> Encoded:
        if isinstance(given, str):
            encoded = self.text.encode_input(given)
        elif absent := [id_ for id_ in given if id_ >= self.text.num_ids]:
            raise RequestError(
                f"'input' has the token {absent[0]}; this model's are 0 to {self.text.num_ids - 1}.",
                param="input",
            )
        else:
            encoded = Encoded(tuple(given))
        return self._fitting(encoded if limit is None else _cut(encoded, limit), "input")

    def _fitting(self, encoded: Encoded, param: str) -> Encoded:
        if len(encoded.ids) > self.context_length:
            raise ContextLengthExceeded(
                prompt_tokens=len(encoded.ids), context_length=self.context_length, param=param
            )
        return encoded


def _inputs(request: EmbeddingRequest | ClassifyRequest) -> list[str | list[int]]:
    """Each input by itself."""
    given = request.input
    if isinstance(given, str):
        return [given]
    numbers = [each for each in given if isinstance(each, int)]
    return [numbers] if numbers else [each for each in given if not isinstance(each, int)]


def _cut(encoded: Encoded, limit: int) -> Encoded:
    """The last token stays: it is the one that marks the end."""
    if len(encoded.ids) <= limit:
        return encoded
    return Encoded((*encoded.ids[: limit - 1], encoded.ids[-1]), encoded.type_ids[:limit])


def _count(inputs: Sequence[Encoded]) -> int:
    return sum(len(each.ids) for each in inputs)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors are, from -1 to 1."""
    lengths = (sum(map(operator.mul, one, one)) * sum(map(operator.mul, other, other))) ** 0.5
    total: float = sum(map(operator.mul, one, other))
    return max(-1.0, min(1.0, total / (lengths or 1.0)))
