"""/tokenize and /detokenize, in vLLM's shapes."""

from polychat.conformance.applies import offers
from polychat.conformance.departure import Json, NotApplicable, at, count, equal, require
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Endpoint

scenario = Area("tokens", route=Endpoint.TOKENIZE)
back = scenario.on(Endpoint.DETOKENIZE)
_MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say one two three."}]


@scenario("a text's tokens come with their count and the context length")
async def tokenize(t: Target) -> None:
    answer = await _tokenized(t, prompt="Once upon a time")
    tokens = at(answer, "tokens")
    require(tokens and all(isinstance(token, int) for token in tokens), "token ids", answer)
    equal(at(answer, "count"), len(tokens), "count")
    count(at(answer, "max_model_len"), "max_model_len")


@scenario("return_token_strs gives each token's text too")
async def token_strs(t: Target) -> None:
    answer = await _tokenized(t, prompt="Once upon a time", return_token_strs=True)
    equal(len(at(answer, "token_strs") or ()), len(at(answer, "tokens")), "number of token_strs")


@scenario("a prompt has as many tokens as usage says")
async def as_usage(t: Target) -> None:
    counted = at(await _tokenized(t, prompt="Once upon a time"), "count")
    if await offers(t, Endpoint.COMPLETIONS):
        answer = await t.complete()
    elif await offers(t, Endpoint.EMBEDDINGS):
        body = {"model": t.model, "input": "Once upon a time"}
        answer = (await t.post(Endpoint.EMBEDDINGS, body)).ok()
    else:
        raise NotApplicable("the model serves neither completions nor embeddings")
    equal(counted, at(answer, "usage", "prompt_tokens"), "count as in usage")


@scenario("a chat has as many tokens as usage says")
async def chat_as_usage(t: Target) -> None:
    if not await offers(t, Endpoint.CHAT):
        raise NotApplicable("the model does not chat")
    counted = at(await _tokenized(t, messages=_MESSAGES), "count")
    equal(counted, at(await t.chat(messages=_MESSAGES), "usage", "prompt_tokens"), "count as in usage")


@scenario("neither prompt nor messages is a 400")
async def nothing(t: Target) -> None:
    await t.refused(Endpoint.TOKENIZE, {"model": t.model})


@back("tokens become the text again")
async def detokenize(t: Target) -> None:
    text = "once upon a time"  # some tokenizers forget capitals and spaces
    tokens = at(await _tokenized(t, prompt=text, add_special_tokens=False), "tokens")
    answer = (await t.post(Endpoint.DETOKENIZE, {"model": t.model, "tokens": tokens})).ok()
    equal(at(answer, "prompt").strip(), text, "the text")


@back("tokens that are no numbers are a 400")
async def bad_tokens(t: Target) -> None:
    await t.refused(Endpoint.DETOKENIZE, {"model": t.model, "tokens": ["a"]}, param="tokens")


async def _tokenized(t: Target, **fields: Json) -> Json:
    return (await t.post(Endpoint.TOKENIZE, {"model": t.model, **fields})).ok()
