"""A program is known by what it answers, and read as its own makers mean it."""

import json
from collections.abc import Mapping

import pytest

from polychat.engines.attached.address import places
from polychat.engines.attached.server import Access, Away, Server, WrongKey
from polychat.engines.base import EngineUnresponsive
from polychat.errors import SetupError
from polychat.types import Load
from tests.support.fake_engine import Call, FakeEngine, Script, head

PROPS = {"default_generation_settings": {"n_ctx": 1024}, "total_slots": 2}
SLOTS = [{"is_processing": True, "n_prompt_tokens": 500, "next_token": [{"n_decoded": 12}]}]
SGLANG = b'sglang:num_running_reqs{tp_rank="0"} 3.0\nsglang:num_queue_reqs 4.0\nsglang:token_usage 0.25\n'
VLLM = b'vllm:num_requests_running{model_name="m"} 2.0\nvllm:num_requests_waiting{model_name="m"} 1.0\n'
TGI = b"tgi_batch_current_size 5\ntgi_queue_size 6\n"


def models(owner: str | None = None, **facts: object) -> bytes:
    return json.dumps({"data": [{"id": "m", "owned_by": owner, **facts}]}).encode()


def serving(routes: Mapping[str, object], *, key: str = "") -> Script:
    """Answers each path as told, 404 to others, 401 without the key."""

    async def script(call: Call) -> None:
        found = routes.get(call.received.path)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        status = 404 if found is None else 200
        if key and call.received.headers.get("authorization") != f"Bearer {key}":
            status = 401
        await call.send(head(status, len(body)) + body)

    return script


def server_at(engine: FakeEngine, *, key: str = "", path: str = "", engine_name: str = "auto") -> Server:
    access = Access(places(engine.url + path, flag="--attach"), key=key, key_env="K" if key else "")
    return Server(access, engine=engine_name)


@pytest.mark.parametrize(
    ("routes", "name", "load"),
    [
        ({"/v1/models": models("vllm"), "/metrics": VLLM}, "vllm", Load(running=2, waiting=1)),
        ({"/v1/models": models(), "/version": {"version": "0.9"}}, "vllm", Load()),
        (
            {"/v1/models": models("llamacpp"), "/props": PROPS, "/slots": SLOTS},
            "llamacpp",
            Load(running=1, kv_cache_usage=0.25, slots=2, output_tokens_total=12),
        ),
        (
            {"/v1/models": models(), "/props": PROPS, "/metrics": b"llamacpp:requests_processing 1\n"},
            "llamacpp",
            Load(running=1, slots=2),
        ),
        (
            {
                "/v1/models": models(),
                "/server_info": {"model_path": "m", "max_running_requests": 9},
                "/metrics": SGLANG,
            },
            "sglang",
            Load(running=3, waiting=4, kv_cache_usage=0.25, slots=9),
        ),
        (
            {
                "/v1/models": models(),
                "/info": {"model_id": "m", "max_total_tokens": 2048},
                "/metrics": TGI,
            },
            "tgi",
            Load(running=5, waiting=6),
        ),
        ({"/v1/models": models(), "/api/version": {"version": "0.12"}}, "ollama", Load()),
        ({"/v1/models": models("polychat"), "/api/version": {"version": "0.12"}}, "polychat", Load()),
        ({"/v1/models": models("me")}, "openai", Load()),
    ],
)
async def test_a_program_is_known_and_its_load_read(
    routes: Mapping[str, object], name: str, load: Load
) -> None:
    async with FakeEngine(serving(routes)) as engine:
        server = server_at(engine)
        await server.open()
        await server.close()
    assert (server.kind.name, server.load) == (name, load)


@pytest.mark.parametrize(
    ("routes", "length"),
    [
        ({"/v1/models": models("llamacpp"), "/props": PROPS}, 1024),
        ({"/v1/models": models(), "/info": {"model_id": "m", "max_total_tokens": 2048}}, 2048),
        ({"/v1/models": models("llamacpp"), "/props": {"default_generation_settings": {}}}, None),
    ],
)
async def test_the_context_length_is_what_the_program_says(
    routes: Mapping[str, object], length: int | None
) -> None:
    async with FakeEngine(serving(routes)) as engine:
        server = server_at(engine)
        await server.open()
        await server.close()
    assert server.context_length == length


async def test_an_engine_that_is_named_is_not_guessed() -> None:
    async with FakeEngine(serving({"/v1/models": models("vllm")})) as engine:
        server = server_at(engine, engine_name="sglang")
        await server.open()
        await server.close()
    assert server.kind.name == "sglang"


@pytest.mark.parametrize(("path", "found"), [("", "/v1"), ("/v1", "/v1"), ("/llm", "/llm/v1"), ("/x", "/x")])
async def test_the_api_is_found_below_the_address(path: str, found: str) -> None:
    routes = {"/v1/models": models(), "/llm/v1/models": models(), "/x/models": models()}
    async with FakeEngine(serving(routes)) as engine:
        server = server_at(engine, path=path)
        await server.open()
        await server.close()
    assert server.place.root == engine.url + found


async def test_a_key_is_shown_and_a_wrong_one_told_without_repeating_it() -> None:
    async with FakeEngine(serving({"/v1/models": models()}, key="right")) as engine:
        server = server_at(engine, key="right")
        await server.open()
        await server.close()
        for key, told in (("wrong-key", "the key in K"), ("", "without a key; name .*--attach-key-env")):
            refused = server_at(engine, key=key)
            with pytest.raises(WrongKey, match=told) as error:
                await refused.open()
            await refused.close()
            assert "wrong-key" not in str(error.value)


async def test_what_is_no_such_api_is_told_with_what_was_asked() -> None:
    async with FakeEngine(serving({"/health": {}})) as engine:
        server = server_at(engine)
        with pytest.raises(SetupError, match=r"GET .*/v1/models gave status 404"):
            await server.open()
        await server.close()


async def test_a_server_that_went_and_came_back_as_another_program_is_known_anew() -> None:
    async with FakeEngine(serving({"/v1/models": models("vllm")})) as engine:
        server = server_at(engine)
        await server.open()
        engine.script = serving({})
        with pytest.raises(EngineUnresponsive, match="status 404"):
            await server.look()
        engine.script = serving({"/v1/models": models("sglang")})
        await server.look()
        await server.close()
    assert server.kind.name == "sglang"


async def test_nobody_there_is_one_line() -> None:
    async with FakeEngine(serving({})) as engine:
        pass
    server = server_at(engine)
    with pytest.raises(Away, match=r"nothing answers at .*is it running"):
        await server.open()
    await server.close()
