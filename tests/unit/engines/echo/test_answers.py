import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.echo import answers as echo_answers
from polychat.errors import RequestError


def ask(text: str, **fields: object) -> echo_answers.Answer:
    return echo_answers.chat({"messages": [{"role": "user", "content": text}], **fields})


@given(st.text())
def test_the_answer_is_the_question(text: str) -> None:
    assert ask(text).text == text


def test_the_last_user_message_is_said_and_all_messages_are_counted() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": "three"},
    ]
    answer = echo_answers.chat({"messages": messages})
    assert (answer.text, answer.prompt_tokens, answer.finish_reason) == ("one two", 5, "stop")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_it_stops_at_the_most_tokens_wanted(field: str) -> None:
    answer = ask("one two three", **{field: 2})
    assert (answer.text, answer.finish_reason) == ("one two", "length")


def test_it_goes_on_until_the_most_tokens_when_told_to_ignore_the_end() -> None:
    answer = ask("a b", max_tokens=5, ignore_eos=True)
    assert (answer.text, len(answer.tokens), answer.finish_reason) == ("a b a b a", 5, "length")


@pytest.mark.parametrize("stop", [" three", ["zebra", " four", " three"]])
def test_it_stops_before_the_first_stop_word(stop: object) -> None:
    answer = ask("one two three four", stop=stop)
    assert (answer.text, answer.finish_reason) == ("one two", "stop")


def test_chinese_is_said_character_by_character() -> None:
    assert ask("你好 world").tokens == ("你", "好", " world")


def test_each_prompt_gets_its_own_answer() -> None:
    answers = echo_answers.completions({"prompt": ["a b", "c"]})
    assert [answer.text for answer in answers] == ["a b", "c"]
    assert echo_answers.completions({"prompt": [1, 2]})[0].text == "1 2"


def test_messages_must_be_there() -> None:
    with pytest.raises(RequestError, match="'messages'"):
        echo_answers.chat({"messages": []})


def test_vectors_are_the_same_for_the_same_text_and_have_length_1() -> None:
    (first, again, other), tokens = echo_answers.embeddings({"input": ["a", "a", "b"]})
    assert first == again != other
    assert isinstance(first, list)
    assert sum(value * value for value in first) == pytest.approx(1)
    assert tokens == 3


def test_vectors_come_as_base64_and_as_long_as_asked() -> None:
    (vector,), _ = echo_answers.embeddings({"input": "a", "encoding_format": "base64", "dimensions": 8})
    assert isinstance(vector, str)
    assert len(struct.unpack("<8f", base64.b64decode(vector))) == 8
