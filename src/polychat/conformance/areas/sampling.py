"""How tokens are picked: seeds, stops, biases."""

from polychat.conformance.applies import offers
from polychat.conformance.areas.chat import content
from polychat.conformance.areas.stream import reasons, said
from polychat.conformance.departure import Json, NotApplicable, at, equal, require
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("sampling")
biased = scenario.needing(Feature.LOGIT_BIAS)


@scenario("at temperature 0 the same request has the same answer")
async def greedy(t: Target) -> None:
    equal(content(await t.chat()), content(await t.chat()), "the second answer")


@scenario("with a seed the same request has the same answer at temperature 1")
async def seed(t: Target) -> None:
    answers = [content(await t.chat(temperature=1, seed=7)) for _ in range(3)]
    equal(len(set(answers)), 1, "different answers")


@scenario("six choices are made though an engine may run fewer at once, each of its own with a seed")
async def n_of_six(t: Target) -> None:
    fields: dict[str, Json] = {"n": 6, "seed": 7, "temperature": 1, "max_tokens": 6}
    whole, again, chunks = await t.chat(**fields), await t.chat(**fields), await t.chat_chunks(**fields)
    equal([choice["index"] for choice in at(whole, "choices")], list(range(6)), "indexes")
    texts = [content(whole, i) for i in range(6)]
    equal([content(again, i) for i in range(6)], texts, "the second answer")
    equal([said(chunks, i) for i in range(6)], texts, "the streamed texts")
    equal([len(reasons(chunks, i)) for i in range(6)], [1] * 6, "one finish_reason each")


@scenario("the ends of the published ranges are allowed")
async def limits(t: Target) -> None:
    await t.chat(max_tokens=2, temperature=2, top_p=1, presence_penalty=2, frequency_penalty=2)
    await t.chat(max_tokens=2, temperature=0, top_p=0, presence_penalty=-2, frequency_penalty=-2)


@scenario("a stop string ends the text before it, wherever it lies in the tokens")
async def stop(t: Target) -> None:
    whole, word = await _stop_word(t)
    answer = await t.chat(stop=word)
    equal(content(answer), whole[: whole.index(word)], f"before the stop string {word!r} the text")
    equal(at(answer, "choices", 0, "finish_reason"), "stop", "finish_reason")


@scenario("the first of several stop strings counts")
async def stop_list(t: Target) -> None:
    whole, word = await _stop_word(t)
    equal(content(await t.chat(stop=["\u2603", word])), whole[: whole.index(word)], "the text")


@scenario("a stream does not show any part of a stop string")
async def stop_streamed(t: Target) -> None:
    whole, word = await _stop_word(t)
    chunks = await t.chat_chunks(stop=word)
    equal(said(chunks), whole[: whole.index(word)], f"before the stop string {word!r} the text")
    equal(reasons(chunks), ["stop"], "finish_reason")


@biased("a bias of -100 keeps tokens out of an answer")
async def bias_against(t: Target) -> None:
    whole = content(await t.chat(max_tokens=8))
    ids = await _ids(t, whole)
    other = content(await t.chat(max_tokens=8, logit_bias=dict.fromkeys(map(str, ids), -100)))
    require(other != whole, "another text once its tokens are forbidden", other)


@biased("a bias of 100 makes a token the only one")
async def bias_for(t: Target) -> None:
    only = (await _ids(t, content(await t.chat(max_tokens=8))))[-1]
    answer = content(await t.chat(max_tokens=6, logit_bias={str(only): 100}))
    size = next((n for n in (6, 5, 4, 3, 2) if answer and len(answer) % n == 0), 1)
    piece = answer[: len(answer) // size]
    require(size > 1 and answer.strip() == (piece * size).strip(), "one piece again and again", answer)


async def _stop_word(t: Target) -> tuple[str, str]:
    """A greedy answer, and four characters from the middle of it."""
    whole = content(await t.chat())
    if len(whole) < 12:
        raise NotApplicable("the model says too little to be stopped")
    middle = len(whole) // 2
    return whole, whole[middle - 2 : middle + 2]


async def _ids(t: Target, text: str) -> list[int]:
    if not await offers(t, Endpoint.TOKENIZE):
        raise NotApplicable("ids of tokens come from /tokenize, which the model does not serve")
    body = {"model": t.model, "prompt": text, "add_special_tokens": False}
    ids: list[int] = at((await t.post(Endpoint.TOKENIZE, body)).ok(), "tokens")
    require(ids, "ids of the text's tokens", ids)
    return ids
