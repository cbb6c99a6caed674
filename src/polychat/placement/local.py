"""The supervisor: keeps a platform's roles running on this machine, and leaves none behind.

Each role is a process in a session of its own, so that Ctrl-C in the terminal reaches only us, with its
standard input held open by us (`polychat.lifeline`), so that it ends even if we are killed.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from polychat import lifeline
from polychat.errors import SetupError
from polychat.placement import logs, probe
from polychat.placement.restarts import LONGEST_DELAY_S, after_exit, how_it_ended
from polychat.placement.roles import Role

Tell = Callable[[str, str], None]
"""(role, one line of news)"""

POLL_S = 0.05
_DIGITS = re.compile(r"\d+")
TELL_AFTER_S = 1.0  # a role that is ready sooner needs no news of what it waits for
LOG_CHECK_S = 10.0


class RoleStartError(SetupError):
    """A role ended, or did not get ready, before it had been ready once."""

    def __init__(self, role: Role, why: str, log: Path) -> None:
        super().__init__(f"the {role.name} did not start: {why} (log: {log})")
        self.role = role


@dataclass(slots=True)
class _Kept:
    """A role and the life of its process."""

    role: Role
    log: Path
    failures: int = 0
    log_start: int = 0  # bytes in the log before this life
    process: asyncio.subprocess.Process | None = None
    first_ready: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Supervisor:
    """Starts roles, restarts those that die, and stops all when left. Owned by one event loop."""

    def __init__(
        self,
        log_folder: Path,
        tell: Tell,
        *,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log_folder = log_folder
        self._tell = tell
        self._environment = environment
        self._clock = clock
        self._kept: list[_Kept] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks.append(asyncio.create_task(self._bound_logs()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, roles: Sequence[Role]) -> None:
        """Start roles together and wait until each has been ready once; from then on they are kept running.

        Raises:
            RoleStartError: one of them cannot run. The others are left running.
        """
        ready = []
        for role in roles:
            kept = _Kept(role, self._log_folder / f"{role.name}.log")
            logs.rotate(kept.log)
            self._kept.append(kept)
            self._tasks.append(asyncio.create_task(self._keep(kept), name=role.name))
            ready.append(kept.first_ready)
        await asyncio.gather(*ready)

    def pids(self) -> dict[str, int]:
        """The roles that run now and their processes."""
        return {kept.role.name: kept.process.pid for kept in self._kept if kept.process is not None}

    async def stop(self) -> None:
        """End every role, rank by rank, killing what does not end in its time. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for rank in sorted({kept.role.stop_rank for kept in self._kept}):
            group = [kept for kept in self._kept if kept.role.stop_rank == rank]
            await asyncio.gather(*(self._end(kept) for kept in group))

    def kill(self) -> None:
        """End every process of every role at once, without asking."""
        for kept in self._kept:
            if kept.process is not None:
                _kill_session(kept.process.pid)

    async def _keep(self, kept: _Kept) -> None:
        while True:
            try:
                await self._live_once(kept)
            except (SetupError, OSError) as exc:  # OSError: no disk space, no memory for a process
                if not kept.first_ready.done():
                    kept.first_ready.set_exception(exc)
                    return
                self._tell(kept.role.name, f"cannot be started: {exc}")
                await asyncio.sleep(LONGEST_DELAY_S)

    async def _live_once(self, kept: _Kept) -> None:
        """One life of a role's process, and the pause after it."""
        began_s = self._clock()
        process = await self._spawn(kept)
        watch = asyncio.create_task(self._watch_start(kept))
        try:
            returncode = await process.wait()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        _kill_session(process.pid)  # what it started must not keep its port
        kept.process = None
        if not kept.first_ready.done():
            why = logs.last_words(kept.log, start=kept.log_start) or f"it {how_it_ended(returncode)}"
            raise RoleStartError(kept.role, why, kept.log)
        restart = after_exit(failures=kept.failures, ran_s=self._clock() - began_s)
        kept.failures = restart.failures
        self._tell(kept.role.name, f"{how_it_ended(returncode)}; starting again in {restart.delay_s:g} s")
        await asyncio.sleep(restart.delay_s)

    async def _spawn(self, kept: _Kept) -> asyncio.subprocess.Process:
        environment = {**self._environment, **kept.role.environment, lifeline.ENABLED: "1"}
        with _opened(kept.log) as log:
            kept.log_start = log.tell()
            kept.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "polychat",
                *kept.role.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        return kept.process

    async def _watch_start(self, kept: _Kept) -> None:
        """Poll one life of a role until it is ready, and tell what it waits for meanwhile."""
        began_s, told = self._clock(), ""
        while (missing := await _missing(kept.role)) is not None:
            news = _DIGITS.sub("", missing)  # not every second that a phase takes
            if news and news != told and self._clock() - began_s > TELL_AFTER_S:
                self._tell(kept.role.name, missing)
                told = news
            within_s = kept.role.start_within_s
            if within_s is not None and self._clock() - began_s > within_s:
                _give_up(kept, within_s)
                return
            await asyncio.sleep(POLL_S)
        took_s = self._clock() - began_s
        self._tell(kept.role.name, f"ready after {took_s:.1f} s")
        if not kept.first_ready.done():
            kept.first_ready.set_result(None)

    async def _end(self, kept: _Kept) -> None:
        process = kept.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), kept.role.stop_within_s)
        except TimeoutError:
            self._tell(kept.role.name, f"not gone after {kept.role.stop_within_s:g} s; killed")
        finally:
            _kill_session(process.pid)
        await process.wait()

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_S)
            for kept in self._kept:
                logs.bound(kept.log)


def _opened(log: Path) -> BinaryIO:
    """To write at its end; a new one is for us only."""
    return open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))


async def _missing(role: Role) -> str | None:
    """What a role still waits for, one line, empty if it does not answer yet; None once it is ready."""
    body = await probe.get(role.ready.url, bearer=role.ready.bearer)
    if body is None:
        return ""
    try:
        return role.ready.missing(body) or None
    except ValueError:  # cut off, or not its answer
        return ""


def _give_up(kept: _Kept, within_s: float) -> None:
    if not kept.first_ready.done():
        why = logs.last_words(kept.log, start=kept.log_start) or "it said nothing"
        late = f"not ready within {within_s:g} s: {why}"
        kept.first_ready.set_exception(RoleStartError(kept.role, late, kept.log))


def _kill_session(pid: int) -> None:
    """SIGKILL a role's process and everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
