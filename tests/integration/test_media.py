"""Audio and images: what goes to an engine and comes back, with the official SDK and without."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import openai
import pytest

from polychat.types import Endpoint
from tests.support.fake_engine import SSE_HEAD, Call, Die, Script, answer, hang, reset
from tests.support.gateway_site import Site

MEDIA = frozenset(
    {
        Endpoint.TRANSCRIPTIONS,
        Endpoint.TRANSLATIONS,
        Endpoint.SPEECH,
        Endpoint.IMAGES,
        Endpoint.IMAGE_EDITS,
        Endpoint.IMAGE_VARIATIONS,
    }
)
SPEECH = {"model": "fake", "input": "Hello!", "voice": "alloy"}
WAV = b"RIFF\x00\xff" * 1000
AUDIO_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"


def chunked(first: bytes, *pieces: bytes, is_complete: bool = True) -> Script:
    """An answer of `pieces` under the head `first`."""

    async def script(call: Call) -> None:
        await call.send(first)
        for piece in pieces:
            await call.chunk(piece)
        if not is_complete:
            raise Die
        await call.chunk(b"")

    return script


def events(*documents: dict[str, object], is_complete: bool = True) -> Script:
    pieces = [b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents]
    return chunked(SSE_HEAD, *pieces, is_complete=is_complete)


@pytest.fixture
async def sdk(site: Site) -> AsyncIterator[openai.AsyncOpenAI]:
    async with site.sdk() as sdk:
        yield sdk


def error_of(response: httpx.Response) -> dict[str, str]:
    error: dict[str, str] = response.json()["error"]
    assert {"message", "type", "param", "code", "request_id"} <= set(error)
    return error


async def test_a_form_arrives_byte_for_byte_with_its_content_type(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(answer(b'{"text":"Hello"}'), endpoints=MEDIA) as [engine]:
        request = http.build_request(
            "POST", "/v1/audio/transcriptions", data={"model": "fake"}, files={"file": ("a.wav", WAV)}
        )
        sent = request.read()
        response = await http.send(request)
    assert response.json() == {"text": "Hello"}
    assert engine.received[0].path == "/v1/audio/transcriptions"
    assert engine.received[0].body == sent
    assert engine.received[0].headers["content-type"] == request.headers["content-type"]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own
async def test_the_sdk_transcribes_and_translates(site: Site, sdk: openai.AsyncOpenAI) -> None:
    async with site.engines(answer(b'{"text":"Hello"}'), endpoints=MEDIA):
        heard = await sdk.audio.transcriptions.create(
            model="fake", file=("a.wav", WAV), temperature=0.2, timestamp_granularities=["word"]
        )
        meant = await sdk.audio.translations.create(model="fake", file=WAV)
    assert (heard.text, meant.text) == ("Hello", "Hello")


async def test_an_answer_of_plain_text_stays_one(site: Site, sdk: openai.AsyncOpenAI) -> None:
    async with site.engines(answer(b"1\n00:00 Hi", content_type="text/plain"), endpoints=MEDIA):
        subtitles = await sdk.audio.transcriptions.create(model="fake", file=WAV, response_format="srt")
    assert subtitles == "1\n00:00 Hi"


async def test_a_transcription_streams_to_its_own_last_event(site: Site, sdk: openai.AsyncOpenAI) -> None:
    script = events(
        {"type": "transcript.text.delta", "delta": "Hel"}, {"type": "transcript.text.done", "text": "Hello"}
    )
    async with site.engines(script, endpoints=MEDIA):
        stream = await sdk.audio.transcriptions.create(model="fake", file=WAV, stream=True)
        assert [event.type async for event in stream] == ["transcript.text.delta", "transcript.text.done"]


async def test_a_transcription_that_breaks_ends_with_an_error_event(
    site: Site, http: httpx.AsyncClient
) -> None:
    script = events({"type": "transcript.text.delta", "delta": "Hel"}, is_complete=False)
    async with site.engines(script, endpoints=MEDIA):
        form = {"model": "fake", "stream": "true"}
        response = await http.post("/v1/audio/transcriptions", data=form, files={"file": WAV})
    assert (
        json.loads(response.text.split("\n\n")[1].removeprefix("data: "))["error"]["code"] == "replica_error"
    )


async def test_the_sdk_gets_speech_while_it_is_made(site: Site, sdk: openai.AsyncOpenAI) -> None:
    pieces: list[bytes] = []
    has_heard = asyncio.Event()

    async def script(call: Call) -> None:
        await call.send(AUDIO_HEAD)
        await call.chunk(b"\xffone")
        await has_heard.wait()
        await call.chunk(b"\xfftwo")
        await call.chunk(b"")

    async with (
        site.engines(script, endpoints=MEDIA),
        sdk.audio.speech.with_streaming_response.create(
            model="fake", input="Hello!", voice="alloy"
        ) as response,
    ):
        assert response.headers["content-type"] == "audio/mpeg"
        async for piece in response.iter_bytes():
            pieces.append(piece)
            has_heard.set()
    assert pieces == [b"\xffone", b"\xfftwo"]


async def test_speech_as_events_ends_with_its_own_last_event(site: Site, http: httpx.AsyncClient) -> None:
    script = events({"type": "speech.audio.delta", "audio": "AA=="}, {"type": "speech.audio.done"})
    async with site.engines(script, endpoints=MEDIA):
        response = await http.post("/v1/audio/speech", json=SPEECH | {"stream_format": "sse"})
    assert response.text.endswith('data: {"type": "speech.audio.done"}\n\n')


async def test_half_an_audio_does_not_look_whole(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(chunked(AUDIO_HEAD, b"\xffone", is_complete=False), endpoints=MEDIA):
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/v1/audio/speech", json=SPEECH)


async def test_a_replica_that_dies_before_the_first_byte_is_replaced(
    site: Site, http: httpx.AsyncClient
) -> None:
    count = 0

    async def first_dies(call: Call) -> None:
        nonlocal count
        count += 1
        await (reset if count == 1 else chunked(AUDIO_HEAD, b"\xffone"))(call)

    async with site.engines(first_dies, first_dies, endpoints=MEDIA):
        assert (await http.post("/v1/audio/speech", json=SPEECH)).content == b"\xffone"
    assert count == 2


async def test_a_listener_who_leaves_ends_the_engines_work(site: Site, http: httpx.AsyncClient) -> None:
    async def script(call: Call) -> None:
        await call.send(AUDIO_HEAD)
        await call.chunk(b"\xffone")
        await hang(call)

    async with site.engines(script, endpoints=MEDIA) as [engine]:
        async with http.stream("POST", "/v1/audio/speech", json=SPEECH) as response:
            assert await anext(response.aiter_bytes()) == b"\xffone"
        await engine.wait_until(lambda: engine.num_hung_up)


async def test_a_slow_listener_slows_the_engine(site: Site, http: httpx.AsyncClient) -> None:
    num_sent = 0

    async def script(call: Call) -> None:
        nonlocal num_sent
        await call.send(AUDIO_HEAD)
        while True:
            await call.chunk(b"\xff" * 1_000_000)
            num_sent += 1

    async with site.engines(script, endpoints=MEDIA) as [engine]:
        async with http.stream("POST", "/v1/audio/speech", json=SPEECH) as response:
            await anext(response.aiter_bytes())
            with pytest.raises(TimeoutError):
                await engine.wait_until(lambda: num_sent > 40, timeout_s=1)
        await engine.wait_until(lambda: engine.num_hung_up)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own
async def test_the_sdk_makes_and_changes_images(site: Site, sdk: openai.AsyncOpenAI) -> None:
    async with site.engines(answer(b'{"created":1,"data":[{"b64_json":"AA=="}]}'), endpoints=MEDIA) as [
        engine
    ]:
        made = await sdk.images.generate(model="fake", prompt="a cat", size="1024x1024", n=1)
        await sdk.images.edit(model="fake", image=[WAV, WAV], prompt="a dog", n=2)
        await sdk.images.create_variation(model="fake", image=WAV)
    assert made.data is not None
    assert made.data[0].b64_json == "AA=="
    assert [received.path for received in engine.received] == [
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
    ]


async def test_images_may_stream(site: Site, http: httpx.AsyncClient) -> None:
    script = events({"type": "image_generation.completed", "b64_json": "AA=="})
    async with site.engines(script, endpoints=MEDIA):
        image = {"model": "fake", "prompt": "a cat", "stream": True}
        response = await http.post("/v1/images/generations", json=image)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "error" not in response.text


@pytest.mark.parametrize(
    "path",
    ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits", "/v1/images/variations"],
)
async def test_a_model_without_the_route_is_501(site: Site, http: httpx.AsyncClient, path: str) -> None:
    async with site.engines(answer(b"{}")):
        form = {"model": "fake", "prompt": "x"}
        response = await http.post(path, data=form, files={"file": WAV, "image": WAV})
    assert response.status_code == 501
    assert error_of(response)["code"] == "not_implemented"


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/audio/speech", SPEECH), ("/v1/images/generations", SPEECH | {"prompt": "x"})]
)
async def test_a_model_that_neither_speaks_nor_draws_is_501(
    site: Site, http: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    async with site.engines(answer(b"{}")):
        assert (await http.post(path, json=body)).status_code == 501


BAD_FORMS: dict[str, tuple[dict[str, object], str]] = {
    "no model": ({}, "model"),
    "two models": ({"model": ["fake", "fake"]}, "model"),
    "too hot": ({"model": "fake", "temperature": "1.5"}, "temperature"),
    "an unknown format": ({"model": "fake", "response_format": "pdf"}, "response_format"),
    "stream is neither": ({"model": "fake", "stream": "maybe"}, "stream"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
async def test_a_bad_form_is_400_and_names_the_field(http: httpx.AsyncClient, name: str) -> None:
    form, param = BAD_FORMS[name]
    response = await http.post("/v1/audio/transcriptions", data=form, files={"file": WAV})
    assert response.status_code == 400
    assert error_of(response)["param"] == param


async def test_a_form_without_a_file_or_a_boundary_is_400(http: httpx.AsyncClient) -> None:
    without = await http.post("/v1/audio/transcriptions", files={"model": (None, "fake")})
    assert error_of(without)["param"] == "file"
    headers = {"content-type": "multipart/form-data"}
    bare = await http.post("/v1/audio/transcriptions", content=b"--x--", headers=headers)
    assert bare.status_code == 400
    assert "boundary" in error_of(bare)["message"]


async def test_json_where_a_form_belongs_is_415(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/audio/transcriptions", json={"model": "fake"})
    assert response.status_code == 415
    assert "multipart/form-data" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"speed": 5}, "speed"),
        ({"input": ""}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"voice": None}, "voice"),
        ({"response_format": "ogg"}, "response_format"),
        ({"stream_format": "ws"}, "stream_format"),
    ],
)
async def test_speech_out_of_range_is_400(
    http: httpx.AsyncClient, change: dict[str, object], param: str
) -> None:
    response = await http.post("/v1/audio/speech", json=SPEECH | change)
    assert response.status_code == 400
    assert error_of(response)["param"] == param


@pytest.mark.parametrize(
    ("field", "value"), [("n", 11), ("size", "big"), ("partial_images", 4), ("output_compression", 101)]
)
async def test_an_image_out_of_range_is_400(http: httpx.AsyncClient, field: str, value: object) -> None:
    body = {"model": "fake", "prompt": "a cat", field: value}
    assert error_of(await http.post("/v1/images/generations", json=body))["param"] == field
