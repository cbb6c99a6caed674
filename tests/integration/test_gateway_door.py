"""What the gateway turns away and how, and what it says of itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support.fake_engine import FakeEngine, announced, answer, replica_at
from tests.support.gateway_site import start_api
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, free_port

CHAT = {"model": "org/fake", "messages": [{"role": "user", "content": "hi"}]}
KEYS = {"authorization": "Bearer key-2"}


@pytest.fixture(scope="module")
def controller_url() -> Iterator[str]:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def api_url(controller_url: str) -> Iterator[str]:
    origins = '["https://page.example"]'
    flags = ("--api-keys", "key-1,key-2", "--max-body-mb", "1", "--allowed-origins", origins)
    api, url = start_api(controller_url, *flags)
    with api:
        yield url


@pytest.fixture
async def http(api_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, base_url=api_url, timeout=20) as http:
        yield http


@pytest.fixture
async def fake(controller_url: str, http: httpx.AsyncClient) -> AsyncIterator[FakeEngine]:
    """A replica of org/fake, known to the gateway."""

    async def is_known() -> bool:
        return bool((await http.get("/health")).json()["replicas_ready"])

    async with (
        FakeEngine(answer(b'{"id":"chatcmpl-1","choices":[]}')) as engine,
        announced(controller_url, replica_at(engine.url, names=("org/fake", "fake"), created=7)),
    ):
        await eventually(is_known)
        yield engine


def error_of(response: httpx.Response) -> dict[str, str]:
    body = response.json()
    assert set(body["error"]) == {"message", "type", "param", "code", "request_id"}
    assert response.headers["x-request-id"]
    error: dict[str, str] = body["error"]
    return error


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "/v1/models/org/fake", "/v1/chat/completions", "/v1/nope", "/", "/docs", "/openapi.json"],
)
@pytest.mark.parametrize("key", ["", "Bearer", "Bearer wrong", "Basic key-1"])
async def test_without_a_key_every_route_is_401(http: httpx.AsyncClient, path: str, key: str) -> None:
    response = await http.get(path, headers={"authorization": key} if key else {})
    assert response.status_code == 401
    assert error_of(response)["code"] == "invalid_api_key"


@pytest.mark.parametrize("key", ["Bearer key-1", "bearer key-2"])
async def test_each_key_opens_the_api(http: httpx.AsyncClient, key: str) -> None:
    assert (await http.get("/v1/models", headers={"authorization": key})).status_code == 200


async def test_health_needs_no_key(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health")).status_code == 200


async def test_the_docs_may_ask_nobody_for_anything(http: httpx.AsyncClient) -> None:
    docs = await http.get("/docs", headers=KEYS)
    assert docs.headers["content-type"] == "text/html; charset=utf-8"
    assert docs.headers["content-security-policy"].startswith("default-src 'none';")


@pytest.mark.parametrize("id_in_path", ["org/fake", "org%2Ffake", "fake"])
async def test_a_model_is_found_by_each_name_and_with_an_escaped_slash(
    http: httpx.AsyncClient, fake: FakeEngine, id_in_path: str
) -> None:
    card = (await http.get(f"/v1/models/{id_in_path}", headers=KEYS)).json()
    published = {
        "id": id_in_path.replace("%2F", "/"),
        "object": "model",
        "created": 7,
        "owned_by": "polychat",
        "root": "org/fake",
        "parent": None,
        "max_model_len": 2048,
    }
    assert card.items() >= published.items()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nope", 404, "unknown_url"),
        ("POST", "/chat/completions", 404, "unknown_url"),
        ("GET", "/v1/models/nope", 404, "model_not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_a_wrong_turn_is_an_error_in_openais_envelope(
    http: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await http.request(method, path, headers=KEYS)
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert ("allow" in response.headers) == (status == 405)


async def test_head_and_options_are_answered_without_a_body(http: httpx.AsyncClient) -> None:
    head = await http.head("/v1/models", headers=KEYS)
    assert (head.status_code, head.content) == (200, b"")
    options = await http.options("/v1/chat/completions", headers=KEYS)
    assert (options.status_code, options.headers["allow"]) == (204, "POST, OPTIONS")


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"{",
    "not an object": b"[]",
    "not UTF-8": b'{"model":"\xff"}',
    "half a surrogate pair": b'{"model":"org/fake","x":"\\ud800 "}',
    "NaN": b'{"model":"org/fake","temperature":NaN}',
    "NUL": b'{"model":"org/fake","messages":"\x00"}',
    "nested 100,000 deep": b'{"model":"org/fake","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no messages": b'{"model":"org/fake","messages":[]}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_no_request_is_400(http: httpx.AsyncClient, fake: FakeEngine, name: str) -> None:
    response = await http.post("/v1/chat/completions", content=BAD_BODIES[name], headers=KEYS)
    assert response.status_code == 400
    assert error_of(response)["type"] == "invalid_request_error"
    assert fake.received == []


async def test_a_bad_field_is_named_with_its_value_and_what_it_may_be(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/chat/completions", json=CHAT | {"temperature": 3.5}, headers=KEYS)
    assert response.status_code == 400
    assert error_of(response)["param"] == "temperature"
    assert error_of(response)["message"] == (
        "Invalid value for 'temperature': 3.5; it must be a number from 0 to 2."
    )


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_above_the_limit_is_413(http: httpx.AsyncClient, is_chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    content = chunks() if is_chunked else b"x" * 2_000_000
    response = await http.post("/v1/chat/completions", content=content, headers=KEYS)
    assert (response.status_code, error_of(response)["code"]) == (413, "request_too_large")
    assert (await http.get("/health")).status_code == 200


async def test_a_body_that_announces_itself_as_too_large_is_not_waited_for(api_url: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(api_url).port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key-1\r\n")
    writer.write(b"content-length: 2000000\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_content_type_that_is_not_json_is_415(http: httpx.AsyncClient) -> None:
    headers = KEYS | {"content-type": "multipart/form-data; boundary=x"}
    response = await http.post("/v1/chat/completions", content=b"--x--", headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["", "application/x-www-form-urlencoded", "application/json; charset=utf-8"]
)
async def test_json_sent_under_curls_default_content_type_is_taken(
    http: httpx.AsyncClient, fake: FakeEngine, content_type: str
) -> None:
    headers = KEYS | ({"content-type": content_type} if content_type else {})
    response = await http.post("/v1/chat/completions", content=json.dumps(CHAT).encode(), headers=headers)
    assert response.status_code == 200


async def test_pages_of_allowed_origins_may_call_and_others_may_not(http: httpx.AsyncClient) -> None:
    def preflight(origin: str) -> dict[str, str]:
        return {"origin": origin, "access-control-request-method": "POST"}

    path = "/v1/chat/completions"
    allowed = await http.options(path, headers=preflight("https://page.example"))
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    assert (
        "access-control-allow-origin"
        not in (await http.options(path, headers=preflight("https://other.example"))).headers
    )
