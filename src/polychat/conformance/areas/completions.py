"""/v1/completions."""

from polychat.conformance.applies import offers
from polychat.conformance.areas.chat import PUBLISHED, check_usage
from polychat.conformance.areas.stream import ASKING
from polychat.conformance.departure import Json, NotApplicable, at, count, equal, one_of, require, text
from polychat.conformance.scenario import Area, Scenario
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("completions", route=Endpoint.COMPLETIONS)
refusal = scenario.proving("errors")
by_ids = scenario.needing(Feature.TOKEN_PROMPTS)


def texts(answer: Json) -> list[str]:
    """The choices' texts in the order of their indexes."""
    ordered = sorted(at(answer, "choices"), key=lambda choice: at(choice, "index"))
    equal([choice["index"] for choice in ordered], list(range(len(ordered))), "indexes")
    return [text(at(choice, "text"), "text") for choice in ordered]


@scenario("an answer has the published fields and no others")
async def shape(t: Target) -> None:
    answer = await t.complete()
    text(at(answer, "id"), "id")
    equal(at(answer, "object"), "text_completion", "object")
    count(at(answer, "created"), "created")
    equal(at(answer, "model"), t.model, "model")
    one_of(at(answer, "choices", 0, "finish_reason"), ("stop", "length"), "finish_reason")
    check_usage(at(answer, "usage"))
    equal(len(texts(answer)), 1, "choices")
    extra = set(answer) - PUBLISHED
    require(not extra, "only published fields", sorted(extra))


@scenario("without max_tokens there are 16 at most")
async def default_length(t: Target) -> None:
    made = at(await t.complete("word " * 40, max_tokens=None), "usage", "completion_tokens")
    require(made <= 16, "at most 16 completion_tokens", made)


@scenario("a list of prompts has an answer each")
async def list_of_prompts(t: Target) -> None:
    alone = [texts(await t.complete(prompt))[0] for prompt in ("One two", "Red green")]
    both = await t.complete(["One two", "Red green"])
    equal(texts(both), alone, "the texts")
    check_usage(at(both, "usage"))


@scenario("n choices for each of a list of prompts, prompt by prompt")
async def n_of_prompts(t: Target) -> None:
    alone = [texts(await t.complete(prompt))[0] for prompt in ("One two", "Red green")]
    equal(
        texts(await t.complete(["One two", "Red green"], n=2)),
        [text for text in alone for _ in "12"],
        "texts",
    )


@scenario("echo says the prompt first")
async def echo(t: Target) -> None:
    plain, echoed = await t.complete(), await t.complete(echo=True)
    equal(texts(echoed), [f"Once upon a time{texts(plain)[0]}"], "text")
    equal(at(echoed, "usage"), at(plain, "usage"), "usage")


@scenario("max_tokens 0 with echo gives the prompt back")
async def nothing_but_echo(t: Target) -> None:
    equal(texts(await t.complete(echo=True, max_tokens=0)), ["Once upon a time"], "text")


@scenario("best_of makes more and gives n back")
async def best_of(t: Target) -> None:
    equal(len(texts(await t.complete(n=1, best_of=2, temperature=1))), 1, "choices")


@scenario("a stop string ends the text before it")
async def stop(t: Target) -> None:
    whole = texts(await t.complete())[0]
    if len(whole) < 8:
        raise NotApplicable("the model says too little to be stopped")
    word = whole[len(whole) // 2 :][:3]
    answer = await t.complete(stop=[word])
    equal(texts(answer), [whole[: whole.index(word)]], "text")
    equal(at(answer, "choices", 0, "finish_reason"), "stop", "finish_reason")


@scenario("a stream has constant facts, ends with [DONE], and says the same")
async def streamed(t: Target) -> None:
    whole, chunks = await t.complete(), await t.completion_chunks()
    facts = {(at(c, "id"), at(c, "object"), at(c, "created"), at(c, "model")) for c in chunks}
    require(len(facts) == 1, "one id, object, created and model", sorted(map(str, facts)))
    equal(chunks[0]["object"], "text_completion", "object")
    equal(_joined(chunks, 0), texts(whole)[0], "the streamed text")
    require(not any(chunk.get("usage") for chunk in chunks), "no usage unasked", chunks[-1])


@scenario("a stream of several prompts says the same")
async def streamed_prompts(t: Target) -> None:
    prompts = ["One two", "Red green"]
    whole, chunks = await t.complete(prompts), await t.completion_chunks(prompts)
    equal([_joined(chunks, index) for index in (0, 1)], texts(whole), "the streamed texts")


@scenario("a stream with echo says the prompt first")
async def streamed_echo(t: Target) -> None:
    equal(
        _joined(await t.completion_chunks(echo=True), 0),
        texts(await t.complete(echo=True))[0],
        "streamed text",
    )


@scenario("a stream ends with the same usage when asked to")
async def streamed_usage(t: Target) -> None:
    last = (await t.completion_chunks(**ASKING))[-1]
    equal(at(last, "choices"), [], "choices of the last chunk")
    equal(at(last, "usage"), at(await t.complete(), "usage"), "usage")


@by_ids("a prompt of token ids is the same as its text")
async def token_ids(t: Target) -> None:
    ids = await _ids(t)
    answer = await t.complete(ids)
    equal(at(answer, "usage", "prompt_tokens"), len(ids), "prompt_tokens")
    equal(texts(answer), texts(await t.complete()), "text")


@by_ids("several prompts of token ids have an answer each")
async def lists_of_token_ids(t: Target) -> None:
    ids = await _ids(t)
    equal(texts(await t.complete([ids, ids])), texts(await t.complete()) * 2, "texts")


@scenario.needing(Feature.SUFFIX)("with a suffix the text between is filled in")
async def suffix(t: Target) -> None:
    texts(await t.complete(suffix=" The end."))


def _refuses(name: str, param: str, **fields: Json) -> Scenario:
    async def run(t: Target) -> None:
        await t.refused(Endpoint.COMPLETIONS, t.completion_body() | fields, param=param)

    return refusal(f"{name.replace('_', ' ')} is a 400 with param {param!r}", name=name)(run)


BAD_FIELDS = (
    _refuses("best_of_below_n", "best_of", n=3, best_of=2),
    _refuses("logprobs_over_5", "logprobs", logprobs=6),
    _refuses("no_prompts", "prompt", prompt=[]),
    _refuses("mixed_prompts", "prompt", prompt=["a", 1]),
    _refuses("negative_max_tokens", "max_tokens", max_tokens=-1),
    _refuses("temperature_too_high", "temperature", temperature=2.1),
)


async def _ids(t: Target) -> list[int]:
    """The tokens of the prompt as the model gets it."""
    if not await offers(t, Endpoint.TOKENIZE):
        raise NotApplicable("ids of tokens come from /tokenize, which the model does not serve")
    body = {"model": t.model, "prompt": "Once upon a time"}
    ids: list[int] = at((await t.post(Endpoint.TOKENIZE, body)).ok(), "tokens")
    return ids


def _joined(chunks: list[Json], index: int) -> str:
    parts = [part for chunk in chunks for part in at(chunk, "choices") if at(part, "index") == index]
    return "".join(text(at(part, "text"), "text") for part in parts)
