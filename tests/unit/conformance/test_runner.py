"""The runner against endpoints whose every answer is scripted."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from polychat.conformance.catalog import scenarios
from polychat.conformance.departure import Json
from polychat.conformance.runner import Outcome, Result, run, targets, tried
from polychat.conformance.target import Target
from polychat.errors import SetupError

Answer = Callable[[httpx.Request], httpx.Response]
UNSUPPORTED = {
    "message": "No.",
    "type": "invalid_request_error",
    "param": "tools",
    "code": "unsupported_feature",
}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
}


def always(document: Json, status: int = 200) -> Answer:
    return lambda request: httpx.Response(status, json=document)


def stream(*documents: Json) -> Answer:
    body = "".join(f"data: {json.dumps(document)}\n\n" for document in documents) + "data: [DONE]\n\n"
    return lambda request: httpx.Response(200, text=body, headers={"content-type": "text/event-stream"})


async def result_of(scenario_id: str, answer: Answer, card: dict[str, Json] | None = None) -> Result:
    (scenario,) = scenarios(scenario_id)
    known = {"endpoints": ["/v1/chat/completions"], "features": ["tools"]}
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await tried(Target(http, "http://t", "m", known | (card or {})), scenario)


async def test_a_kept_promise_is_green() -> None:
    assert await outcome("chat.shape", always(CHAT)) == (Outcome.GREEN, "")


async def outcome(scenario_id: str, answer: Answer, **card: Json) -> tuple[Outcome, str]:
    result = await result_of(scenario_id, answer, card)
    return result.outcome, result.reason


@pytest.mark.parametrize(
    ("scenario_id", "answer", "words"),
    [
        ("errors.unknown_model", always(CHAT), "expected status 404, got 200 with"),
        ("errors.temperature_too_high", always({"error": "too high"}, 400), "'error' to be an object"),
        ("errors.temperature_too_high", always({"error": UNSUPPORTED}, 400), "param 'temperature'"),
        ("chat.no_private_fields", always({**CHAT, "timings": {}}), 'got ["timings"]'),
        ("chat.shape", always({**CHAT, "choices": "none"}), "'choices.0.index' in the answer"),
        ("chat.usage", always({**CHAT, "usage": {"prompt_tokens": 1}}), "'completion_tokens'"),
        ("stream.no_usage_unasked", stream(CHUNK | {"usage": CHAT["usage"]}), "expected no usage, got"),
        (
            "stream.constant_facts",
            stream(CHUNK, CHUNK | {"id": "other"}),
            "one id, object, created and model",
        ),
        ("stream.framing", always(CHAT), "content type text/event-stream"),
        ("tools.required", always(CHAT), "tool_calls"),
        ("models.retrieved", always("no JSON object"), "'id' in the answer"),
    ],
)
async def test_a_broken_promise_is_red_with_the_evidence(
    scenario_id: str, answer: Answer, words: str
) -> None:
    told, reason = await outcome(scenario_id, answer)
    assert told is Outcome.RED
    assert words in reason


async def test_a_stream_that_is_cut_off_is_red() -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text='data: {"id":1', headers={"content-type": "text/event-stream"})

    assert "ends with a whole event" in (await outcome("stream.framing", cut))[1]


async def test_a_broken_connection_is_red() -> None:
    def die(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert await outcome("chat.shape", die) == (Outcome.RED, "expected an answer, got ConnectError refused")


# ---- what a model lacks


async def test_a_missing_feature_does_not_apply_if_it_is_refused_as_documented() -> None:
    answer = always({"error": UNSUPPORTED}, 400)
    assert await outcome("tools.required", answer, features=[]) == (Outcome.NONE, "the model lacks tools")


async def test_a_missing_feature_that_is_accepted_is_red() -> None:
    told, reason = await outcome("tools.required", always(CHAT), features=[])
    assert (told, reason[:25]) == (Outcome.RED, "expected status 400, got ")


async def test_a_missing_feature_must_be_refused_with_its_own_code() -> None:
    other = always({"error": UNSUPPORTED | {"code": None}}, 400)
    told, reason = await outcome("tools.required", other, features=[])
    assert (told, "'unsupported_feature'" in reason) == (Outcome.RED, True)


async def test_a_missing_route_is_a_501() -> None:
    refusal = {"error": {**UNSUPPORTED, "code": "not_implemented"}}
    told, reason = await outcome("embeddings.shape", always(refusal, 501))
    assert (told, reason) == (Outcome.NONE, "the model does not serve /v1/embeddings")
    assert (await outcome("embeddings.shape", always(CHAT)))[0] is Outcome.RED


async def test_what_the_card_does_not_say_is_found_out_once() -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(400, json={"error": UNSUPPORTED})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        report = await run(Target(http, "http://t", "m"), scenarios("tools.n*"), lambda result: None)
    assert {result.outcome for result in report.results} == {Outcome.NONE}
    assert len(asked) == 2  # whether there are chats, and whether there are tools


# ---- which models


async def found(listing: Json, *models: str, front: Json = None) -> list[Target]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json=listing)
        return httpx.Response(200, json=front) if request.url.path == "/" and front else httpx.Response(404)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await targets(http, "http://t/v1", models)


async def test_each_model_is_tried_under_one_of_its_names() -> None:
    listing = {"data": [{"id": "a/one", "root": "a/one"}, {"id": "one", "root": "a/one"}, {"id": "two"}]}
    assert [target.model for target in await found(listing)] == ["a/one", "two"]
    assert [target.model for target in await found(listing, "one")] == ["one"]


async def test_a_polychat_is_known_by_its_front_door() -> None:
    (target,) = await found({"data": [{"id": "m"}]}, front={"name": "polychat"})
    assert target.is_polychat


@pytest.mark.parametrize("listing", [{"data": []}, {"nothing": 1}])
async def test_an_endpoint_without_models_is_said_in_one_line(listing: Json) -> None:
    with pytest.raises(SetupError, match="http://t "):
        await found(listing)
