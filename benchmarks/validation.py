"""What the gateway's own work costs: validation and view of a chat, and llama.cpp's shaping of each chunk.

    python benchmarks/validation.py

In process, without network: a usual agent's request of about 1 kB (four messages, one tool), and chunks as
llama.cpp's server sends them. Each figure is CPU time, the median of rounds that are taken in turn, so that
all meet the same noise; the best round is beside it. Ends with an error when a limit of ours is passed.
"""

import argparse
import base64
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

from polychat.engines.base import RequestView
from polychat.engines.llamacpp.dialect import shape
from polychat.gateway.events import EventRelay
from polychat.gateway.routes.inference import view_of
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

REQUEST_LIMIT_US = 40.0
CHUNK_LIMIT_US = 5.0
CHUNKS_PER_ROUND = 200
REQUESTS_PER_ROUND = 100

TOOL = {
    "name": "get_weather",
    "description": "The weather in a city now, with temperature and wind.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
}
CHAT = {
    "model": "polychat-mini",
    "temperature": 0.7,
    "max_tokens": 256,
    "stream": True,
    "messages": [
        {"role": "system", "content": "You are a careful assistant. " * 7},
        {"role": "user", "content": "What should I wear in Zürich tomorrow? " * 3},
        {"role": "assistant", "content": "That depends on the weather. " * 4},
        {"role": "user", "content": "Then look it up, please. " * 4},
    ],
    "tools": [{"type": "function", "function": TOOL}],
}
REQUEST = json.dumps(CHAT, ensure_ascii=False).encode()
CHUNK = (
    b'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" weather"}}],'
    b'"created":1790000000,"id":"chatcmpl-5nqjzUTlZvNs8wTXYw5mHfYt4BGAi1FC","model":"polychat-mini",'
    b'"system_fingerprint":"b1-0000000","object":"chat.completion.chunk"}\n\n'
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    view = validated(REQUEST)
    took = measure(
        {
            "request": (REQUESTS_PER_ROUND, lambda: repeat(lambda: validated(REQUEST), REQUESTS_PER_ROUND)),
            "plain": (CHUNKS_PER_ROUND, lambda: relayed(EventRelay(None))),
            "shaped": (CHUNKS_PER_ROUND, lambda: relayed(EventRelay(shape(REQUEST, view).event))),
        },
        rounds,
    )
    request_us, added_us = report(took)
    report_large()
    if request_us > REQUEST_LIMIT_US or added_us > CHUNK_LIMIT_US:
        sys.exit(f"above the limits: {REQUEST_LIMIT_US:.0f} us a request, {CHUNK_LIMIT_US:.0f} us a chunk")


def validated(body: bytes) -> RequestView:
    """What each request goes through, its shaping for llama.cpp included."""
    view = view_of(Endpoint.CHAT, parse_chat(body))
    shape(body, view)
    return view


def relayed(relay: EventRelay) -> None:
    for _ in range(CHUNKS_PER_ROUND):
        relay.feed(CHUNK)


def repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def measure(works: dict[str, tuple[int, Callable[[], None]]], rounds: int) -> dict[str, list[float]]:
    """Microseconds for one unit of each work, by round."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (num_units, work) in works.items():
            started_s = time.process_time()
            work()
            took[name].append((time.process_time() - started_s) / num_units * 1e6)
    return took


def report(took: dict[str, list[float]]) -> tuple[float, float]:
    """Prints the figures; returns the two that are limited."""
    print(f"{len(took['request'])} rounds in turn; {platform.platform()}, {os.cpu_count()} cores")
    names = {
        "request": f"validation, view and shaping, per request of {len(REQUEST)} bytes",
        "plain": f"plain relay, per chunk of {len(CHUNK)} bytes",
        "shaped": "relay with llama.cpp's shaping, per chunk",
    }
    for key, name in names.items():
        print(f"  {name:<62} p50 {statistics.median(took[key]):6.2f} us   best {min(took[key]):6.2f} us")
    plain, shaped = statistics.median(took["plain"]), statistics.median(took["shaped"])
    request = statistics.median(took["request"])
    print(f"  {'added per chunk':<62} p50 {shaped - plain:6.2f} us   (x {shaped / plain:.1f})")
    print(f"  {'a request, in plain chunks':<62} {request / plain:10.1f}")
    return request, shaped - plain


def report_large() -> None:
    """Once each: bodies that are large for good reasons."""
    image = base64.b64encode(os.urandom(10_000_000)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    text = 'Lorem ipsum, "dolor" sit [amet] {consectetur} 😀.\n' * 20_000
    for name, content in (("an image of 10 MB", [part]), ("a text of 1 MB", text)):
        body = json.dumps(CHAT | {"messages": [{"role": "user", "content": content}]}).encode()
        started_s = time.process_time()
        validated(body)
        took_ms = (time.process_time() - started_s) * 1e3
        print(f"  {f'validation of a request with {name}':<62}     {took_ms:6.1f} ms")


if __name__ == "__main__":
    main()
