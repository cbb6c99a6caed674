"""A program that serves by itself, run as a `Launch` says: real processes of a few lines of Python."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from polychat.engines.base import EngineUnresponsive
from polychat.engines.launch import Command, Launch, Offer, Phase, Program
from polychat.engines.served import Served
from polychat.engines.spec import EngineSpec
from polychat.errors import EngineStartError, SetupError
from polychat.types import Endpoint, Load
from tests.support.processes import free_port

SERVER = r"""
import http.server, json, os, sys
print("loading now", file=sys.stderr, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        models = [{"id": "base", "object": "model", "max_model_len": 512},
                  {"id": "sql", "object": "model", "parent": "base"}]
        has_key = self.headers.get("authorization") == "Bearer " + os.environ["KEY"]
        listed = json.dumps({"object": "list", "data": models}).encode()
        answers = {"/health": b"", "/metrics": b"3", "/v1/models": listed}
        body = answers.get(self.path)
        self.send_response(200 if body is not None and has_key else 401)
        self.end_headers()
        self.wfile.write(body or b"")
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
BREAKS_OFF_ONCE = SERVER.replace(
    "        models = [",
    """        if self.path == "/v1/models" and not Handler.__dict__.get("was_asked"):
            Handler.was_asked = True
            return
        models = [""",
    1,
)
FAILS = """
import sys
sys.exit("Error: no such weights\\n" + "trace\\n" * 200)
"""


def launch(code: str, *, has_secret: bool = True) -> Launch:
    return Launch(
        name="made-up",
        program=Program("", "json", ""),
        command=lambda spec, port: Command((sys.executable, "-c", code, str(port)), {"KEY": spec.secret}),
        offer=lambda spec: Offer(frozenset({Endpoint.CHAT})),
        load_of=lambda data, before: Load(running=int(data), slots=before.slots),
        phases=(Phase("loading", re.compile("loading now")),),
        reasons=(re.compile("Error: (.+)"),),
        has_secret=has_secret,
    )


@asynccontextmanager
async def serving(code: str) -> AsyncIterator[Served]:
    engine = Served(launch(code), EngineSpec("key", engine="made-up", name="mine", port=free_port(), slots=4))
    try:
        yield engine
    finally:
        await engine.stop()


async def test_it_is_ready_once_it_answers_and_tells_what_it_serves() -> None:
    async with serving(SERVER) as engine:
        url = await engine.start()

        assert url == engine.url
        assert (engine.context_length, engine.upstream_model, engine.adapters) == (512, "base", ("sql",))
        assert re.fullmatch(r"(starting \d+ s, )?loading \d+ s", engine.progress)


async def test_what_it_was_too_busy_to_tell_is_asked_for_again() -> None:
    async with serving(BREAKS_OFF_ONCE) as engine:
        await engine.start()
        assert engine.context_length is None

        await engine.load()

        assert engine.context_length == 512


async def test_its_load_is_read_with_its_key() -> None:
    async with serving(SERVER) as engine:
        await engine.start()

        assert await engine.load() == Load(running=3, slots=4)


async def test_before_it_answers_its_load_is_not_known() -> None:
    async with serving(SERVER) as engine:
        with pytest.raises(EngineUnresponsive, match="made-up does not answer"):
            await engine.load()


async def test_why_it_did_not_start_is_found_far_above_the_end_of_its_log() -> None:
    async with serving(FAILS) as engine:
        with pytest.raises(EngineStartError, match="made-up cannot serve mine: no such weights") as failed:
            await engine.start()

    assert failed.value.log_tail.splitlines()[-1] == "trace"


async def test_without_a_word_on_why_its_end_is_told() -> None:
    async with serving("raise SystemExit(3)") as engine:
        with pytest.raises(EngineStartError, match="made-up exited with status 3"):
            await engine.start()


def test_one_that_asks_for_no_key_listens_on_loopback_only() -> None:
    spec = EngineSpec("key", engine="made-up", host="0.0.0.0")

    with pytest.raises(SetupError, match=r"may not listen on 0\.0\.0\.0"):
        Served(launch(SERVER, has_secret=False), spec)
