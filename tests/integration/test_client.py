"""The client against a real gateway and a real engine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from polychat.client import ApiError, ApiUnreachable, Client, Message, SamplingOptions, Usage
from tests.support.cluster import ECHO, Cluster
from tests.support.processes import free_port, wait_until

LONG = [Message("user", " ".join(["word"] * 500))]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker(*ECHO[:-1], "team/echo", "--echo-tokens-per-s", "100")
        wait_until(lambda: cluster.serves("echo"))
        yield cluster


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    async with Client(f"{cluster.api_url}/v1") as client:
        yield client


async def test_the_models_are_listed_under_their_ids_and_other_names(client: Client) -> None:
    assert {(card.id, card.root) for card in await client.models()} == {
        ("team/echo", "team/echo"),
        ("echo", "team/echo"),
    }


async def test_an_answer_streams_in_pieces_and_ends_with_its_usage(client: Client) -> None:
    messages = [Message("system", "Repeat."), Message("user", "one two three")]
    deltas = client.stream_chat(model="echo", messages=messages, options=SamplingOptions(temperature=0.0))
    received = [delta async for delta in deltas]
    assert "".join(delta.text for delta in received) == "one two three"
    assert [delta.finish_reason for delta in received if delta.finish_reason] == ["stop"]
    assert received[-1].usage == Usage(prompt_tokens=4, completion_tokens=3)


async def test_the_options_reach_the_engine(client: Client) -> None:
    options = SamplingOptions(max_tokens=2)
    deltas = client.stream_chat(model="echo", messages=LONG, options=options)
    assert [delta.finish_reason async for delta in deltas if delta.finish_reason] == ["length"]


async def test_closing_the_iterator_ends_the_engines_work(client: Client, cluster: Cluster) -> None:
    deltas = client.stream_chat(model="echo", messages=LONG, options=SamplingOptions())
    await anext(deltas)
    wait_until(lambda: cluster.running() == 1, what="the engine to be at work")
    await deltas.aclose()
    wait_until(lambda: cluster.running() == 0, timeout_s=3, what="the engine to be idle")


@pytest.mark.parametrize(
    ("model", "options", "code", "message"),
    [
        ("nothing", SamplingOptions(), "model_not_found", "nothing"),
        ("echo", SamplingOptions(max_tokens=-1), None, "max_tokens"),
    ],
)
async def test_a_refusal_is_the_gateways_own_message(
    client: Client, model: str, options: SamplingOptions, code: str | None, message: str
) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        await anext(client.stream_chat(model=model, messages=LONG, options=options))
    assert caught.value.code == code


async def test_nothing_at_the_address_is_told_with_the_fix() -> None:
    port = free_port()
    async with Client(f"127.0.0.1:{port}") as client:
        with pytest.raises(ApiUnreachable, match=rf"Nothing answers at http://127.0.0.1:{port} \(.*refused"):
            await client.models()
