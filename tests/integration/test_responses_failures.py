"""The Responses API when an engine or the database misbehaves, and what only scripted engines say."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import openai
import pytest

from polychat.types import Endpoint
from tests.support.fake_engine import Call, Script, answer, event, head, stream
from tests.support.gateway_site import Site
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, free_port, free_ports

USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'


def whole(**message: object) -> Script:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return answer(json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode())


def delta(**fields: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": fields}]}).encode() + b"\n\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    controller, api = free_ports(2)
    found = Site(f"http://127.0.0.1:{controller}", f"http://127.0.0.1:{api}")
    home = {"POLYCHAT_HOME": str(tmp_path_factory.mktemp("home"))}
    with (
        RoleProcess("controller", "--port", str(controller)) as process,
        RoleProcess("api", "--port", str(api), "--controller", found.controller_url, env=home) as gateway,
    ):
        process.wait_until_answers(f"{found.controller_url}/health")
        gateway.wait_until_answers(f"{found.api_url}/health")
        yield found


@pytest.fixture
async def sdk(site: Site) -> AsyncIterator[openai.AsyncOpenAI]:
    async with site.sdk() as sdk:
        yield sdk


async def test_reasoning_comes_as_an_item_and_as_events(site: Site, sdk: openai.AsyncOpenAI) -> None:
    said = (
        delta(reasoning_content="Hm, "),
        delta(reasoning_content="4."),
        event("Four", finish_reason="stop"),
    )
    async with site.engines(stream(*said, USAGE)):
        final = None
        kinds = []
        async for one in await sdk.responses.create(model="fake", input="2+2?", stream=True):
            kinds.append(one.type)
            final = one
    assert final is not None
    assert final.type == "response.completed"
    assert kinds.count("response.reasoning_text.delta") == 2
    reasoning, message = final.response.output
    assert reasoning.type == "reasoning"
    assert [part.text for part in reasoning.content or []] == ["Hm, 4."]
    assert final.response.usage is not None
    assert (message.type, final.response.usage.total_tokens) == ("message", 5)


async def test_reasoning_is_given_back_to_the_model_in_the_next_turn(
    site: Site, sdk: openai.AsyncOpenAI
) -> None:
    async with site.engines(whole(content="Four", reasoning_content="Hm, 4.")) as (engine,):
        first = await sdk.responses.create(model="fake", input="2+2?")
        await sdk.responses.create(model="fake", input="Sure?", previous_response_id=first.id)
    assert json.loads(engine.received[-1].body)["messages"] == [
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "Four", "reasoning_content": "Hm, 4."},
        {"role": "user", "content": "Sure?"},
    ]


async def test_an_engine_that_dies_in_mid_stream_ends_it_as_failed(
    site: Site, sdk: openai.AsyncOpenAI
) -> None:
    async with site.engines(stream(event("Hal"), is_complete=False)):
        events = [e async for e in await sdk.responses.create(model="fake", input="hi", stream=True)]
    assert [e.type for e in events[-2:]] == ["error", "response.failed"]
    assert [e.sequence_number for e in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.failed"
    assert last.response.output_text == "Hal"
    with pytest.raises(openai.NotFoundError):
        await sdk.responses.retrieve(last.response.id)


async def test_a_background_response_whose_engine_fails_says_so(site: Site, sdk: openai.AsyncOpenAI) -> None:
    async with site.engines(answer(b'{"error":{"message":"out of memory"}}', status=500)):
        made = await sdk.responses.create(model="fake", input="hi", background=True)

        async def has_failed() -> bool:
            return (await sdk.responses.retrieve(made.id)).status == "failed"

        await eventually(has_failed)
    error = (await sdk.responses.retrieve(made.id)).error
    assert error is not None
    assert "out of memory" in error.message


async def test_an_engines_refusal_names_this_apis_field(site: Site, sdk: openai.AsyncOpenAI) -> None:
    refusal = b'{"error":{"message":"too odd","param":"messages[0].content"}}'
    async with site.engines(answer(refusal, status=400)):
        with pytest.raises(openai.BadRequestError, match="too odd") as caught:
            await sdk.responses.create(model="fake", input="hi", stream=True)
    assert caught.value.param == "input"


async def test_input_tokens_are_counted_by_the_engine(site: Site, sdk: openai.AsyncOpenAI) -> None:
    async def count(call: Call) -> None:
        assert call.received.path == "/tokenize"
        body = b'{"count":11,"max_model_len":2048,"tokens":[1]}'
        await call.send(head(200, len(body)) + body)

    async with site.engines(count, endpoints=frozenset({Endpoint.CHAT, Endpoint.TOKENIZE})) as (engine,):
        counted = await sdk.responses.input_tokens.count(model="fake", input="hi", instructions="Be brief.")
    assert (counted.object, counted.input_tokens) == ("response.input_tokens", 11)
    messages = json.loads(engine.received[0].body)["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]


async def test_without_a_database_only_what_stores_nothing_works(site: Site, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    port = free_port()
    flags = ("--port", str(port), "--controller", site.controller_url)
    with RoleProcess("api", *flags, env={"POLYCHAT_HOME": str(tmp_path / "home")}) as api:
        other = Site(site.controller_url, f"http://127.0.0.1:{port}")
        api.wait_until_answers(f"{other.api_url}/health")
        assert "nothing can be stored" in api.output
        async with other.engines(whole(content="Hi")), other.sdk() as sdk:
            with pytest.raises(openai.InternalServerError) as caught:
                await sdk.responses.create(model="fake", input="hi")
            assert (caught.value.status_code, caught.value.code) == (503, "database_unavailable")
            unstored = await sdk.responses.create(model="fake", input="hi", store=False)
    assert unstored.output_text == "Hi"


async def test_a_named_database_that_is_broken_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with RoleProcess("api", "--db", f"sqlite:///{tmp_path}/notes.txt", "--port", str(free_port())) as api:
        assert api.wait() == 1
        assert "notes.txt: file is not a database" in api.output
        assert len(api.output.splitlines()) == 1
