"""`polychat bench` against a server whose figures are known, and against bad ones."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polychat.bench.arrivals import Arrivals
from polychat.bench.lengths import Lengths
from polychat.bench.load import Load, Plan, Run
from polychat.bench.stats import Slo, summary
from polychat.bench.target import Target
from polychat.bench.workload import Conversation, Shape, Turn, made_up
from polychat.engines.catalog import open_engine
from polychat.engines.spec import EchoSpeed, EngineSpec
from tests.support.fake_engine import SSE_HEAD, Call, FakeEngine, Script, answer, event
from tests.support.processes import free_port

HI = Conversation([Turn("hi", 5)])
QUICK = Plan(concurrency=1, num_requests=1, stall_s=0.3, timeout_s=0.9)


def often(conversation: Conversation = HI) -> Iterator[Conversation]:
    while True:
        yield conversation


async def run_of(url: str, plan: Plan = QUICK, **facts: object) -> Run:
    return await Load(Target(f"{url}/v1", "m", **facts), plan).run(often())  # type: ignore[arg-type]  # each its own


async def test_a_known_speed_is_what_is_measured(tmp_path: Path) -> None:
    speed = EchoSpeed(tokens_per_s=50, ttft_s=0.2)
    engine = open_engine(EngineSpec(secret="s3cret", engine="echo", port=free_port(), echo=speed))
    url = await engine.start()
    figures = tmp_path / "figures.json"
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "polychat", "bench", url, "--api-key", "s3cret", "-n", "8", "-c", "4"),
            *("--prompt-tokens", "20", "--output-tokens", "15", "--json", str(figures)),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    finally:
        await engine.stop()
    assert process.returncode == 0
    assert "8 requests" in said.decode()
    seen = json.loads(figures.read_text())["runs"][0]["summary"]["spreads"]
    assert seen["ttft"]["percentiles"]["50"] == pytest.approx(0.2, abs=0.1)
    assert seen["tpot"]["percentiles"]["50"] == pytest.approx(0.02, rel=0.25)


async def whole(call: Call) -> None:
    await call.send(SSE_HEAD)
    await call.chunk(event("a") + event("b"))
    await call.chunk(
        b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
    )
    await call.chunk(b"")


async def without_end(call: Call) -> None:
    await call.send(SSE_HEAD)
    await call.chunk(event("a"))
    await call.chunk(b"")


async def broken(call: Call) -> None:
    await call.send(SSE_HEAD)
    await call.chunk(event("a"))
    call.reset()


async def stalled(call: Call) -> None:
    await call.send(SSE_HEAD)
    await call.chunk(event("a"))
    await call.until_hung_up()


async def endless(call: Call) -> None:
    await call.send(SSE_HEAD)
    while True:
        await call.chunk(event("a"))
        await asyncio.sleep(0.05)


async def failing(call: Call) -> None:
    await call.send(SSE_HEAD)
    await call.chunk(event("a") + b'data: {"error":{"message":"out of memory","code":"oom"}}\n\n')
    await call.chunk(b"")


async def silent(call: Call) -> None:
    await call.send(SSE_HEAD)
    await call.chunk(b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\ndata: [DONE]\n\n')
    await call.chunk(b"")


async def no_http(call: Call) -> None:
    await call.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


BAD: dict[str, tuple[Script, str]] = {
    "an error": (
        answer(b'{"error":{"message":"no","code":"overloaded"}}', status=503),
        "status 503: overloaded",
    ),
    "no end": (without_end, "the stream ended without [DONE]"),
    "a broken stream": (broken, "the connection was closed before the answer's end"),
    "a stall": (stalled, "nothing came for 0.3 s"),
    "no end in time": (endless, "no end within 0.9 s"),
    "an error in mid-stream": (failing, "an error in mid-stream: oom"),
    "no token": (silent, "an answer without a token"),
    "no HTTP": (no_http, "not HTTP"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_goes_wrong_is_told_by_its_kind(name: str) -> None:
    script, error = BAD[name]
    async with FakeEngine(script) as engine:
        run = await run_of(engine.url)
    assert run.samples[0].error.startswith(error)
    assert summary(run, Slo()).spreads == {}


async def test_a_dead_server_is_counted_too() -> None:
    run = await run_of(f"http://127.0.0.1:{free_port()}", Plan(concurrency=1, num_requests=2))
    assert [sample.error[:13] for sample in run.samples] == ["no connection"] * 2


async def test_a_good_stream_has_its_tokens_from_usage() -> None:
    async with FakeEngine(whole) as engine:
        run = await run_of(engine.url, Plan(concurrency=2, num_requests=6, num_warmup=2))
    seen = summary(run, Slo())
    assert (seen.num_requests, seen.output_tokens, seen.prompt_tokens) == (6, 12, 54)
    assert not seen.is_estimate


async def test_tokens_are_counted_where_a_server_tells_none() -> None:
    async def terse(call: Call) -> None:
        await call.send(SSE_HEAD)
        await call.chunk(event("a") + event("b") + b"data: [DONE]\n\n")
        await call.chunk(b"")

    async with FakeEngine(terse) as engine:
        seen = summary(await run_of(engine.url), Slo())
    assert (seen.output_tokens, seen.is_estimate) == (2, True)


async def test_later_turns_have_the_answers_before_them() -> None:
    conversation = Conversation([Turn("one", 5), Turn("two", 5)], system="be short")
    async with FakeEngine(whole) as engine:
        load = Load(Target(f"{engine.url}/v1", "m"), Plan(concurrency=1, num_requests=2))
        await load.run(often(conversation))
    asked = json.loads(engine.received[1].body)["messages"]
    assert [message["role"] for message in asked] == ["system", "user", "assistant", "user"]
    assert asked[2]["content"] == "ab"
    assert asked[3]["content"] == "two"


async def test_an_open_loop_does_not_wait_for_answers() -> None:
    started = asyncio.Event()

    async def held(call: Call) -> None:
        if engine.num_connections == 5:
            started.set()
        await started.wait()
        await whole(call)

    async with FakeEngine(held) as engine:
        plan = Plan(arrivals=Arrivals(200, "constant"), num_requests=5)
        run = await run_of(engine.url, plan)
    assert [sample.error for sample in run.samples] == [""] * 5


async def test_whole_answers_and_embeddings_are_measured_by_their_end() -> None:
    body = b'{"object":"list","data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}'
    async with FakeEngine(answer(body)) as engine:
        run = await run_of(engine.url, endpoint="embeddings")
    assert engine.received[0].path == "/v1/embeddings"
    assert (run.samples[0].error, run.samples[0].prompt_tokens, run.samples[0].ttft_s) == ("", 3, None)


async def test_made_up_prompts_have_about_the_length_asked_for() -> None:
    shape = Shape(prompt=Lengths("fixed", 400), words_per_token=0.5)
    text = next(made_up(shape, 1)).turns[0].text
    assert len(text.split()) == pytest.approx(201, abs=2)
