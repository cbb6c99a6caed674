"""Completions on llama.cpp with the built-in model: each feature of the published API, streamed and not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from polychat.engines.llamacpp.collect import text_of
from polychat.errors import ContextLengthExceeded, RequestError
from tests.support.llamacpp_api import Api, builtin_api

Document = dict[str, Any]
PROMPT = "Once upon a time"
WILD: Document = {"temperature": 2, "top_k": 0, "min_p": 0, "top_p": 1}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with builtin_api() as api:
        yield api


@pytest.mark.parametrize("prompt", [PROMPT, [PROMPT, "The"], [1, 2, 300], [[1, 2, 300], [5]], "", "café 😀"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 2, "max_tokens": 3},
        {"n": 6, "max_tokens": 3, "seed": 5, "temperature": 1},
        {"echo": True, "max_tokens": 3},
        {"logprobs": 2, "max_tokens": 6},
        {"logprobs": 0, "n": 2, "stop": ["ere", "?"]},
        {"max_tokens": 0},
        {"max_tokens": 0, "echo": True},
        {"presence_penalty": 1.0, "seed": 3},
    ],
)
def test_a_stream_tells_what_a_whole_answer_tells(api: Api, prompt: object, fields: Document) -> None:
    whole = api.complete(prompt, **fields)
    chunks = api.text_chunks(prompt, **fields, stream_options={"include_usage": True})
    streamed = text_of(iter(json.loads(json.dumps(chunks))))
    assert _told(streamed) == _told(whole)
    assert streamed["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    assert streamed["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"]


def _told(document: Document) -> list[object]:
    return [[c["index"], c["text"], c["finish_reason"], c["logprobs"]] for c in document["choices"]]


def test_a_whole_answer_has_what_openai_promises_and_nothing_private(api: Api) -> None:
    for answer in (api.complete(PROMPT), api.complete(PROMPT, n=2)):
        assert answer.keys() == {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
        assert answer["choices"][0].keys() == {"index", "text", "logprobs", "finish_reason"}
        assert answer["object"] == "text_completion"
        assert answer["id"].startswith("cmpl-")


def test_the_chunks_of_a_stream_have_one_head_and_usage_at_its_end(api: Api) -> None:
    chunks = api.text_chunks([PROMPT, "The"], n=2, stream_options={"include_usage": True})
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1
    assert [c["usage"] for c in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert not any("usage" in chunk for chunk in api.text_chunks([PROMPT, "The"]))


def test_usage_counts_every_choice_and_each_prompt_once(api: Api) -> None:
    answer = api.complete([PROMPT, "The"], n=2, max_tokens=3, ignore_eos=True)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["choices"][2]["text"].startswith("The")
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (5 + 1, 4 * 3)


def test_a_completion_of_no_given_length_is_of_sixteen_tokens(api: Api) -> None:
    assert api.complete(PROMPT)["usage"]["completion_tokens"] == 16


def test_a_prompt_of_tokens_is_echoed_as_text(api: Api) -> None:
    assert [c["text"] for c in api.complete([[1, 2, 300], [5]], echo=True, max_tokens=0)["choices"]] == [
        '"#od',
        "&",
    ]


def test_no_tokens_asked_for_are_none_told(api: Api) -> None:
    answer = api.complete(PROMPT, max_tokens=0)
    assert (answer["choices"][0]["text"], answer["choices"][0]["finish_reason"]) == ("", "length")
    assert answer["usage"]["completion_tokens"] == 0


def test_logprobs_have_offsets_into_the_whole_text(api: Api) -> None:
    (choice,) = api.complete(PROMPT, logprobs=2, max_tokens=6)["choices"]
    told = choice["logprobs"]
    assert "".join(told["tokens"]) == choice["text"]
    assert all(
        choice["text"][at:].startswith(token)
        for at, token in zip(told["text_offset"], told["tokens"], strict=True)
    )
    assert all(len(top) in (2, 3) for top in told["top_logprobs"])


def test_zero_logprobs_are_those_of_the_tokens_alone(api: Api) -> None:
    told = api.complete(PROMPT, logprobs=0, max_tokens=2)["choices"][0]["logprobs"]
    assert len(told["token_logprobs"]) == 2
    assert told["top_logprobs"] is None


def test_tokens_that_the_model_does_not_know_are_refused(api: Api) -> None:
    with pytest.raises(RequestError) as caught:
        api.complete([10**8])
    assert caught.value.param == "prompt"


def test_too_long_a_prompt_is_told_with_its_numbers(api: Api) -> None:
    with pytest.raises(ContextLengthExceeded, match=r"2048 tokens.* 3001 tokens") as caught:
        api.complete("word " * 3000)
    assert caught.value.param == "prompt"
