"""Requests to answers: the published forms, and what a generator that says what it is told is asked for."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from importlib import resources
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from polychat import sse
from polychat.engines.transformers import generation
from polychat.engines.transformers.generation import Reply
from polychat.engines.transformers.job import (
    GenerationFailed,
    GrammarRefused,
    OpenModel,
    PromptLogprobs,
    Token,
)
from polychat.engines.transformers.reading import MARKS
from polychat.engines.transformers.served import Served
from polychat.engines.transformers.text import Text
from polychat.errors import ContextLengthExceeded, PlatformError, ReplicaError, RequestError, UnknownModel
from tests.support.scripted_generator import ScriptedGenerator

END = 2264
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
Json = Any  # decoded JSON


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    folder = str(resources.files("polychat.engines") / "builtin")
    return AutoTokenizer.from_pretrained(folder, gguf_file="polychat-mini.gguf")


@pytest.fixture
def text(tokenizer: PreTrainedTokenizerBase) -> Text:
    return Text(tokenizer)


def served(text: Text, generator: ScriptedGenerator, *, context_length: int = 100, **more: Json) -> Served:
    model = OpenModel(context_length, frozenset({END}), generator)
    return Served("m", model, generator, text, marks=MARKS["hermes"], **more)


def saying(text: Text, what: str, *, finish: str = "stop") -> list[Token | PromptLogprobs | Exception]:
    """The tokens of a text, each with a logprob, and the end token if it stops by itself."""
    ids = text.encode(what)
    if finish == "stop":
        ids.append(END)
    last: list[Any] = [None] * (len(ids) - 1) + [finish]
    return [
        Token(id_, logprob=-0.5, top=((id_, -0.5), (7, -1.5)), finish=end)
        for id_, end in zip(ids, last, strict=True)
    ]


def body(**fields: Json) -> bytes:
    return json.dumps({"model": "m"} | fields).encode()


def chat(about: Served, **fields: Json) -> Reply:
    return generation.chat(about, body(messages=[{"role": "user", "content": "hi"}], **fields))


def completion(about: Served, **fields: Json) -> Reply:
    return generation.completion(about, body(**({"prompt": "One two"} | fields)))


async def whole(reply: Reply) -> Json:
    return json.loads(await reply.whole())


async def chunks(reply: Reply) -> list[Json]:
    data = b"".join([event async for event in reply.events()])
    assert data.endswith(sse.DONE)
    return [json.loads(event[6:]) for event in data.removesuffix(sse.DONE).split(b"\n\n") if event]


def joined(told: Sequence[Json], index: int = 0) -> str:
    choices = [choice for chunk in told for choice in chunk["choices"] if choice["index"] == index]
    return "".join(each.get("text") or each.get("delta", {}).get("content") or "" for each in choices)


async def test_a_chats_answer_ends_before_its_end_token_which_is_counted(text: Text) -> None:
    answer = await whole(chat(served(text, ScriptedGenerator(saying(text, "Hello there")))))
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"]["completion_tokens"] == len(text.encode("Hello there")) + 1


async def test_a_stream_says_the_same_in_pieces_with_usage_at_its_end(text: Text) -> None:
    about = served(text, ScriptedGenerator(saying(text, "Grüße, 你好 🙂")))
    told = await chunks(chat(about, stream=True, stream_options={"include_usage": True}))
    assert joined(told) == "Grüße, 你好 🙂"
    assert told[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert told[-2]["choices"][0]["finish_reason"] == "stop"
    assert told[-1]["choices"] == []
    assert told[-1]["usage"]["prompt_tokens"] > 0


async def test_a_stop_string_ends_the_work_at_once(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, "one two three four five six seven"))
    answer = await whole(chat(served(text, generator), stop="three", verbose=True))
    assert answer["choices"][0]["message"]["content"] == "one two "
    assert answer["choices"][0]["stop_reason"] == "three"
    assert generator.num_told < len(saying(text, "one two three four five six seven"))
    assert generator.num_closed == 1


async def test_who_leaves_a_stream_aborts_its_work(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, "one two three four"))
    async with aclosing(chat(served(text, generator), stream=True, n=2).events()) as events:
        await anext(events)
    assert generator.num_closed == len(generator.jobs)


async def test_a_call_is_told_as_one_and_streamed_as_one(text: Text) -> None:
    said = saying(text, '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>')
    answer = await whole(chat(served(text, ScriptedGenerator(said)), tools=[TOOL]))
    told = await chunks(chat(served(text, ScriptedGenerator(said)), tools=[TOOL], stream=True))
    message = answer["choices"][0]["message"]
    deltas = [
        c["delta"]["tool_calls"][0] for chunk in told for c in chunk["choices"] if "tool_calls" in c["delta"]
    ]
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert (message["content"], answer["choices"][0]["finish_reason"]) == (None, "tool_calls")
    assert [delta["function"] for delta in deltas] == [message["tool_calls"][0]["function"]]


async def test_a_demanded_call_is_held_to_a_schema_of_the_tools(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, '{"name": "f", "arguments": {}}'))
    answer = await whole(chat(served(text, generator), tools=[TOOL], tool_choice="required"))
    grammar = generator.jobs[0].grammar
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    assert grammar is not None
    assert json.loads(grammar.text)["anyOf"][0]["properties"]["name"] == {"const": "f"}


async def test_a_format_is_held_to_without_endless_space(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, "{}"))
    await whole(chat(served(text, generator), response_format={"type": "json_object"}))
    grammar = generator.jobs[0].grammar
    assert grammar is not None
    assert json.loads(grammar.text) == {"type": "object", "x-guidance": {"whitespace_pattern": r"\n? {0,16}"}}


async def test_thoughts_are_told_apart(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, "<think>Hm.</think>Yes."))
    answer = await whole(chat(served(text, generator, thinks=True)))
    message = answer["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm.", "Yes.")


async def test_the_tokens_of_a_completions_logprobs_spell_its_text(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, " three four", finish="length"))
    choice = (await whole(completion(served(text, generator), logprobs=1)))["choices"][0]
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"] == " three four"
    starts = [sum(map(len, logprobs["tokens"][:at])) for at in range(len(logprobs["tokens"]))]
    assert logprobs["text_offset"] == starts


async def test_an_echo_with_logprobs_begins_with_the_prompts_own(text: Text) -> None:
    prompt = PromptLogprobs(
        tuple(Token(id_, None if at == 0 else -1.0) for at, id_ in enumerate(text.encode("One two")))
    )
    about = served(text, ScriptedGenerator([prompt, *saying(text, " three", finish="length")]))
    choice = (await whole(completion(about, echo=True, logprobs=0)))["choices"][0]
    told = await chunks(completion(about, echo=True, logprobs=0, stream=True))
    assert choice["text"] == "".join(choice["logprobs"]["tokens"]) == joined(told) == "One two three"
    assert choice["logprobs"]["token_logprobs"][0] is None


async def test_nothing_but_the_echo_when_no_token_is_asked_for(text: Text) -> None:
    generator = ScriptedGenerator([])
    answer = await whole(completion(served(text, generator), echo=True, max_tokens=0))
    assert answer["choices"][0]["text"] == "One two"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 0


async def test_the_best_of_several_is_the_likeliest(text: Text) -> None:
    good = [Token(5, logprob=-0.1, finish="length")]
    bad = [Token(6, logprob=-3.0, finish="length")]
    answer = await whole(completion(served(text, ScriptedGenerator(bad, good)), best_of=2))
    assert [choice["text"] for choice in answer["choices"]] == [text.decode([5])]
    assert answer["usage"]["completion_tokens"] == 2


async def test_several_prompts_and_choices_keep_their_order_and_their_seeds(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, "x"))
    answer = await whole(completion(served(text, generator), prompt=["One", "Two"], n=2, seed=7))
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert [job.prompt for job in generator.jobs] == [
        tuple(text.encode(each)) for each in ("One", "One", "Two", "Two")
    ]
    assert [job.sampling.seed for job in generator.jobs] == [7, 8, 7, 8]


def test_without_max_tokens_a_chat_may_fill_the_context(text: Text) -> None:
    about = served(text, ScriptedGenerator([]))
    run = chat(about)._lanes[0].run
    assert run.job.max_tokens == 100 - len(run.job.prompt)


@pytest.mark.parametrize(
    "fields",
    [{"prompt": [99999]}, {"suffix": "x"}, {"logit_bias": {"99999": 1}}],
)
def test_what_the_model_cannot_be_asked_is_refused(text: Text, fields: Json) -> None:
    with pytest.raises(RequestError) as caught:
        completion(served(text, ScriptedGenerator([])), **fields)
    assert caught.value.param == next(iter(fields))


def test_a_prompt_that_leaves_no_room_is_refused_with_the_numbers(text: Text) -> None:
    with pytest.raises(ContextLengthExceeded, match="100 tokens"):
        completion(served(text, ScriptedGenerator([])), prompt="word " * 200)


def test_a_model_without_chat_template_says_what_to_pass(tokenizer: PreTrainedTokenizerBase) -> None:
    text = Text(tokenizer)
    text.template = ""
    with pytest.raises(RequestError, match="--chat-template"):
        chat(served(text, ScriptedGenerator([])))


def test_templates_are_not_to_be_replaced_by_a_request(text: Text) -> None:
    with pytest.raises(RequestError, match="chat_template_kwargs"):
        chat(served(text, ScriptedGenerator([])), chat_template_kwargs={"chat_template": "x"})


async def test_an_adapter_answers_under_its_name_until_it_is_gone(text: Text) -> None:
    generator = ScriptedGenerator(saying(text, "x"))
    about = served(text, generator)
    await generator.load_adapter("pirate", "/p")
    await whole(chat(about, model="pirate"))
    await generator.unload_adapter("pirate")
    about.gone_adapters.add("pirate")
    assert generator.jobs[0].adapter == "pirate"
    with pytest.raises(UnknownModel):
        chat(about, model="pirate")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(GrammarRefused("bad"), RequestError), (GenerationFailed("no memory"), ReplicaError)],
)
async def test_what_the_core_refuses_is_an_error_before_the_first_event(
    text: Text, failure: Exception, expected: type[PlatformError]
) -> None:
    about = served(text, ScriptedGenerator([failure]))
    with pytest.raises(expected):
        await anext(chat(about, stream=True).events())
    with pytest.raises(expected):
        await chat(about, n=2).whole()
