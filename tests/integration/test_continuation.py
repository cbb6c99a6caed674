"""Streams that outlive their replica: real workers, one of them killed in mid-answer."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import anthropic
import httpx
import pytest

from tests.support.cluster import ECHO, Cluster
from tests.support.processes import RoleProcess, get_json, wait_until

WORDS = " ".join(f"w{number}" for number in range(120))
SLOW = (*ECHO, "--echo-tokens-per-s", "40")
STORY = [{"role": "user", "content": "Tell me a story."}]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack)


@pytest.fixture
def workers(cluster: Cluster) -> list[RoleProcess]:
    found = [cluster.start_worker(*SLOW) for _ in range(2)]
    wait_until(lambda: cluster.serves("echo"), timeout_s=10, what="the gateway knows echo")
    return found


def kill_the_one_that_answers(cluster: Cluster, workers: list[RoleProcess]) -> None:
    """kill -9, once the load reports say which one it is."""

    def busy() -> list[str]:
        replicas = get_json(f"{cluster.controller_url}/replicas")
        assert isinstance(replicas, list)
        return [replica["url"] for replica in replicas if replica["load"]["running"]]

    wait_until(lambda: len(busy()) == 1, timeout_s=10, what="one replica is running the request")
    [url] = busy()
    [worker] = [worker for worker in workers if url.rpartition(":")[2] in worker.args]
    os.kill(worker.pid, signal.SIGKILL)


def test_a_chat_goes_on_at_another_replica_and_says_what_it_would_have_said(
    cluster: Cluster, workers: list[RoleProcess]
) -> None:
    stream = cluster.sdk.chat.completions.create(
        model="echo",
        messages=[{"role": "user", "content": WORDS}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [next(stream) for _ in range(10)]
    kill_the_one_that_answers(cluster, workers)
    chunks += list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == WORDS
    assert len({chunk.id for chunk in chunks}) == 1
    assert sum(bool(chunk.choices and chunk.choices[0].delta.role) for chunk in chunks) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(WORDS.split())


def test_a_stream_goes_on_as_often_as_it_must(cluster: Cluster, workers: list[RoleProcess]) -> None:
    workers += [cluster.start_worker(*SLOW) for _ in range(2)]
    stream = cluster.sdk.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": WORDS}], stream=True
    )
    said = ""
    for _ in range(3):
        said += "".join(next(stream).choices[0].delta.content or "" for _ in range(15))
        kill_the_one_that_answers(cluster, workers)
    said += "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert said == WORDS


def test_the_limit_of_tokens_holds_over_both_replicas(cluster: Cluster, workers: list[RoleProcess]) -> None:
    stream = cluster.sdk.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": WORDS}], stream=True, max_tokens=90
    )
    chunks = [next(stream) for _ in range(10)]
    kill_the_one_that_answers(cluster, workers)
    chunks += list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said.split() == WORDS.split()[:90]
    assert chunks[-1].choices[0].finish_reason == "length"


def test_anthropics_stream_goes_on_too(cluster: Cluster, workers: list[RoleProcess]) -> None:
    sdk = anthropic.Anthropic(base_url=cluster.api_url, api_key="any", max_retries=0)
    with sdk.messages.stream(
        model="echo", max_tokens=500, messages=[{"role": "user", "content": WORDS}]
    ) as stream:
        texts = stream.text_stream
        said = [next(texts) for _ in range(10)]
        kill_the_one_that_answers(cluster, workers)
        said += list(texts)
        assert stream.get_final_message().stop_reason == "end_turn"
    assert "".join(said) == WORDS


def test_what_cannot_be_continued_ends_with_one_event_that_says_so(
    cluster: Cluster, workers: list[RoleProcess]
) -> None:
    asked = {
        "model": "echo",
        "messages": [{"role": "user", "content": WORDS}],
        "stream": True,
        "logprobs": True,
    }
    with httpx.stream(
        "POST", f"{cluster.api_url}/v1/chat/completions", json=asked, trust_env=False, timeout=30
    ) as response:
        lines = (line for line in response.iter_lines() if line)
        first = [next(lines) for _ in range(10)]
        kill_the_one_that_answers(cluster, workers)
        *_, last = [*first, *lines]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert error["code"] == "replica_error"
    assert "cannot be continued on another replica: log probabilities" in error["message"]


def test_a_real_models_answer_waits_for_a_replica_and_is_the_undisturbed_one(cluster: Cluster) -> None:
    worker = cluster.start_worker("worker", "builtin")
    wait_until(lambda: cluster.serves("polychat-mini"), timeout_s=20, what="the gateway knows the model")
    asked = {"model": "polychat-mini", "messages": STORY, "temperature": 0, "max_tokens": 200, "seed": 1}
    undisturbed = cluster.sdk.chat.completions.create(**asked).choices[0].message.content  # type: ignore[call-overload]
    stream = cluster.sdk.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
    said = next(stream).choices[0].delta.content or ""
    os.kill(worker.pid, signal.SIGKILL)
    cluster.start_worker("worker", "builtin")
    said += "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert said == undisturbed
