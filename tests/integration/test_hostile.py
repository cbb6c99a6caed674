"""Bytes that no client library sends, and the official SDK's exceptions for what one does send."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import openai
import pytest

from polychat.types import Feature
from tests.support.fake_engine import FakeEngine, answer
from tests.support.gateway_site import CHAT, Site, start_api
from tests.support.processes import RoleProcess, free_port

KEY = b"authorization: Bearer key-1\r\n"
BODY = json.dumps(CHAT).encode()
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + KEY
GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + KEY
ANSWER = answer(b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}')


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    port = free_port()
    controller_url = f"http://127.0.0.1:{port}"
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"{controller_url}/health")
        flags = ("--api-keys", "key-1", "--max-body-mb", "1", "--replica-timeout", "0")
        api, api_url = start_api(controller_url, *flags)
        with api:
            yield Site(controller_url, api_url)


@pytest.fixture
async def engine(site: Site) -> AsyncIterator[FakeEngine]:
    async with site.engines(ANSWER, features=frozenset({Feature.LOGPROBS})) as [engine]:
        yield engine


async def said(site: Site, *pieces: bytes) -> bytes:
    """Everything that the gateway answers to these bytes until it closes the connection."""
    async with connected(site) as (reader, writer), asyncio.timeout(10):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()


@asynccontextmanager
async def connected(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(site.api_url).port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def with_body(headers: bytes, body: bytes = BODY) -> bytes:
    return POST + headers + b"content-length: %d\r\n\r\n" % len(body) + body


REFUSED = {
    "TRACE": (GET.replace(b"GET", b"TRACE") + b"\r\n", 405, "method_not_allowed"),
    "PROPFIND": (GET.replace(b"GET", b"PROPFIND") + b"\r\n", 405, "method_not_allowed"),
    "CONNECT to our own path": (GET.replace(b"GET", b"CONNECT") + b"\r\n", 405, "method_not_allowed"),
    "CONNECT to elsewhere": (b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n", 400, None),
    "a method that nobody knows": (GET.replace(b"GET", b"BREW") + b"\r\n", 400, None),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, None),
    "TLS on a plain port": (b"\x16\x03\x01\x00\xa5\x01\r\n\r\n", 400, None),
    "bytes in the path": (GET.replace(b"/v1/models", b"/v1/\xff") + b"\r\n", 400, None),
    "a URL of 100 kB": (GET.replace(b"/v1/models", b"/v1/models?" + b"a" * 100_000) + b"\r\n", 400, None),
    "double slashes": (GET.replace(b"/v1/models", b"//v1//models") + b"\r\n", 404, "unknown_url"),
    "dots in the path": (GET.replace(b"/v1/models", b"/v1/../v1/models") + b"\r\n", 404, "unknown_url"),
    "NUL in the path": (GET.replace(b"/v1/models", b"/v1/%00%ff") + b"\r\n", 404, "unknown_url"),
    "two lengths": (POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef", 400, None),
    "a negative length": (POST + b"content-length: -1\r\n\r\n", 400, None),
    "a length and chunks": (
        POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        None,
    ),
    "a chunk of no size": (POST + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400, None),
    "NUL in a header": (GET + b"x: a\0b\r\n\r\n", 400, None),
    "gzip": (with_body(b"content-encoding: gzip\r\n", b"\x1f\x8b\x08"), 415, "unsupported_media_type"),
    "Latin-1": (
        with_body(b'content-type: application/json; charset="ISO-8859-1"\r\n'),
        415,
        "unsupported_media_type",
    ),
    "XML": (with_body(b"content-type: text/xml\r\n"), 415, "unsupported_media_type"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_request_is_refused_in_the_envelope(site: Site, name: str) -> None:
    request, status, code = REFUSED[name]
    head, _, body = (await said(site, request)).partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == status
    error = json.loads(body)["error"]
    assert {"message", "type", "param", "code", "request_id"} <= set(error)
    assert error["code"] == code


async def test_chunks_without_end_are_413_at_the_limit(site: Site) -> None:
    keeping = POST.replace(b"connection: close\r\n", b"")
    async with connected(site) as (reader, writer), asyncio.timeout(10):
        writer.write(keeping + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(40):
            writer.write(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
            await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")


async def test_headers_without_end_are_431(site: Site) -> None:
    answered = b""
    with suppress(ConnectionError):  # it may be closed while we still send
        answered = await said(site, GET, *[b"x-padding: " + b"a" * 50_000 + b"\r\n"] * 12)
    assert answered == b"" or answered.startswith(b"HTTP/1.1 431")
    assert (await said(site, GET + b"\r\n")).startswith(b"HTTP/1.1 200")


async def test_one_header_without_end_is_431(site: Site) -> None:
    async with connected(site) as (reader, writer), asyncio.timeout(10):
        writer.write(GET + b"x-padding: ")
        for _ in range(3):
            writer.write(b"a" * 30_000)
            await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 431")


async def test_headers_of_30_kb_are_fine(site: Site) -> None:
    assert (await said(site, GET + b"x: " + b"a" * 30_000 + b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(site: Site, engine: FakeEngine) -> None:
    request = with_body(b"expect: 100-continue\r\n")
    async with connected(site) as (reader, writer), asyncio.timeout(10):
        writer.write(request[: -len(BODY)])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_pipelined_requests_are_answered_in_order(site: Site) -> None:
    first = GET.replace(b"connection: close\r\n", b"") + b"\r\n"
    second = first.replace(b"/v1/models", b"/v1/nope")
    answered = await said(site, first + second + GET + b"\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answered) == [b"200", b"404", b"200"]


async def test_an_escaped_slash_is_a_slash(site: Site) -> None:
    request = GET.replace(b"/v1/models", b"/v1%2Fmodels")
    assert (await said(site, request + b"\r\n")).startswith(b"HTTP/1.1 200")


TWICE = b'{"model":"fake","messages":[{"role":"user","content":"hi"}],"x":{"a":1,"a":2}}'


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/messages",
        "/api/chat",
        "/api/generate",
        "/api/embed",
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"model":"\\ud800"}', b'{"x":NaN}', b'{"x":1e999}', b"[" * 100_000, TWICE],
    ids=["empty", "a list", "half a surrogate pair", "NaN", "too large a number", "deep", "a key twice"],
)
async def test_every_route_wants_plain_json(site: Site, path: str, body: bytes) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=site.api_url) as http:
        response = await http.post(path, content=body, headers={"authorization": "Bearer key-1"})
    assert response.status_code == 400
    assert "error" in response.json()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"temperature": 3}, openai.BadRequestError),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError),  # unsupported
        ({"model": "nope"}, openai.NotFoundError),
        ({"user": "x" * 2_000_000}, openai.APIStatusError),
        ({"extra_headers": {"content-type": "text/xml"}}, openai.APIStatusError),
        ({"extra_headers": {"authorization": "Bearer wrong"}}, openai.AuthenticationError),
    ],
)
async def test_the_official_sdk_raises_its_typed_exception(
    site: Site, engine: FakeEngine, fields: dict[str, object], error: type[openai.APIStatusError]
) -> None:
    async with site.sdk().with_options(api_key="key-1") as sdk:
        with pytest.raises(error) as caught:
            await sdk.chat.completions.create(**(CHAT | fields))  # type: ignore[call-overload]  # wrong on purpose
    assert caught.value.request_id
    assert caught.value.type == "invalid_request_error"


async def test_a_service_without_replicas_is_an_internal_server_error_to_the_sdk(site: Site) -> None:
    async with site.engines(ANSWER):
        pass
    async with site.sdk().with_options(api_key="key-1") as sdk:
        with pytest.raises(openai.InternalServerError) as caught:
            await sdk.chat.completions.create(model="fake", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "2"
