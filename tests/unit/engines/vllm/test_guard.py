"""The guard that runs inside vLLM's server."""

import importlib.util
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import polychat.engines.vllm


@pytest.fixture
def guard() -> ModuleType:
    path = Path(polychat.engines.vllm.__file__).parent / "guard" / "polychat_guard.py"
    spec = importlib.util.spec_from_file_location("polychat_guard", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def client(guard: ModuleType, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    monkeypatch.setenv("VLLM_API_KEY", "secret")
    app = guard.Guard(Starlette(routes=[Route("/{path:path}", hello, methods=["GET", "POST", "OPTIONS"])]))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vllm")


@pytest.mark.parametrize("path", ["/v1/models", "/invocations", "/metrics", "/tokenize", "//health"])
@pytest.mark.parametrize("key", ["", "Bearer wrong", "Bearer ", "secret"])
async def test_nothing_is_told_without_the_key(client: httpx.AsyncClient, path: str, key: str) -> None:
    answer = await client.post(path, headers={"authorization": key} if key else {})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


async def test_with_the_key_everything_is(client: httpx.AsyncClient) -> None:
    answer = await client.post("/invocations", headers={"authorization": "Bearer secret"})

    assert answer.text == "hello"


async def test_anybody_may_ask_whether_it_lives(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).text == "hello"
