"""Ranks and scores by llama.cpp: from a reranker's own head, or cosines of an embedding model's vectors.

Seen with xllamacpp 2026.10: a reranker's scores are logits; here they are chances, from 0 to 1.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import vectors
from polychat.engines.llamacpp.vectors import Usage
from polychat.engines.published import pooling
from polychat.errors import PlatformError
from polychat.schema.rerank import RerankRequest
from polychat.schema.score import ScoreRequest
from polychat.types import Endpoint

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Then:
    """What comes of the scores."""

    param: str  # the field to blame when a pair is too long
    answer: Callable[[Sequence[float], int], pooling.Document]  # of the pairs' scores in order, and tokens

    def refused(self, status: int, body: bytes) -> PlatformError | None:
        return vectors.too_long(body, param=self.param)


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Results(msgspec.Struct):
    results: list[_Result]
    usage: Usage


_read_rerank = msgspec.json.Decoder(RerankRequest).decode
_read_score = msgspec.json.Decoder(ScoreRequest).decode
_read_results = msgspec.json.Decoder(_Results).decode


def rerank(body: bytes, view: RequestView) -> Shaped:
    """Documents by how well they answer a query, the best first."""
    request = _read_rerank(body)
    pairs = [(request.query, text) for text in request.texts]
    return _compared(
        pairs, view, _Then("documents", lambda scores, num: pooling.ranking(request, scores, num))
    )


def score(body: bytes, view: RequestView) -> Shaped:
    """How well the texts of each pair go together, in the pairs' order."""
    request = _read_score(body)
    return _compared(
        request.pairs,
        view,
        _Then(request.names[1], lambda scores, num: pooling.scores(request.model, scores, num)),
    )


def _compared(pairs: Pairs, view: RequestView, then: _Then) -> Shaped:
    if Endpoint.EMBEDDINGS in view.endpoints:
        return _by_vectors(pairs, then)
    indices: dict[str, list[int]] = {}
    for index, (query, _) in enumerate(pairs):
        indices.setdefault(query, []).append(index)
    return _by_head(pairs, indices, {}, Usage(0, 0), then)


def _by_vectors(pairs: Pairs, then: _Then) -> Shaped:
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))

    def response(data: bytes) -> bytes:
        found, usage = vectors.read(data)
        of = dict(zip(texts, found, strict=True))
        scores = [vectors.cosine(of[one], of[other]) for one, other in pairs]
        return pooling.encoded(then.answer(scores, usage.total_tokens))

    asked = vectors.asked(texts, encoding_format="base64")
    return Shaped(Endpoint.EMBEDDINGS, asked, response, refused=then.refused)


def _by_head(
    pairs: Pairs, left: Mapping[str, Sequence[int]], known: Mapping[int, float], so_far: Usage, then: _Then
) -> Shaped:
    """One call for each query: the pairs of the first one in `left` now, the others after it."""
    (query, indices), *others = left.items()
    asked = {"query": query, "documents": [pairs[index][1] for index in indices]}

    def response(data: bytes) -> bytes | Shaped:
        answer = _read_results(data)
        scores = {indices[result.index]: _chance(result.relevance_score) for result in answer.results}
        usage = Usage(
            so_far.prompt_tokens + answer.usage.prompt_tokens, so_far.total_tokens + answer.usage.total_tokens
        )
        if others:
            return _by_head(pairs, dict(others), {**known, **scores}, usage, then)
        all_scores = {**known, **scores}
        in_order = [all_scores[index] for index in range(len(pairs))]
        return pooling.encoded(then.answer(in_order, usage.total_tokens))

    body = msgspec.json.encode(asked)
    return Shaped(Endpoint.RERANK, body, response, refused=then.refused, is_side_call=bool(others))


def _chance(logit: float) -> float:
    """The logistic function, without overflow."""
    return (1 + math.tanh(logit / 2)) / 2
