"""/v1/chat/completions, streamed."""

from polychat.conformance.areas.chat import PUBLISHED, check_usage, content
from polychat.conformance.departure import Json, at, equal, require
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target

scenario = Area("stream")
ASKING: dict[str, Json] = {"stream_options": {"include_usage": True}}


def said(chunks: list[Json], choice: int = 0) -> str:
    """The text of one choice of a stream."""
    return "".join(delta.get("content") or "" for delta in deltas(chunks, choice))


def deltas(chunks: list[Json], choice: int = 0) -> list[Json]:
    return [each["delta"] for each in choices(chunks, choice)]


def choices(chunks: list[Json], choice: int = 0) -> list[Json]:
    """What the chunks say of one choice."""
    return [each for chunk in chunks for each in at(chunk, "choices") if at(each, "index") == choice]


def reasons(chunks: list[Json], choice: int = 0) -> list[str]:
    """Every finish_reason of one choice that is not null."""
    return [each["finish_reason"] for each in choices(chunks, choice) if each.get("finish_reason")]


@scenario("chunks come as events and end with [DONE]")
async def framing(t: Target) -> None:
    chunks = await t.chat_chunks()
    require(chunks, "chunks before [DONE]", chunks)


@scenario("id, object, created and model are the same in every chunk, the model as asked for")
async def constant_facts(t: Target) -> None:
    chunks = await t.chat_chunks(**ASKING)
    facts = {(at(c, "id"), at(c, "object"), at(c, "created"), at(c, "model")) for c in chunks}
    require(len(facts) == 1, "one id, object, created and model", sorted(map(str, facts)))
    (_, kind, _, model) = facts.pop()
    equal(kind, "chat.completion.chunk", "object")
    equal(model, t.model, "model")


@scenario("the first chunk of a choice names the role, no later one does")
async def role(t: Target) -> None:
    roles = [delta.get("role") for delta in deltas(await t.chat_chunks())]
    equal(roles[:1], ["assistant"], "role in the first chunk")
    require(not any(roles[1:]), "no role in later chunks", roles)


@scenario("each choice has one finish_reason, in its last chunk")
async def finish_reason(t: Target) -> None:
    chunks = await t.chat_chunks()
    require(len(reasons(chunks)) == 1, "one finish_reason", reasons(chunks))
    require(choices(chunks)[-1]["finish_reason"], "the finish_reason in the last chunk", chunks[-1])


@scenario("without stream_options there is no usage")
async def no_usage_unasked(t: Target) -> None:
    counted = [chunk for chunk in await t.chat_chunks() if chunk.get("usage")]
    require(not counted, "no usage", counted)


@scenario("include_usage false is the same as not asking")
async def usage_declined(t: Target) -> None:
    counted = [
        chunk for chunk in await t.chat_chunks(stream_options={"include_usage": False}) if chunk.get("usage")
    ]
    require(not counted, "no usage", counted)


@scenario("include_usage: the counts come last, in a chunk without choices, and are null before")
async def usage(t: Target) -> None:
    *before, last = await t.chat_chunks(**ASKING)
    equal(at(last, "choices"), [], "choices of the last chunk")
    check_usage(at(last, "usage"))
    early = [chunk for chunk in before if chunk.get("usage") is not None]
    require(not early, "usage null before the last chunk", early[:1])
    require(all("usage" in chunk for chunk in before), "'usage': null in every earlier chunk", before[:1])


@scenario("streamed or not, the same text, reason and usage at temperature 0")
async def same_as_whole(t: Target) -> None:
    whole, chunks = await t.chat(), await t.chat_chunks(**ASKING)
    equal(said(chunks), content(whole), "the streamed text")
    equal(reasons(chunks), [at(whole, "choices", 0, "finish_reason")], "finish_reason")
    equal(at(chunks[-1], "usage"), at(whole, "usage"), "usage")


@scenario("n choices stream side by side, each whole")
async def n(t: Target) -> None:
    whole, chunks = await t.chat(n=2, max_tokens=6), await t.chat_chunks(n=2, max_tokens=6)
    equal([said(chunks, i) for i in (0, 1)], [content(whole, i) for i in (0, 1)], "the streamed texts")
    equal([len(reasons(chunks, i)) for i in (0, 1)], [1, 1], "one finish_reason each")


@scenario("a text is never null in a delta that has one")
async def no_null_text(t: Target) -> None:
    texts = [delta["content"] for delta in deltas(await t.chat_chunks()) if "content" in delta]
    require(None not in texts, "strings", texts)


@scenario("no fields of the engine's own unless asked for")
async def no_private_fields(t: Target) -> None:
    extra = {name for chunk in await t.chat_chunks(**ASKING) for name in chunk} - PUBLISHED
    require(not extra, "only published fields", sorted(extra))


@scenario("a character is never split between chunks")
async def whole_characters(t: Target) -> None:
    text = said(await t.chat_chunks("你好🙂 Grüße 안녕", max_tokens=40))
    equal(text, content(await t.chat("你好🙂 Grüße 안녕", max_tokens=40)), "the streamed text")


@scenario("a bad request is an HTTP error, not an event in a stream")
async def errors_before_the_stream(t: Target) -> None:
    await t.refused(
        "/v1/chat/completions", t.chat_body(stream=True) | {"temperature": 9}, param="temperature"
    )
