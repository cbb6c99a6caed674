"""/v1/chat/completions, not streamed."""

from polychat.conformance.departure import Json, at, count, equal, one_of, require, text
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Feature

scenario = Area("chat")
PUBLISHED = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"}
)
REASONS = ("stop", "length", "tool_calls", "content_filter")


def content(answer: Json, choice: int = 0) -> str:
    """What an answer's choice says; nothing, if it was cut off in its reasoning."""
    message = at(answer, "choices", choice, "message")
    said = at(message, "content")
    if said is None and (message.get("reasoning_content") or message.get("reasoning")):
        return ""
    return text(said, "content")


def check_usage(usage: Json) -> None:
    """The three counts are there and add up."""
    parts = [count(at(usage, name), name) for name in ("prompt_tokens", "completion_tokens")]
    equal(at(usage, "total_tokens"), sum(parts), "total_tokens")


@scenario("an answer has the published fields with the model as it was asked for")
async def shape(t: Target) -> None:
    answer = await t.chat()
    text(at(answer, "id"), "id")
    equal(at(answer, "object"), "chat.completion", "object")
    count(at(answer, "created"), "created")
    equal(at(answer, "model"), t.model, "model")
    equal(at(answer, "choices", 0, "index"), 0, "index")
    equal(at(answer, "choices", 0, "message", "role"), "assistant", "role")
    content(answer)
    one_of(at(answer, "choices", 0, "finish_reason"), REASONS, "finish_reason")


@scenario("no fields of the engine's own unless asked for")
async def no_private_fields(t: Target) -> None:
    extra = set(await t.chat()) - PUBLISHED
    require(not extra, "only published fields", sorted(extra))


@scenario("two answers have two ids")
async def ids(t: Target) -> None:
    first, second = at(await t.chat(max_tokens=2), "id"), at(await t.chat(max_tokens=2), "id")
    require(first != second, "ids that differ", [first, second])


@scenario("usage counts prompt and answer, and the sum is right")
async def usage(t: Target) -> None:
    counts = at(await t.chat(max_tokens=5), "usage")
    check_usage(counts)
    require(counts["prompt_tokens"] > 0, "prompt_tokens over 0", counts)
    require(counts["completion_tokens"] <= 5, "completion_tokens of at most max_tokens", counts)


@scenario("max_tokens ends an answer with finish_reason length")
async def max_tokens(t: Target) -> None:
    await _limited(t, await t.chat(max_tokens=2))


@scenario("max_completion_tokens does the same")
async def max_completion_tokens(t: Target) -> None:
    await _limited(t, await t.chat(max_tokens=None, max_completion_tokens=2))


@scenario("n gives that many choices, counts the prompt once and every answer")
async def n(t: Target) -> None:
    one, two = await t.chat(max_tokens=4), await t.chat(max_tokens=4, n=2)
    equal([choice["index"] for choice in at(two, "choices")], [0, 1], "indexes")
    equal(content(two, 1), content(two, 0), "at temperature 0 the second answer")
    equal(at(two, "usage", "prompt_tokens"), at(one, "usage", "prompt_tokens"), "prompt_tokens")
    equal(
        at(two, "usage", "completion_tokens"), 2 * at(one, "usage", "completion_tokens"), "completion_tokens"
    )


@scenario("a system message is taken and counted")
async def system(t: Target) -> None:
    await _longer(t, {"role": "system", "content": "You are brief."})


@scenario("the role developer is taken as system is")
async def developer(t: Target) -> None:
    await _longer(t, {"role": "developer", "content": "You are brief."})


@scenario("text in content parts is the same as text")
async def content_parts(t: Target) -> None:
    whole = await t.chat("Say one two three.")
    parts = [{"type": "text", "text": "Say one two three."}]
    split = await t.chat(messages=[{"role": "user", "content": parts}])
    equal(content(split), content(whole), "the answer")
    equal(at(split, "usage"), at(whole, "usage"), "usage")


@scenario("earlier turns are taken, with names")
async def history(t: Target) -> None:
    turns = [
        {"role": "user", "content": "Hello.", "name": "ann"},
        {"role": "assistant", "content": "Hello Ann."},
        {"role": "user", "content": "Say one two three."},
    ]
    content(await t.chat(messages=turns))


@scenario("fields that only OpenAI itself acts on are no error")
async def harmless_fields(t: Target) -> None:
    fields: dict[str, Json] = {"user": "u1", "store": False, "metadata": {"a": "b"}, "service_tier": "auto"}
    content(await t.chat(max_tokens=2, **fields))


@scenario("null means that a field is not there")
async def nulls(t: Target) -> None:
    nothing = dict.fromkeys(("stop", "seed", "n", "tools", "response_format", "logit_bias", "top_p"))
    body = t.chat_body(max_tokens=2) | nothing
    content((await t.post("/v1/chat/completions", body)).ok())


@scenario("text in any script is taken and comes as valid UTF-8")
async def scripts(t: Target) -> None:
    said = content(await t.chat("Grüße, 你好, 안녕, 🙂👩‍👩‍👧!"))
    said.encode()


continuing = scenario.needing(Feature.CONTINUE)


@continuing("continue_final_message goes on with the assistant's last message and does not repeat it")
async def continue_final_message(t: Target) -> None:
    question = "Count: one two three four five six seven."
    begun = "Count: one two"
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": begun}]
    answer = await t.chat(messages=turns, continue_final_message=True, add_generation_prompt=False)
    require(not content(answer).startswith(begun), "only what comes after the begun message", content(answer))
    equal(at(answer, "choices", 0, "message", "role"), "assistant", "role")


async def _limited(t: Target, answer: Json) -> None:
    equal(at(answer, "choices", 0, "finish_reason"), "length", "finish_reason")
    equal(at(answer, "usage", "completion_tokens"), 2, "completion_tokens")


async def _longer(t: Target, message: Json) -> None:
    user = {"role": "user", "content": "Say one two three."}
    without, with_it = await t.chat(messages=[user]), await t.chat(messages=[message, user])
    content(with_it)
    counts = [at(answer, "usage", "prompt_tokens") for answer in (without, with_it)]
    require(counts[1] > counts[0], "more prompt tokens with the message than without", counts)
