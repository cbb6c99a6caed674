"""What each part of the gateway costs for one relayed chunk of a stream, besides reading and writing it.

    python benchmarks/chunks.py

In process, without network. Each figure is CPU time: the best of rounds that are taken in turn, the median
beside it. A chunk holds one event, as most reads do at 64 streams of 50 tokens a second.
"""

import argparse
import asyncio
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import cast

from msgspec.structs import replace

from polychat.engines.base import RequestView
from polychat.engines.dialects import dialect_of
from polychat.gateway import counting
from polychat.gateway.answering import answer
from polychat.gateway.continuation.transcript import Transcript
from polychat.gateway.errand import Errand
from polychat.gateway.events import EventRelay
from polychat.gateway.journey import Journey
from polychat.gateway.routes.inference import view_of
from polychat.gateway.wire import Response
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

CHUNKS = 200
BODY = b'{"model":"polychat-mini","stream":true,"messages":[{"role":"user","content":"Hello, how are you?"}]}'
CHUNK = (
    b'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" weather"}}],'
    b'"created":1790000000,"id":"chatcmpl-5nqjzUTlZvNs8wTXYw5mHfYt4BGAi1FC","model":"polychat-mini",'
    b'"system_fingerprint":"b1-0000000","object":"chat.completion.chunk"}\n\n'
)
DONE = b"data: [DONE]\n\n"
VIEW = view_of(Endpoint.CHAT, parse_chat(BODY))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    loop = asyncio.new_event_loop()
    works: dict[str, Callable[[], None]] = {
        "cut into events": lambda: fed(None, VIEW),
        "cut, and set right for echo": lambda: fed("echo", VIEW),
        "cut, and set right for llama.cpp": lambda: fed("llamacpp", VIEW),
        "cut, and set right for vLLM": lambda: fed("vllm", VIEW),
        "cut, and the model renamed": lambda: fed("echo", replace(VIEW, upstream_model="a/b")),
        "kept for another replica": kept,
        "counted": counted,
        "all of a plain stream": lambda: loop.run_until_complete(streamed("echo")),
        "all of a llama.cpp stream": lambda: loop.run_until_complete(streamed("llamacpp")),
        "all of a vLLM stream": lambda: loop.run_until_complete(streamed("vllm")),
    }
    report(works, rounds)
    loop.close()


def fed(engine: str | None, view: RequestView) -> None:
    relay = EventRelay(None if engine is None else dialect_of(engine)(BODY, view).event)
    for _ in range(CHUNKS):
        relay.feed(CHUNK)


def kept() -> None:
    transcript = Transcript()
    for _ in range(CHUNKS):
        transcript.passed(CHUNK)


def counted() -> None:
    journey = Journey("req_1")
    for _ in range(CHUNKS):
        counting.noted(journey, CHUNK)


async def streamed(engine: str) -> None:
    """One stream whose client did not ask for the token counts, as most do not."""
    journey = Journey("req_1", hides_usage=True)
    call = dialect_of(engine)(BODY, replace(VIEW, include_usage=True))
    # Only what a replica said, and when it ends, matter to `answer`.
    response = cast(Response, Told([CHUNK] * CHUNKS + [DONE]))
    await answer(Errand(journey, BODY, VIEW, Nowhere()), response, call)
    assert journey.events == CHUNKS + 1, "all have been relayed"


class Told:
    """A replica's answer that has come already."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.headers = {b"content-type": b"text/event-stream"}
        self._pieces = iter(pieces)

    async def read(self) -> bytes:
        return next(self._pieces, b"")


class Nowhere:
    """A sink without a client."""

    has_begun = True

    async def whole(self, body: bytes, *, content_type: str) -> None:
        raise AssertionError("it streams")

    async def events(self, events: bytes) -> None:
        pass

    async def end(self) -> None:
        pass


def report(works: dict[str, Callable[[], None]], rounds: int) -> None:
    took_us: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began_s = time.process_time()
            work()
            took_us[name].append((time.process_time() - began_s) / CHUNKS * 1e6)
    print(
        f"{rounds} rounds of {CHUNKS} chunks of {len(CHUNK)} bytes; "
        f"{platform.platform()}, {os.cpu_count()} cores"
    )
    for name, each in took_us.items():
        print(f"  {name:<36} best {min(each):6.2f} us   p50 {statistics.median(each):6.2f} us")


if __name__ == "__main__":
    main()
