"""Tokens of the built-in model, through a gateway."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.support import tiny_gguf
from tests.support.cluster import Cluster

MODEL = "polychat-mini"
USER = {"role": "user", "content": "What is the weather in Paris?"}
PREFILLED = {"role": "assistant", "content": "I am"}
CALLED = {
    "role": "assistant",
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}],
}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CHATS: list[dict[str, object]] = [
    {"messages": [USER]},
    {"messages": [{"role": "system", "content": "Be brief."}, USER]},
    {"messages": [{"role": "developer", "content": "Be brief."}, USER]},
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
        ]
    },
    {"messages": [USER], "tools": [TOOL]},
    {"messages": [USER], "tools": [{"type": "function", "function": {"name": "bare"}}]},
    {"messages": [USER, CALLED, {"role": "tool", "content": "18", "tool_call_id": "1"}], "tools": [TOOL]},
    {"messages": [USER, {"role": "assistant", "refusal": "No."}, USER]},
    {"messages": [USER, PREFILLED, USER]},
    {"messages": [USER, PREFILLED]},
    {"messages": [USER, PREFILLED], "continue_final_message": True, "add_generation_prompt": False},
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    tiny = tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf", adds_bos=True)
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", "builtin")
        cluster.start_worker("worker", str(tiny))
        yield cluster


@pytest.fixture(scope="module")
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster.api_url, trust_env=False, timeout=20) as http:
        yield http


def ask(http: httpx.Client, path: str, **fields: object) -> dict[str, object]:
    answer = http.post(path, json={"model": MODEL} | fields)
    assert answer.status_code == 200, answer.text
    document: dict[str, object] = answer.json()
    return document


@pytest.mark.parametrize("text", ["", "Hello, world!", "wörld ☃ \n\t 日本語", "<|im_start|>user"])
def test_a_prompt_survives_the_way_to_tokens_and_back(http: httpx.Client, text: str) -> None:
    said = ask(http, "/tokenize", prompt=text, add_special_tokens=False)
    tokens = said["tokens"]
    assert isinstance(tokens, list)
    assert said == {"count": len(tokens), "max_model_len": 2048, "tokens": tokens, "token_strs": None}
    assert ask(http, "/detokenize", tokens=tokens) == {"prompt": text}


def test_the_texts_of_tokens_come_when_asked_for(http: httpx.Client) -> None:
    said = ask(http, "/tokenize", prompt="Hello world", return_token_strs=True)
    texts = said["token_strs"]
    assert isinstance(texts, list)
    assert (len(texts), "".join(texts)) == (said["count"], "Hello world")


@pytest.mark.parametrize("chat", CHATS)
def test_a_chats_count_is_what_the_chat_is_prefilled_with(
    http: httpx.Client, chat: dict[str, object]
) -> None:
    answered = ask(http, "/v1/chat/completions", **chat, max_tokens=1)
    usage = answered["usage"]
    assert isinstance(usage, dict)
    assert ask(http, "/tokenize", **chat)["count"] == usage["prompt_tokens"]


def test_a_token_that_begins_every_chat_is_counted_too(http: httpx.Client) -> None:
    chat = {"model": "tiny", "messages": [USER]}
    answered = ask(http, "/v1/chat/completions", **chat, max_tokens=1)
    usage, said = answered["usage"], ask(http, "/tokenize", **chat, return_token_strs=True)
    assert isinstance(usage, dict)
    assert said["count"] == usage["prompt_tokens"]
    texts = said["token_strs"]
    assert isinstance(texts, list)
    assert texts[:2] == ["<|endoftext|>", "<|im_start|>"]


def test_an_open_chat_lacks_the_tokens_that_open_the_answer(http: httpx.Client) -> None:
    whole = ask(http, "/tokenize", messages=[USER])["tokens"]
    said = ask(http, "/tokenize", messages=[USER], add_generation_prompt=False)["tokens"]
    assert isinstance(whole, list)
    assert isinstance(said, list)
    assert whole[: len(said)] == said
    assert len(said) < len(whole)


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("/detokenize", {"tokens": [1, 999999]}, "tokens"),
        ("/detokenize", {"tokens": [-1]}, "tokens[0]"),
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"messages": []}, "messages"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    http: httpx.Client, path: str, fields: dict[str, object], param: str
) -> None:
    answer = http.post(path, json={"model": MODEL} | fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_there_is_nothing_under_another_method(http: httpx.Client) -> None:
    assert http.get("/tokenize").status_code == 405
