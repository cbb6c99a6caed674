"""Ranks and scores: a reranker whose numbers are known, a real embedding model, engines that classify."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from polychat.types import Endpoint
from tests.support import minilm_gguf, reranker_gguf
from tests.support.cluster import Cluster
from tests.support.fake_engine import answer
from tests.support.gateway_site import Site

QUERY = "what is the capital of france"
DOCUMENTS = ["the dog ran in the park", "paris is the capital of france", "", "who sat on a mat", "berlin"]


@pytest.fixture(scope="module")
def http_of_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("models")
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", str(reranker_gguf.write(folder / "reranker.gguf")))
        cluster.start_worker("worker", str(minilm_gguf.write(folder / "all-minilm.gguf")))
        yield stack.enter_context(httpx.Client(base_url=cluster.api_url, trust_env=False, timeout=30))


def ask(http: httpx.Client, path: str, **fields: object) -> dict[str, object]:
    answer = http.post(path, json={"model": "reranker"} | fields)
    assert answer.status_code == 200, answer.text
    document: dict[str, object] = answer.json()
    return document


def ranked(http: httpx.Client, documents: list[str], **fields: object) -> list[tuple[int, float]]:
    results = ask(http, "/v1/rerank", query=QUERY, documents=documents, **fields)["results"]
    assert isinstance(results, list)
    return [(result["index"], result["relevance_score"]) for result in results]


def scores(http: httpx.Client, **fields: object) -> list[float]:
    data = ask(http, "/v1/score", **fields)["data"]
    assert isinstance(data, list)
    assert [item["index"] for item in data] == list(range(len(data)))
    return [item["score"] for item in data]


def test_documents_come_best_first_with_the_chances_that_bert_computes(http_of_cluster: httpx.Client) -> None:
    found = ranked(http_of_cluster, DOCUMENTS)
    exact = [reranker_gguf.score(QUERY, document) for document in DOCUMENTS]
    assert [index for index, _ in found] == sorted(range(len(DOCUMENTS)), key=lambda index: -exact[index])
    assert [score for _, score in found] == pytest.approx(sorted(exact, reverse=True), abs=2e-3)


def test_a_documents_score_depends_on_no_other(http_of_cluster: httpx.Client) -> None:
    together = dict(ranked(http_of_cluster, DOCUMENTS))
    backwards = dict(ranked(http_of_cluster, DOCUMENTS[::-1]))
    many = dict(ranked(http_of_cluster, DOCUMENTS * 40))
    for index, document in enumerate(DOCUMENTS):
        alone = dict(ranked(http_of_cluster, [document]))[0]
        assert together[index] == pytest.approx(alone, abs=1e-5)
        assert backwards[len(DOCUMENTS) - 1 - index] == pytest.approx(alone, abs=1e-5)
        assert many[index + 35 * len(DOCUMENTS)] == pytest.approx(alone, abs=1e-5)


def test_the_answer_has_jinas_shape_under_each_of_its_paths(http_of_cluster: httpx.Client) -> None:
    for path in ("/v1/rerank", "/rerank", "/v2/rerank"):
        said = ask(http_of_cluster, path, query="paris", documents=[{"text": "a cat"}, "paris"], top_n=1)
        results = said.pop("results")
        assert isinstance(results, list)
        (result,) = results
        assert result["document"] == {"text": ["a cat", "paris"][result["index"]]}
        assert set(said) == {"id", "model", "usage"}
        assert (said["model"], said["usage"]) == ("reranker", {"prompt_tokens": 11, "total_tokens": 11})


def test_texts_stay_away_if_not_wanted(http_of_cluster: httpx.Client) -> None:
    said = ask(http_of_cluster, "/v1/rerank", query="paris", documents=["a", "cat"], return_documents=False)
    results = said["results"]
    assert isinstance(results, list)
    assert {frozenset(result) for result in results} == {frozenset({"index", "relevance_score"})}


def test_pairs_are_scored_as_they_are_ranked(http_of_cluster: httpx.Client) -> None:
    exact = [reranker_gguf.score(QUERY, document) for document in DOCUMENTS[:2]]
    one_to_many = scores(http_of_cluster, text_1=QUERY, text_2=DOCUMENTS[:2])
    assert one_to_many == pytest.approx(exact, abs=2e-3)
    pairs = scores(http_of_cluster, queries=["paris", QUERY, "paris"], documents=["cat", DOCUMENTS[1], "dog"])
    singly = [reranker_gguf.score("paris", "cat"), exact[1], reranker_gguf.score("paris", "dog")]
    assert pairs == pytest.approx(singly, abs=2e-3)


def test_the_answer_has_vllms_shape_under_each_of_its_paths(http_of_cluster: httpx.Client) -> None:
    for path in ("/v1/score", "/score"):
        said = ask(http_of_cluster, path, text_1="paris", text_2="a cat")
        assert set(said) == {"id", "object", "created", "model", "data", "usage"}
        assert (said["object"], said["model"]) == ("list", "reranker")


def test_an_embedding_model_ranks_and_scores_by_meaning(http_of_cluster: httpx.Client) -> None:
    documents = [
        "Bread is baked in an oven.",
        "Paris is the capital of France.",
        "The Seine flows through Paris.",
    ]
    assert [index for index, _ in ranked(http_of_cluster, documents, model="all-minilm")] == [1, 2, 0]
    same, other = scores(
        http_of_cluster,
        model="all-minilm",
        text_1="A cat sleeps.",
        text_2=["A cat sleeps.", "Tax law is dry."],
    )
    assert same == pytest.approx(1, abs=1e-5)
    assert other < 0.3


@pytest.mark.parametrize(
    ("path", "query", "texts"), [("/v1/rerank", "query", "documents"), ("/v1/score", "text_1", "text_2")]
)
def test_a_pair_that_is_too_long_is_refused_with_the_numbers(
    http_of_cluster: httpx.Client, path: str, query: str, texts: str
) -> None:
    body = {"model": "reranker", query: "paris", texts: ["cat", "cat " * 61]}
    error = http_of_cluster.post(path, json=body).json()["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", texts)
    assert "is 64 tokens. However, the prompt has 65" in error["message"]


def test_a_reranker_neither_embeds_nor_chats_nor_classifies(http_of_cluster: httpx.Client) -> None:
    for path in ("/v1/embeddings", "/v1/classify"):
        said = http_of_cluster.post(path, json={"model": "reranker", "input": "a"})
        assert (said.status_code, said.json()["error"]["code"]) == (501, "not_implemented")
    body = {"model": "reranker", "messages": [{"role": "user", "content": "a"}]}
    assert http_of_cluster.post("/v1/chat/completions", json=body).status_code == 501


async def test_an_engine_that_classifies_is_asked_and_answers(site: Site, http: httpx.AsyncClient) -> None:
    said = json.dumps(
        {"object": "list", "data": [{"index": 0, "label": "spam", "probs": [0.1, 0.9]}]}
    ).encode()
    async with site.engines(answer(said), endpoints=frozenset({Endpoint.CLASSIFY})) as [engine]:
        for path in ("/v1/classify", "/classify"):
            reply = await http.post(path, json={"model": "fake", "input": ["buy now"]})
            assert (reply.status_code, reply.content) == (200, said)
            assert engine.received[-1].path == "/v1/classify"
            assert json.loads(engine.received[-1].body) == {"model": "fake", "input": ["buy now"]}


async def test_engines_get_texts_under_the_names_that_all_know(site: Site, http: httpx.AsyncClient) -> None:
    served = frozenset({Endpoint.RERANK, Endpoint.SCORE})
    async with site.engines(answer(b"{}"), endpoints=served) as [engine]:
        await http.post("/v2/rerank", json={"model": "fake", "query": "q", "documents": [{"text": "a"}]})
        await http.post("/score", json={"model": "fake", "queries": "q", "items": ["a"]})
    asked = [(received.path, json.loads(received.body)) for received in engine.received]
    assert asked == [
        ("/v1/rerank", {"model": "fake", "query": "q", "documents": ["a"]}),
        ("/v1/score", {"model": "fake", "text_1": "q", "text_2": ["a"]}),
    ]
