import json
import math

import pytest

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp.dialect import shape
from polychat.types import Endpoint
from tests.unit.engines.llamacpp.test_vectors import packed

RERANKER = frozenset({Endpoint.RERANK, Endpoint.SCORE})
EMBEDDER = RERANKER | {Endpoint.EMBEDDINGS}
USAGE = {"prompt_tokens": 5, "total_tokens": 5}


def asked(endpoint: Endpoint, served: frozenset[Endpoint], **fields: object) -> Shaped:
    view = RequestView(endpoint, "asked", endpoints=served)
    return shape(json.dumps({"model": "asked"} | fields).encode(), view)


def said(call: Shaped, **document: object) -> bytes | Shaped:
    assert call.response is not None
    return call.response(json.dumps({"usage": USAGE} | document).encode())


def ranked(*logits: float) -> list[dict[str, object]]:
    """llama.cpp's results: sorted by score."""
    best = sorted(enumerate(logits), key=lambda pair: -pair[1])
    return [{"index": index, "relevance_score": logit} for index, logit in best]


def answer(given: bytes | Shaped) -> dict[str, object]:
    assert isinstance(given, bytes)
    document: dict[str, object] = json.loads(given)
    return document


def test_documents_come_best_first_with_chances_for_scores() -> None:
    call = asked(Endpoint.RERANK, RERANKER, query="q", documents=["a", {"text": "b"}])
    assert json.loads(call.body) == {"query": "q", "documents": ["a", "b"]}
    document = answer(said(call, results=ranked(-1000, 0)))
    assert document["results"] == [
        {"index": 1, "document": {"text": "b"}, "relevance_score": 0.5},
        {"index": 0, "document": {"text": "a"}, "relevance_score": 0.0},
    ]
    assert (document["model"], document["usage"]) == ("asked", USAGE)
    assert str(document["id"]).startswith("rerank-")


def test_as_many_come_as_were_asked_for_and_without_texts_if_so_asked() -> None:
    call = asked(Endpoint.RERANK, RERANKER, query="q", documents=["a", "b"], top_n=1, return_documents=False)
    assert answer(said(call, results=ranked(0, 50)))["results"] == [{"index": 1, "relevance_score": 1.0}]


def test_an_embedding_model_ranks_by_cosine() -> None:
    call = asked(Endpoint.RERANK, EMBEDDER, query="q", documents=["a", "q", "a"])
    assert json.loads(call.body)["input"] == ["q", "a"]
    data = [{"index": 1, "embedding": packed([0, 1])}, {"index": 0, "embedding": packed([1, 0])}]
    results = answer(said(call, data=data))["results"]
    assert isinstance(results, list)
    assert [(result["index"], result["relevance_score"]) for result in results] == [(1, 1), (0, 0), (2, 0)]


def test_an_embedding_model_scores_by_cosine() -> None:
    call = asked(Endpoint.SCORE, EMBEDDER, text_1="q", text_2=["a", "q"])
    data = [{"index": 0, "embedding": packed([1, 0])}, {"index": 1, "embedding": packed([0.6, 0.8])}]
    document = answer(said(call, data=data))
    assert document["object"] == "list"
    assert document["data"] == [
        {"index": 0, "object": "score", "score": pytest.approx(0.6)},
        {"index": 1, "object": "score", "score": 1.0},
    ]


def test_a_reranker_is_asked_once_for_each_query_and_scores_come_in_the_pairs_order() -> None:
    call = asked(Endpoint.SCORE, RERANKER, text_1=["p", "q", "p"], text_2=["a", "b", "c"])
    assert json.loads(call.body) == {"query": "p", "documents": ["a", "c"]}
    assert call.is_side_call
    then = said(call, results=ranked(-1, 1))
    assert isinstance(then, Shaped)
    assert json.loads(then.body) == {"query": "q", "documents": ["b"]}
    document = answer(said(then, results=ranked(0)))
    data = document["data"]
    assert isinstance(data, list)
    low = 1 / (1 + math.e)
    assert [item["score"] for item in data] == pytest.approx([low, 0.5, 1 - low])
    assert document["usage"] == {"prompt_tokens": 10, "total_tokens": 10}
