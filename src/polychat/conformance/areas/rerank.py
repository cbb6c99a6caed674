"""/v1/rerank, /v1/score and /v1/classify: shapes and order. What is ranked high is the model's matter."""

from polychat.conformance.departure import Json, at, count, equal, require, text
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Endpoint

scenario = Area("rerank", route=Endpoint.RERANK)
scoring = scenario.on(Endpoint.SCORE)
classifying = scenario.on(Endpoint.CLASSIFY)
_QUERY = "What is the capital of France?"
_DOCUMENTS = ["Bread is baked.", "Paris is the capital of France.", "Ulm lies on the Danube."]


@scenario("every document comes back once with its score, the best first")
async def rerank(t: Target) -> None:
    answer = await _ranked(t)
    results = at(answer, "results")
    equal(sorted(at(result, "index") for result in results), [0, 1, 2], "indexes")
    scores = [at(result, "relevance_score") for result in results]
    require(scores == sorted(scores, reverse=True), "the best first", scores)
    equal(at(answer, "model"), t.model, "model")
    count(at(answer, "usage", "total_tokens"), "total_tokens")


@scenario("top_n gives that many, the same best ones")
async def top_n(t: Target) -> None:
    whole = [result["index"] for result in at(await _ranked(t), "results")]
    equal([result["index"] for result in at(await _ranked(t, top_n=2), "results")], whole[:2], "indexes")


@scenario("no documents is a 400")
async def no_documents(t: Target) -> None:
    await t.refused(Endpoint.RERANK, {"model": t.model, "query": "a", "documents": []}, param="documents")


@scenario("no query is a 400")
async def no_query(t: Target) -> None:
    await t.refused(Endpoint.RERANK, {"model": t.model, "documents": ["a"]}, param="query")


@scoring("one text is scored with each of a list")
async def score(t: Target) -> None:
    body = {"model": t.model, "text_1": _QUERY, "text_2": _DOCUMENTS}
    answer = (await t.post(Endpoint.SCORE, body)).ok()
    equal([at(item, "index") for item in at(answer, "data")], [0, 1, 2], "indexes")
    for item in answer["data"]:
        equal(at(item, "object"), "score", "object")
        require(isinstance(at(item, "score"), int | float), "a number as score", item)


@scoring("lists of different lengths are a 400")
async def uneven_lists(t: Target) -> None:
    await t.refused(Endpoint.SCORE, {"model": t.model, "text_1": ["a", "b"], "text_2": ["a", "b", "c"]})


@classifying("each input has a label and probabilities")
async def classify(t: Target) -> None:
    answer = (await t.post(Endpoint.CLASSIFY, {"model": t.model, "input": [_QUERY, "So."]})).ok()
    equal([at(item, "index") for item in at(answer, "data")], [0, 1], "indexes")
    for item in answer["data"]:
        text(at(item, "label"), "label")
        equal(len(at(item, "probs")), at(item, "num_classes"), "number of probs")


async def _ranked(t: Target, **fields: Json) -> Json:
    body = {"model": t.model, "query": _QUERY, "documents": _DOCUMENTS, **fields}
    return (await t.post(Endpoint.RERANK, body)).ok()
