import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.echo.answers import Answer, Kind, Reader
from polychat.engines.echo.tokens import Vocabulary, tokens_of
from polychat.errors import RequestError

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city", "days"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def reader(context_length: int | None = None) -> Reader:
    return Reader(Vocabulary(), context_length)


def ask(text: str, **fields: object) -> Answer:
    return reader().chat({"messages": [{"role": "user", "content": text}], **fields})


def calls(answer: Answer) -> list[tuple[str, Any]]:
    return [
        (answer.joined(Kind.CALL, index), json.loads(answer.joined(Kind.ARGUMENTS, index)))
        for index in range(answer.num_calls)
    ]


@given(st.text())
def test_the_answer_is_the_question(text: str) -> None:
    assert ask(f"x{text}").text == f"x{text}"


def test_the_last_user_message_is_said_and_all_messages_are_counted() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": "three"},
    ]
    answer = reader().chat({"messages": messages})
    assert (answer.text, len(answer.prompt), answer.finish_reason) == ("one two", 5, "stop")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_it_stops_at_the_most_tokens_wanted(field: str) -> None:
    answer = ask("one two three", **{field: 2})
    assert (answer.text, answer.finish_reason) == ("one two", "length")


def test_it_goes_on_until_the_most_tokens_when_told_to_ignore_the_end() -> None:
    answer = ask("a b", max_tokens=5, ignore_eos=True)
    assert (answer.text, len(answer.tokens), answer.finish_reason) == ("a b a b a", 5, "length")


@pytest.mark.parametrize(
    ("stop", "said"), [(" three", "one two"), (["zebra", " four", " three"], "one two"), ("o thr", "one tw")]
)
def test_it_stops_before_the_first_stop_string_wherever_it_begins(stop: object, said: str) -> None:
    answer = ask("one two three four", stop=stop)
    assert (answer.text, answer.finish_reason) == (said, "stop")


def test_chinese_is_said_character_by_character() -> None:
    assert [token.text for token in ask("你好 world").tokens] == ["你", "好", " world"]


def test_messages_must_be_there() -> None:
    with pytest.raises(RequestError, match="'messages'"):
        reader().chat({"messages": []})


def test_a_thought_is_said_apart_from_the_answer() -> None:
    answer = ask("think: it is easy\nfour")
    assert (answer.joined(Kind.REASONING), answer.text, len(answer.tokens)) == ("it is easy", "four", 4)


def test_an_image_is_answered_as_such() -> None:
    parts = [{"type": "text", "text": "see "}, {"type": "image_url", "image_url": {"url": "data:…"}}]
    assert reader().chat({"messages": [{"role": "user", "content": parts}]}).text == "see [image]"


def test_a_begun_answer_is_continued() -> None:
    messages = [{"role": "user", "content": "one two"}, {"role": "assistant", "content": "one"}]
    assert reader().chat({"messages": messages, "continue_final_message": True}).text == " two"


# ---- completions


def test_each_prompt_gets_its_own_answer_of_16_tokens_at_most() -> None:
    answers = reader().completions({"prompt": ["a b", "c " * 20]})
    assert [len(answer.tokens) for answer in answers] == [2, 16]


def test_a_completion_of_no_tokens_has_none() -> None:
    (answer,) = reader().completions({"prompt": "a b", "max_tokens": 0})
    assert (answer.text, answer.finish_reason, answer.prompt) == ("", "length", ("a", " b"))


def test_token_ids_are_a_prompt_once_they_were_given_out() -> None:
    known = reader()
    ids = known.vocabulary.ids(tokens_of("a b"))
    assert [answer.text for answer in known.completions({"prompt": [ids, ids[:1]]})] == ["a b", "a"]
    with pytest.raises(RequestError, match="no token id"):
        known.completions({"prompt": [7]})


def test_a_suffix_is_refused() -> None:
    with pytest.raises(RequestError, match="suffix"):
        reader().completions({"prompt": "a", "suffix": "b"})


# ---- limits


def test_a_prompt_and_answer_over_the_context_length_are_refused_with_the_numbers() -> None:
    small = reader(context_length=5)
    with pytest.raises(RequestError, match=r"6 tokens.*3 in the messages, 3 in the completion") as caught:
        small.chat({"messages": [{"role": "user", "content": "a b c"}]})
    assert caught.value.code == "context_length_exceeded"
    assert (
        small.chat({"messages": [{"role": "user", "content": "a b c"}], "max_tokens": 2}).finish_reason
        == "length"
    )


def test_a_bias_silences_a_token_or_makes_it_the_only_one() -> None:
    known = reader()
    (_, two) = known.vocabulary.ids(tokens_of("one two"))
    messages = [{"role": "user", "content": "one two"}]
    assert known.chat({"messages": messages, "logit_bias": {str(two): -100}}).text == "one"
    assert known.chat({"messages": messages, "logit_bias": {str(two): 100}}).text == " two two"


# ---- tools


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_forced_call_takes_what_fits_from_the_text(choice: object) -> None:
    answer = ask('Please, {"city": "Paris", "days": "many"}', tools=[WEATHER, CLOCK], tool_choice=choice)
    assert calls(answer) == [("weather", {"city": "Paris", "days": 1})]
    assert (answer.text, answer.finish_reason) == ("", "tool_calls")


def test_a_named_tool_must_be_there() -> None:
    with pytest.raises(RequestError, match="'nothing'"):
        ask("a", tools=[CLOCK], tool_choice={"type": "function", "function": {"name": "nothing"}})


LINES = 'call weather {"city": "Rome", "days": 2}\ncall clock {}'


def test_lines_that_call_are_calls() -> None:
    answer = ask(LINES, tools=[WEATHER, CLOCK])
    assert calls(answer) == [("weather", {"city": "Rome", "days": 2}), ("clock", {})]
    assert len(calls(ask(LINES, tools=[WEATHER, CLOCK], parallel_tool_calls=False))) == 1


@pytest.mark.parametrize(
    "fields", [{}, {"tools": [WEATHER, CLOCK], "tool_choice": "none"}, {"tools": [CLOCK]}]
)
def test_without_leave_or_tool_the_lines_are_text(fields: dict[str, object]) -> None:
    assert ask(LINES, **fields).text == LINES


def test_results_of_tools_are_said() -> None:
    messages = [
        {"role": "user", "content": LINES},
        {"role": "assistant", "content": None},
        {"role": "tool", "content": "sunny"},
        {"role": "tool", "content": "noon"},
    ]
    answer = reader().chat({"messages": messages, "tools": [WEATHER, CLOCK]})
    assert (answer.text, answer.finish_reason) == ("sunny\nnoon", "stop")


def test_a_call_cut_short_ends_for_its_length() -> None:
    answer = ask("call clock {}", tools=[CLOCK], max_tokens=1)
    assert (answer.num_calls, answer.finish_reason) == (1, "length")


# ---- formats


def test_json_is_said_where_it_is_asked_for() -> None:
    assert ask("hello", response_format={"type": "json_object"}).text == "{}"
    assert ask('{"a": 1}', response_format={"type": "json_object"}).text == '{"a": 1}'


def test_a_schema_is_fitted() -> None:
    schema = WEATHER["function"]["parameters"]  # type: ignore[index]
    wanted = {"type": "json_schema", "json_schema": {"name": "w", "schema": schema}}
    assert json.loads(ask("hello", response_format=wanted).text) == {"city": "", "days": 1}
    assert ask('{"city":"Ulm","days":3}', response_format=wanted).text == '{"city":"Ulm","days":3}'
