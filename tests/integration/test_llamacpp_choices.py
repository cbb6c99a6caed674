"""Several choices of one request on llama.cpp with the built-in model, also more than it has slots."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.llamacpp_api import Api, builtin_api

Document = dict[str, Any]
PROMPT = "Once upon a time"
WILD: Document = {"temperature": 2, "top_k": 0, "min_p": 0, "top_p": 1}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with builtin_api() as api:
        assert api.slots == 4
        yield api


def test_usage_counts_each_choice_and_the_prompt_once(api: Api) -> None:
    one, three = api.chat(max_tokens=4)["usage"], api.chat(max_tokens=4, n=3)["usage"]
    assert three["completion_tokens"] == 3 * one["completion_tokens"]
    assert three["prompt_tokens"] == one["prompt_tokens"]
    assert three["total_tokens"] == three["completion_tokens"] + three["prompt_tokens"]


def test_choices_above_the_slots_are_numbered_and_counted_as_those_of_one_answer(api: Api) -> None:
    one, six = api.chat(max_tokens=4), api.chat(max_tokens=4, n=6)
    assert [choice["index"] for choice in six["choices"]] == [0, 1, 2, 3, 4, 5]
    assert six["usage"]["completion_tokens"] == 6 * one["usage"]["completion_tokens"]
    assert six["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]


def test_the_chunks_of_a_stream_have_one_head_and_each_choice_one_role(api: Api) -> None:
    chunks = api.chat_chunks(n=2, max_tokens=3, stream_options={"include_usage": True})
    assert (
        len({(c["id"], c["created"], c["model"], c["object"], c["system_fingerprint"]) for c in chunks}) == 1
    )
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert [c["usage"] for c in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    roles = [c["choices"][0]["index"] for c in chunks[:-1] if "role" in c["choices"][0]["delta"]]
    assert sorted(roles) == [0, 1]


def test_a_stream_of_choices_above_the_slots_has_one_head_and_usage_at_its_end(api: Api) -> None:
    *before, last = api.chat_chunks(n=6, max_tokens=3, stream_options={"include_usage": True})
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in [*before, last]}) == 1
    assert [c["usage"] for c in before] == [None] * len(before)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 18)
    roles = [c["choices"][0]["index"] for c in before if "role" in c["choices"][0]["delta"]]
    assert sorted(roles) == [0, 1, 2, 3, 4, 5]


def test_the_best_of_several_are_the_likeliest_and_all_are_counted(api: Api) -> None:
    fields: Document = {"max_tokens": 5, "seed": 1, "logprobs": 0, "ignore_eos": True, **WILD}
    best = api.complete(PROMPT, best_of=4, n=2, **fields)
    made = api.complete(PROMPT, n=4, **fields)
    likeliest = sorted(made["choices"], key=lambda c: sum(c["logprobs"]["token_logprobs"]), reverse=True)[:2]
    assert [choice["text"] for choice in best["choices"]] == [choice["text"] for choice in likeliest]
    assert [choice["index"] for choice in best["choices"]] == [0, 1]
    assert best["usage"]["completion_tokens"] == 20


def test_more_made_than_there_are_slots_are_ranked_together(api: Api) -> None:
    fields: Document = {"max_tokens": 5, "seed": 1, "logprobs": 0, "ignore_eos": True, **WILD}
    best, made = api.complete(PROMPT, best_of=9, n=2, **fields), api.complete(PROMPT, n=9, **fields)
    likeliest = sorted(made["choices"], key=lambda c: sum(c["logprobs"]["token_logprobs"]), reverse=True)[:2]
    assert [choice["text"] for choice in best["choices"]] == [choice["text"] for choice in likeliest]
    assert best["usage"]["completion_tokens"] == 45


def test_the_same_seed_says_the_same_and_each_choice_its_own(api: Api) -> None:
    first, again = (api.complete(PROMPT, n=2, seed=11, **WILD)["choices"] for _ in range(2))
    assert [choice["text"] for choice in first] == [choice["text"] for choice in again]
    assert first[0]["text"] != first[1]["text"]


def test_choices_above_the_slots_have_the_seeds_that_follow(api: Api) -> None:
    told = [choice["text"] for choice in api.complete(PROMPT, n=6, seed=11, **WILD)["choices"]]
    alone = [api.complete(PROMPT, seed=11 + at, **WILD)["choices"][0]["text"] for at in range(6)]
    assert told == alone
    assert len(set(told)) == 6


def test_choices_above_the_slots_come_prompt_by_prompt(api: Api) -> None:
    fields: Document = {"max_tokens": 3, "temperature": 0, "ignore_eos": True}
    alone = [api.complete(prompt, **fields)["choices"][0]["text"] for prompt in (PROMPT, "The", "A")]
    answer = api.complete([PROMPT, "The", "A"], n=6, **fields)
    assert [c["text"] for c in answer["choices"]] == [text for text in alone for _ in range(6)]
    assert [c["index"] for c in answer["choices"]] == list(range(18))
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (5 + 1 + 1, 18 * 3)
