"""A llama-server of the machine's own: the real one where it is on PATH, and always a stand-in."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from polychat.engines import models
from polychat.engines.spec import Adapter
from polychat.errors import EngineStartError, SetupError
from polychat.types import Feature
from tests.support import llama_server, lora_gguf
from tests.support.llamacpp_engine import engine, goes_on, running
from tests.support.processes import descendants, is_alive

REAL = shutil.which("llama-server")


@pytest.fixture(params=["stand-in", *([REAL] if REAL else [])])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(llama_server.program(tmp_path)) if request.param == "stand-in" else str(request.param)


def pids() -> list[int]:
    return [pid for pid, command in descendants(os.getpid()).items() if "llama-server" in command]


async def test_it_answers_as_polychats_own_does(program: str) -> None:
    async with running(engine()) as http:
        own = await goes_on(http)
    served = engine(program=program)
    async with running(served) as http:
        answer = await goes_on(http)
        stranger = await http.get("/slots", headers={"authorization": "Bearer x"})
        load = await served.load()
    assert answer == own
    assert stranger.status_code == 401
    assert (load.slots, load.running) == (2, 0)
    assert load.output_tokens_total > 0
    assert Feature.TOOLS in (served.features or ())


async def test_it_takes_the_same_settings(program: str, tmp_path: Path) -> None:
    adapter = lora_gguf.write(tmp_path / "red.gguf", models.BUILTIN_PATH, seed=0)
    template = tmp_path / "mine.jinja"
    template.write_text("{% for message in messages %}<{{ message.content }}>{% endfor %}")
    served = engine(
        program=program,
        kv_cache_dtype="q8_0",
        adapters=(Adapter("red", adapter),),
        chat_template=str(template),
        arguments=("--no-warmup",),
    )
    async with running(served) as http:
        asked = {"messages": [{"role": "user", "content": "hi"}]}
        written = (await http.post("/apply-template", json=asked)).json()
        adapters = (await http.get("/lora-adapters")).json()
        slots = (await http.get("/slots")).json()
    assert written["prompt"] == "<hi>"
    assert [each["path"] for each in adapters] == [str(adapter)]
    assert [slot["n_ctx"] for slot in slots] == [2048, 2048]


async def test_it_leaves_nothing_behind(program: str) -> None:
    served = engine(program=program)
    async with running(served):
        running_now = pids()
    assert running_now
    assert not any(map(is_alive, running_now))


async def test_its_end_is_noticed_and_told(program: str) -> None:
    served = engine(program=program)
    async with running(served):
        os.kill(max(pids()), signal.SIGKILL)
        assert await served.wait_exit() == "killed by SIGKILL"


async def test_an_argument_that_it_does_not_know_is_in_the_error(program: str) -> None:
    odd = engine(program=program, arguments=("--no-such-flag",))
    with pytest.raises(EngineStartError) as caught:
        await odd.start()
    assert "--no-such-flag" in str(caught.value)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'error: no such device' >&2; exit 3", "no such device"),
        ("exit 3", "llama.cpp exited with status 3"),
        ("kill -9 $$", "llama.cpp killed by SIGKILL"),
    ],
)
async def test_one_that_dies_while_it_loads_is_told_with_its_reason(
    tmp_path: Path, script: str, reason: str
) -> None:
    path = tmp_path / "llama-server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    with pytest.raises(EngineStartError, match=rf"cannot serve .*polychat-mini\.gguf: {reason}"):
        await engine(program=str(path)).start()


def test_a_program_that_is_not_there_is_refused() -> None:
    with pytest.raises(SetupError, match=r"--program no-such-server is no program that this machine can run"):
        engine(program="no-such-server")
