"""Images in chats: what reaches the engine, and what the gateway does not fetch."""

import base64
import json
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx
import pytest

from polychat.errors import RequestError
from polychat.gateway.image_data import data_url
from polychat.gateway.image_fetch import ImageFetcher
from polychat.types import Endpoint, Feature
from tests.support.fake_engine import Call, FakeEngine, Script, answer, hang, head
from tests.support.gateway_site import Site, start_api
from tests.support.processes import RoleProcess, free_port

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PNG_URL = data_url(PNG, "image/png")
URL_FIELD = "messages[0].content[1].image_url.url"
ANSWER = answer(b'{"id":"chatcmpl-1","object":"chat.completion","choices":[]}')
picture = answer(PNG, content_type="image/png")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A gateway that may fetch from 127.0.0.1, and from nowhere else within this machine."""
    port = free_port()
    controller_url = f"http://127.0.0.1:{port}"
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"{controller_url}/health")
        api, api_url = start_api(controller_url, "--image-hosts", "127.0.0.1", "--replica-timeout", "1")
        with api:
            yield Site(controller_url, api_url)


@pytest.fixture
async def seeing(site: Site) -> AsyncIterator[FakeEngine]:
    async with site.engines(ANSWER, features=frozenset({Feature.VISION})) as [engine]:
        yield engine


def chat(url: str, **fields: object) -> dict[str, object]:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"model": "fake", "messages": [{"role": "user", "content": parts}]} | fields


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["param"], error["message"]


async def test_a_data_url_goes_to_the_engine_in_the_very_body(
    http: httpx.AsyncClient, seeing: FakeEngine
) -> None:
    body = json.dumps(chat(PNG_URL), indent=3).encode()
    assert (await http.post("/v1/chat/completions", content=body)).status_code == 200
    assert seeing.received[-1].body == body


async def test_a_linked_image_goes_to_the_engine_as_a_data_url_and_all_else_stays(
    http: httpx.AsyncClient, seeing: FakeEngine
) -> None:
    async with FakeEngine(picture) as server:
        asked = chat(f"{server.url}/a.png", my_field=[1, 2.0, {"ü": None}], seed=2**63 - 1)
        assert (await http.post("/v1/chat/completions", json=asked)).status_code == 200
    assert json.loads(seeing.received[-1].body) == chat(PNG_URL) | {
        "my_field": [1, 2.0, {"ü": None}],
        "seed": 2**63 - 1,
    }


async def test_images_of_other_apis_are_fetched_too(http: httpx.AsyncClient, seeing: FakeEngine) -> None:
    async with FakeEngine(picture) as server:
        image = {"type": "input_image", "image_url": f"{server.url}/a.png"}
        asked = {"model": "fake", "input": [{"role": "user", "content": [image]}], "store": False}
        await http.post("/v1/responses", json=asked)
    assert PNG_URL.encode() in seeing.received[-1].body


async def test_images_of_chats_to_be_counted_are_fetched_too_and_no_others(
    site: Site, http: httpx.AsyncClient
) -> None:
    facts = {"features": frozenset({Feature.VISION}), "endpoints": frozenset({Endpoint.TOKENIZE})}
    async with site.engines(ANSWER, **facts) as [engine], FakeEngine(picture) as server:
        await http.post("/tokenize", json=chat(f"{server.url}/a.png"))
        refused = await http.post("/tokenize", json=chat("http://169.254.169.254/latest/meta-data"))
    assert [json.loads(received.body) for received in engine.received] == [chat(PNG_URL)]
    assert error_of(refused)[:2] == (400, URL_FIELD)


async def test_nothing_is_fetched_for_a_model_that_cannot_see(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(ANSWER, features=frozenset()), FakeEngine(picture) as server:
        for url in (f"{server.url}/a.png", PNG_URL):
            response = await http.post("/v1/chat/completions", json=chat(url))
            assert error_of(response)[:2] == (400, "messages")
            assert response.json()["error"]["code"] == "unsupported_feature"
    assert server.received == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("file:///etc/passwd", "must be a data URL or begin with https"),
        ("/etc/passwd", "must be a data URL or begin with https"),
        ("ftp://example.com/a.png", "must be a data URL or begin with https"),
        ("http://localhost:8000/a.png", "not on the public internet"),
        ("http://[::1]/a.png", "not on the public internet"),
        ("http://169.254.169.254/latest/meta-data", "not on the public internet"),
        ("http://2130706434/a.png", "not on the public internet"),
        ("http://user:secret@127.0.0.1/a.png", "user name or password"),
        ("data:image/png;base64,AAAA", "does not hold"),
    ],
)
async def test_what_must_not_be_fetched_is_400_and_named(
    http: httpx.AsyncClient, seeing: FakeEngine, url: str, sentence: str
) -> None:
    status, param, message = error_of(await http.post("/v1/chat/completions", json=chat(url)))
    assert (status, param) == (400, URL_FIELD)
    assert sentence in message
    assert seeing.received == []


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every name of these tests is this machine; only img.test is trusted."""
    return ["127.0.0.1"]


def redirect(location: str) -> Script:
    async def script(call: Call) -> None:
        await call.send(f"HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode())

    return script


async def fetched(script: Script, *, host: str = "img.test", timeout_s: float = 5.0) -> str:
    fetcher = ImageFetcher(trusted={"img.test"}, resolve=resolve, timeout_s=timeout_s)
    async with FakeEngine(script) as server:
        return await fetcher.fetch(f"http://{host}:{httpx.URL(server.url).port}/a.png", "p")


async def test_the_server_is_asked_by_its_name_at_the_address_that_was_checked() -> None:
    seen = []

    async def script(call: Call) -> None:
        seen.append(call.received.headers["host"])
        await picture(call)

    assert base64.b64decode((await fetched(script)).partition(",")[2]) == PNG
    assert seen[0].startswith("img.test:")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (redirect("http://internal.test/a.png"), "is not on the public internet"),
        (redirect("file:///etc/passwd"), "must be a data URL or begin with"),
        (redirect("/again"), "redirects more than 3 times"),
        (answer(b"<html>", content_type="text/html"), "is not an image"),
        (answer(b"<svg/>", content_type="image/svg+xml"), "does not lead to a PNG"),
        (answer(b"gone", status=404), "its server answered 404"),
        (hang, "did not arrive within 0.3 s"),
    ],
)
async def test_a_server_that_gives_no_image_is_told_of(script: Script, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        await fetched(script, timeout_s=0.3 if script is hang else 5.0)


async def test_a_host_that_is_not_trusted_is_not_asked() -> None:
    asked = []

    async def script(call: Call) -> None:
        asked.append(call)

    with pytest.raises(RequestError, match="not on the public internet"):
        await fetched(script, host="internal.test")
    assert asked == []


async def test_an_image_without_end_is_given_up_at_the_limit() -> None:
    async def endless(call: Call) -> None:
        await call.send(head(200, 10**10, "image/png"))
        while True:
            await call.send(PNG * 1000)

    with pytest.raises(RequestError, match="more than 20 MiB"):
        await fetched(endless)
