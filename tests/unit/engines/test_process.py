"""Child processes: how they end, what they leave. The children are a line of Python each."""

import sys
from pathlib import Path

import pytest

from polychat.engines.process import LOG_LIMIT_BYTES, TAIL_LINES, Child, describe_exit
from tests.support.processes import is_alive

WAIT = "import time; time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); " + WAIT
TALK = "import sys; [print(n, file=sys.stderr) for n in range(99)]; sys.exit(3)"


async def spawn(code: str, *, log_path: Path | None = None) -> Child:
    return await Child.spawn([sys.executable, "-c", code], env={"FLAG": "yes"}, log_path=log_path)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (3, "exited with status 3"),
        (0, "exited with status 0"),
        (-9, "killed by SIGKILL"),
        (-11, "killed by SIGSEGV"),
        (-63, "killed by signal 63"),
    ],
)
def test_how_it_died_is_one_line(status: int, line: str) -> None:
    assert describe_exit(status) == line


async def test_the_last_lines_are_kept_and_all_are_in_the_log(tmp_path: Path) -> None:
    child = await spawn(TALK, log_path=tmp_path / "child.log")
    assert await child.wait() == "exited with status 3"
    assert child.tail.splitlines() == [str(n) for n in range(99 - TAIL_LINES, 99)]
    assert len((tmp_path / "child.log").read_text().splitlines()) == 99


async def test_a_log_goes_on_after_a_restart_until_it_is_too_long(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    for _ in range(2):
        await (await spawn(TALK, log_path=log)).wait()
    assert len(log.read_text().splitlines()) == 2 * 99
    log.write_bytes(bytes(LOG_LIMIT_BYTES + 1))
    await (await spawn(TALK, log_path=log)).wait()
    assert len(log.read_text().splitlines()) == 99


async def test_a_line_without_an_end_is_read_in_pieces() -> None:
    child = await spawn("import sys; sys.stderr.write('x' * 200_000 + '\\nlast')")
    await child.wait()
    assert child.tail.splitlines()[-1] == "last"
    assert child.tail.count("x") == 200_000


async def test_its_environment_is_ours_and_what_it_is_given() -> None:
    child = await spawn(
        "import os; print(os.environ['FLAG'], os.environ['POLYCHAT_LIFELINE'], 'PATH' in os.environ)"
    )
    assert await child.read_line() == "yes 1 True"
    assert await child.read_line() == ""
    await child.wait()


async def test_stopping_leaves_no_process_and_may_be_repeated() -> None:
    child = await spawn(WAIT)
    await child.stop()
    await child.stop()
    assert not is_alive(child.pid)
    assert await child.wait() == "killed by SIGTERM"


async def test_a_child_that_does_not_listen_is_killed() -> None:
    child = await spawn(DEAF)
    assert await child.read_line() == "deaf"
    await child.stop(grace_s=0.1)
    assert await child.wait() == "killed by SIGKILL"
