"""The process between a worker and a program that is not ours: real processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from polychat.engines.process import Child
from tests.support.processes import is_alive, wait_until

WARDEN = (sys.executable, "-m", "polychat.engines.warden")
STARTS_ANOTHER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, file=sys.stderr, flush=True)
time.sleep(60)
"""
SHARES_MEMORY = """
import os, sys, time
from multiprocessing.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=4096)
if os.fork() == 0:  # whose end the resource tracker awaits, too
    time.sleep(60)
print(memory.name, os.getpid(), file=sys.stderr, flush=True)
time.sleep(60)
"""


@dataclass
class Run:
    """A program under the warden, and the words of the first line that it wrote."""

    child: Child
    said: list[str]


async def run(*argv: str) -> Run:
    lines: asyncio.Queue[str] = asyncio.Queue()
    child = await Child.spawn([*WARDEN, *argv], env={}, on_line=lines.put_nowait)
    return Run(child, (await lines.get()).split(" "))


@pytest.fixture
async def starting_another() -> AsyncIterator[Run]:
    started = await run(sys.executable, "-c", STARTS_ANOTHER)
    yield started
    await started.child.stop()


@pytest.fixture
async def sharing_memory() -> AsyncIterator[Run]:
    started = await run(sys.executable, "-c", SHARES_MEMORY)
    yield started
    await started.child.stop()


async def test_a_programs_status_is_told() -> None:
    child = await Child.spawn([*WARDEN, sys.executable, "-c", "raise SystemExit(7)"], env={})

    assert await child.wait() == "exited with status 7"


async def test_a_program_that_is_killed_is_told_as_that(sharing_memory: Run) -> None:
    os.kill(int(sharing_memory.said[1]), signal.SIGKILL)

    assert await sharing_memory.child.wait() == "killed by SIGKILL"


async def test_what_the_program_has_started_ends_with_it(starting_another: Run) -> None:
    await starting_another.child.stop()

    assert not is_alive(int(starting_another.said[0]))


def test_it_all_ends_when_the_worker_is_gone() -> None:
    pipe = subprocess.PIPE
    argv = [*WARDEN, sys.executable, "-c", STARTS_ANOTHER]
    with subprocess.Popen(argv, stdin=pipe, stderr=pipe, start_new_session=True) as warden:
        assert warden.stdin is not None
        assert warden.stderr is not None
        pid = int(warden.stderr.readline())

        warden.stdin.close()

        assert warden.wait(10) == -signal.SIGKILL
    wait_until(lambda: not is_alive(pid), what="the end of the program's child")


@pytest.mark.skipif(not Path("/dev/shm").exists(), reason="shared memory has no files here")
async def test_shared_memory_of_a_killed_program_is_freed(sharing_memory: Run) -> None:
    name, pid = sharing_memory.said

    os.kill(int(pid), signal.SIGKILL)

    await asyncio.wait_for(sharing_memory.child.wait(), 10)
    assert name not in os.listdir("/dev/shm")


async def test_a_program_that_is_not_there_is_said() -> None:
    started = await run("/no/such/program")

    assert await started.child.wait() == "exited with status 1"
    assert " ".join(started.said) == "cannot run /no/such/program: No such file or directory"
