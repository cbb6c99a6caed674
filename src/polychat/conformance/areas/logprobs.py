"""Log probabilities, in the chat's shape and in the completions' older one."""

from polychat.conformance.areas.chat import content
from polychat.conformance.areas.stream import choices
from polychat.conformance.departure import Json, at, equal, require
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("logprobs", feature=Feature.LOGPROBS)
legacy = scenario.on(Endpoint.COMPLETIONS)
of_prompts = scenario.needing(Feature.PROMPT_LOGPROBS, route=Endpoint.COMPLETIONS)


@scenario("each token of a chat's answer has a log probability of at most 0, and the tokens spell the text")
async def chat(t: Target) -> None:
    answer = await t.chat(logprobs=True)
    entries = at(answer, "choices", 0, "logprobs", "content")
    require(entries, "entries", entries)
    for entry in entries:
        _check(entry)
    equal(_spelled(entries), content(answer), "the text of the tokens")


@scenario("top_logprobs lists that many, likeliest first")
async def top_logprobs(t: Target) -> None:
    answer = await t.chat(logprobs=True, top_logprobs=3)
    for entry in at(answer, "choices", 0, "logprobs", "content"):
        top = at(entry, "top_logprobs")
        equal(len(top), 3, "number of top_logprobs")
        values = [other["logprob"] for other in top]
        require(values == sorted(values, reverse=True), "the likeliest first", values)
        equal(top[0]["token"], entry["token"], "at temperature 0 the likeliest token")


@scenario("logprobs without top_logprobs: empty lists of others")
async def no_top(t: Target) -> None:
    entries = at(await t.chat(logprobs=True), "choices", 0, "logprobs", "content")
    require(not any(at(entry, "top_logprobs") for entry in entries), "empty top_logprobs", entries[:1])


@scenario("none unless asked for")
async def unasked(t: Target) -> None:
    got = at(await t.chat(), "choices", 0).get("logprobs")
    require(got is None, "logprobs null", got)


@scenario("a stream has the same log probabilities")
async def streamed(t: Target) -> None:
    whole = at(await t.chat(logprobs=True), "choices", 0, "logprobs", "content")
    parts = choices(await t.chat_chunks(logprobs=True))
    entries = [entry for part in parts for entry in (part.get("logprobs") or {}).get("content") or ()]
    equal([entry["token"] for entry in entries], [entry["token"] for entry in whole], "the tokens")
    gaps = [abs(one["logprob"] - two["logprob"]) for one, two in zip(entries, whole, strict=True)]
    require(max(gaps) < 0.05, "the same numbers", max(gaps))


@legacy("a completion has tokens, token_logprobs, top_logprobs and text_offset, all of one length")
async def completions(t: Target) -> None:
    choice = at(await t.complete(logprobs=2), "choices", 0)
    _check_legacy(choice)
    values = choice["logprobs"]["token_logprobs"]
    require(all(isinstance(value, int | float) and value <= 0 for value in values), "numbers up to 0", values)


@legacy("a streamed completion has the same")
async def streamed_completions(t: Target) -> None:
    whole = at(await t.complete(logprobs=1), "choices", 0, "logprobs")
    chunks = await t.completion_chunks(logprobs=1)
    parts = [part["logprobs"] for chunk in chunks for part in at(chunk, "choices") if part.get("logprobs")]
    for name in ("tokens", "text_offset"):
        told = [value for part in parts for value in at(part, name)]
        equal(told, whole[name], name)


@of_prompts("echo with logprobs: the prompt's tokens too, the first of them without a probability")
async def echo(t: Target) -> None:
    choice = at(await t.complete(echo=True, logprobs=1), "choices", 0)
    require(choice["text"].startswith("Once upon a time"), "the prompt first", choice["text"])
    _check_legacy(choice)
    equal(choice["logprobs"]["token_logprobs"][0], None, "the first log probability")


@of_prompts("echo with logprobs and max_tokens 0: the prompt alone, as evaluations ask for it")
async def prompt_alone(t: Target) -> None:
    answer = await t.complete(echo=True, logprobs=1, max_tokens=0)
    choice = at(answer, "choices", 0)
    equal(choice["text"], "Once upon a time", "text")
    _check_legacy(choice)
    require(len(choice["logprobs"]["tokens"]) > 1, "several tokens", choice["logprobs"])
    rest = choice["logprobs"]["token_logprobs"][1:]
    require(all(isinstance(value, int | float) and value <= 0 for value in rest), "numbers up to 0", rest)


def _check(entry: Json) -> None:
    value = at(entry, "logprob")
    require(isinstance(value, int | float) and value <= 0, "a logprob of at most 0", entry)
    require("bytes" in entry, "'bytes' in each entry", entry)


def _spelled(entries: list[Json]) -> str:
    """The tokens' bytes as text: one token may hold half a character."""
    raw = b"".join(bytes(e["bytes"]) if e["bytes"] is not None else e["token"].encode() for e in entries)
    return raw.decode(errors="replace")


def _check_legacy(choice: Json) -> None:
    chances = at(choice, "logprobs")
    tokens = at(chances, "tokens")
    equal("".join(tokens), choice["text"], "the text of the tokens")
    for name in ("token_logprobs", "top_logprobs", "text_offset"):
        equal(len(at(chances, name)), len(tokens), f"the length of {name}")
    sums = [sum(map(len, tokens[:place])) for place in range(len(tokens))]
    equal(chances["text_offset"], sums, "text_offset")
