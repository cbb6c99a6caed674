"""mistral.rs for real: its Python package runs the built-in model, and answers through a gateway."""

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.support.cluster import Cluster
from tests.support.processes import descendants, is_alive, wait_until

assert importlib.util.find_spec("mistralrs"), "install mistral.rs: pip install 'polychat[mistralrs]'"

MODEL = "polychat-mini"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        started = Cluster(stack)
        started.start_worker("worker", "builtin", "--engine", "mistralrs", "--model-names", f"{MODEL},mini")
        wait_until(lambda: started.serves(MODEL), what="the gateway's word of the model")
        yield started


def test_it_answers_whole(cluster: Cluster) -> None:
    answer = cluster.sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "What is the capital of France?"}], temperature=0
    )

    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == MODEL
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_what_it_streams_is_what_it_answers_whole(cluster: Cluster) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me a story."}]
    create = cluster.sdk.chat.completions.create

    whole = create(model=MODEL, messages=asked, temperature=0)
    chunks = list(create(model="mini", messages=asked, temperature=0, stream=True))

    said = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert len(said) > 5
    assert "".join(said) == whole.choices[0].message.content
    assert {chunk.model for chunk in chunks} == {"mini"}


def test_a_streams_usage_counts_its_tokens(cluster: Cluster) -> None:
    chunks = list(
        cluster.sdk.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Tell me a story."}],
            max_tokens=7,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7
    assert chunks[-2].choices[0].finish_reason == "length"


def test_eight_clients_at_once_are_all_answered(cluster: Cluster) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cluster.ask("Hello!", model=MODEL), range(8)))

    assert all(answers)


def test_each_choice_is_made(cluster: Cluster) -> None:
    answer = cluster.sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}], n=2, max_tokens=4, logprobs=True
    )

    assert [choice.index for choice in answer.choices] == [0, 1]
    for choice in answer.choices:
        assert choice.logprobs
        assert choice.logprobs.content
        assert all(token.top_logprobs == [] for token in choice.logprobs.content)
        joined = b"".join(bytes(token.bytes or b"") for token in choice.logprobs.content)
        assert joined.decode() == choice.message.content


def test_a_prompt_that_is_too_long_is_refused_as_openai_does(cluster: Cluster) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        cluster.ask("word " * 4000, model=MODEL)

    assert refused.value.code == "context_length_exceeded"


def test_tools_are_refused_before_they_reach_it(cluster: Cluster) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        cluster.sdk.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hi"}],
            tools=[{"type": "function", "function": {"name": "now"}}],
        )

    assert refused.value.code == "unsupported_feature"


def test_its_processes_end_with_the_worker(cluster: Cluster) -> None:
    worker = cluster.start_worker(
        "worker", "builtin", "--engine", "mistralrs", "--model-names", "short-lived"
    )
    below = descendants(worker.pid)

    worker.kill()

    assert any("mistralrs_child" in command for command in below.values())
    wait_until(lambda: not any(is_alive(pid) for pid in below), what=f"the end of {below}")
