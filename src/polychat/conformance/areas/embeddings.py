"""/v1/embeddings."""

import base64
import struct

from polychat.conformance.applies import offers
from polychat.conformance.departure import Json, NotApplicable, at, count, equal, require
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("embeddings", route=Endpoint.EMBEDDINGS)


@scenario("an answer has the published fields, and usage")
async def shape(t: Target) -> None:
    answer = await _embedded(t, "hello world")
    equal(at(answer, "object"), "list", "object")
    equal(at(answer, "model"), t.model, "model")
    equal(at(answer, "data", 0, "object"), "embedding", "object of an item")
    tokens = count(at(answer, "usage", "prompt_tokens"), "prompt_tokens")
    equal(at(answer, "usage", "total_tokens"), tokens, "total_tokens")
    vector = at(answer, "data", 0, "embedding")
    require(all(isinstance(value, int | float) for value in vector), "a list of numbers", vector)


@scenario("a batch has the vectors of its texts, in their order")
async def batch(t: Target) -> None:
    inputs = ["red", "a blue sea", "three"]
    together = await _embedded(t, inputs)
    equal([item["index"] for item in at(together, "data")], [0, 1, 2], "indexes")
    for index, text in enumerate(inputs):
        alone = at(await _embedded(t, text), "data", 0, "embedding")
        _close(at(together, "data", index, "embedding"), alone)


@scenario("usage counts all texts of a batch")
async def usage(t: Target) -> None:
    counts = [
        at(await _embedded(t, text), "usage", "prompt_tokens") for text in ("red", "a sea", ["red", "a sea"])
    ]
    equal(counts[2], counts[0] + counts[1], "prompt_tokens of both")


@scenario("base64 is the same vector as 32-bit floats")
async def as_base64(t: Target) -> None:
    numbers = at(await _embedded(t, "hello"), "data", 0, "embedding")
    packed = at(await _embedded(t, "hello", encoding_format="base64"), "data", 0, "embedding")
    require(isinstance(packed, str), "a string", packed)
    raw = base64.b64decode(packed)
    _close(list(struct.unpack(f"<{len(raw) // 4}f", raw)), numbers)


@scenario("dimensions are as asked, or a 400")
async def dimensions(t: Target) -> None:
    reply = await t.post(Endpoint.EMBEDDINGS, _body(t, "hello", dimensions=16))
    if reply.status != 400:
        equal(len(at(reply.ok(), "data", 0, "embedding")), 16, "dimensions")
    else:
        await t.refused(Endpoint.EMBEDDINGS, _body(t, "hello", dimensions=16), param="dimensions")


@scenario("no input is a 400")
async def nothing(t: Target) -> None:
    await t.refused(Endpoint.EMBEDDINGS, _body(t, []), param="input")


@scenario("an unknown encoding_format is a 400")
async def unknown_format(t: Target) -> None:
    await t.refused(Endpoint.EMBEDDINGS, _body(t, "a", encoding_format="hex"), param="encoding_format")


@scenario.needing(Feature.TOKEN_PROMPTS)("token ids have the vector of their text")
async def token_ids(t: Target) -> None:
    if not await offers(t, Endpoint.TOKENIZE):
        raise NotApplicable("ids of tokens come from /tokenize, which the model does not serve")
    answer = (await t.post(Endpoint.TOKENIZE, {"model": t.model, "prompt": "hello world"})).ok()
    by_ids = at(await _embedded(t, at(answer, "tokens")), "data", 0, "embedding")
    _close(by_ids, at(await _embedded(t, "hello world"), "data", 0, "embedding"))


def _body(t: Target, given: Json, **fields: Json) -> Json:
    return {"model": t.model, "input": given, **fields}


async def _embedded(t: Target, given: Json, **fields: Json) -> Json:
    return (await t.post(Endpoint.EMBEDDINGS, _body(t, given, **fields))).ok()


def _close(one: list[float], other: list[float]) -> None:
    """Equal but for what batching does to the last digits."""
    equal(len(one), len(other), "dimensions")
    gap = max(abs(a - b) for a, b in zip(one, other, strict=True))
    require(gap < 1e-2, "the same vector", gap)
