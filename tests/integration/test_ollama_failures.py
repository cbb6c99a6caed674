"""What Ollama's clients see when something breaks, and the bytes of what does not."""

import json

import httpx
import ollama
import pytest

from tests.support.fake_engine import answer, event, stream
from tests.support.gateway_site import Site

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}
REFUSED = answer(b'{"error":{"message":"no such voice","code":400}}', status=400)


async def test_a_replica_that_dies_in_mid_stream_ends_it_with_an_error_line(site: Site) -> None:
    dying = stream(event("Hel"), event("lo"), is_complete=False)
    said: list[str | None] = []

    async def read(client: ollama.AsyncClient) -> None:
        async for line in await client.chat("fake", [ollama.Message(role="user", content="hi")], stream=True):
            said.append(line.message.content)

    async with site.engines(dying), ollama.AsyncClient(site.api_url, timeout=20, trust_env=False) as client:
        with pytest.raises(ollama.ResponseError, match="broke off"):
            await read(client)
    assert said == ["Hel", "lo"]


async def test_an_engines_own_error_in_mid_stream_is_the_last_line(
    site: Site, http: httpx.AsyncClient
) -> None:
    failing = stream(event("Hel"), b'data: {"error":{"message":"out of memory"}}\n\n')
    async with site.engines(failing):
        response = await http.post("/api/chat", json=CHAT)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line.get("done") for line in lines] == [False, None]
    assert lines[-1] == {"error": "out of memory"}


async def test_a_stream_is_the_default_and_is_lines_of_json(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(stream(event("Hé"), event("", finish_reason="stop"))) as [engine]:
        response = await http.post("/api/chat", json=CHAT)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["message"]["content"] for line in response.text.splitlines()] == ["Hé", ""]
    asked = json.loads(engine.received[0].body)
    assert (engine.received[0].path, asked["stream_options"]) == (
        "/v1/chat/completions",
        {"include_usage": True},
    )


async def test_a_replica_that_refuses_is_quoted(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(REFUSED):
        response = await http.post("/api/generate", json={"model": "fake", "prompt": "hi"})
    assert (response.status_code, response.json()) == (400, {"error": "no such voice"})


async def test_a_model_without_tools_says_so(site: Site, http: httpx.AsyncClient) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    async with site.engines(stream(event("x")), features=frozenset()):
        response = await http.post("/api/chat", json=CHAT | {"tools": tools})
    assert response.status_code == 400
    assert "does not support tools" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/chat", 405),
        ("POST", "/api/made/up", 404),
        ("POST", "/api/blobs/sha256:00", 501),
        ("POST", "/api/create", 501),
        ("POST", "/api/chat", 400),
    ],
)
async def test_every_refusal_is_a_sentence(
    site: Site, http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await http.request(method, path, content=b"[]" if method == "POST" else None)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_version_is_one_that_clients_compare(
    site: Site, http: httpx.AsyncClient, method: str
) -> None:
    response = await http.request(method, "/api/version")
    assert response.status_code == 200
    if method == "GET":
        assert tuple(map(int, response.json()["version"].split("."))) >= (0, 12)
