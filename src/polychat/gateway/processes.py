"""`polychat api --processes N`: the parent of N gateway processes on one port, and what passes between them.

The parent serves nobody. It replaces a process that dies, hands signals on, and passes questions from one
process to all others (see siblings.py). A forked process returns from `run` and becomes a gateway.
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

from polychat import lifeline
from polychat.gateway.frames import ANSWER, ASK, STATE, Frame, Frames
from polychat.gateway.sum_metrics import counters_of
from polychat.notify import NOBODY, Notifier

ANSWER_S = 0.5  # a process that does not answer the others for so long is left out
STEADY_S = 10.0  # one that has lived for so long is replaced at once
MAX_PAUSE_S = 10.0
METRICS = "metrics"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger(__name__)


class StartFailed(Exception):
    """A process ended before all were ready; it has said why."""


@dataclass(slots=True)
class _Child:
    pid: int
    frames: Frames
    began_s: float
    is_ready: bool = False
    heard_s: float = 0.0
    metrics: bytes = b""  # as last told


@dataclass(slots=True)
class _Question:
    """One that a process has asked the others."""

    asker: int
    asked_as: int  # its number with the asker
    number: int  # with the others; no two questions have the same
    what: str
    until_s: float
    missing: set[int]
    answers: list[bytes] = field(default_factory=list)


class Parent:
    """Keeps `num` processes running until a signal comes."""

    def __init__(self, num: int, *, notifier: Notifier = NOBODY, on_ready: Callable[[], None]) -> None:
        self._num = num
        self._notifier = notifier
        self._on_ready = on_ready
        self._children: dict[int, _Child] = {}
        self._questions: list[_Question] = []
        self._num_questions = 0
        self._gone = b""  # what processes that have died had counted
        self._signals: list[int] = []
        self._is_ready = False
        self._failed = False
        self._num_deaths = 0  # of processes that did not live long, one after the other
        self._due_s: list[float] = []  # when to start the next ones
        self._told_alive_s = 0.0
        self._selector = selectors.DefaultSelector()
        self._alive_end, self._held_end = os.pipe()  # closed by the kernel when we are gone

    def run(self) -> socket.socket | None:
        """In a child its socket to us; None, in the parent, once all have ended.

        Raises:
            StartFailed: one ended before all were ready.
        """
        woken, wake = socket.socketpair()
        woken.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._hear)
        signal.signal(signal.SIGCHLD, _note)
        self._selector.register(woken, selectors.EVENT_READ)
        self._due_s = [0.0] * self._num
        while self._children or (not self._signals and not self._failed):
            child = self._start_due()
            if child is not None:
                woken.close()
                wake.close()
                return child
            self._wait(woken)
        self._end(wake)
        return None

    def _wait(self, woken: socket.socket) -> None:
        """For whatever comes next, and deal with it."""
        now_s = time.monotonic()
        times_s = [*self._due_s, *(each.until_s for each in self._questions)]
        if self._notifier.watchdog_s:
            times_s.append(now_s + self._notifier.watchdog_s / 4)
        timeout_s = max(0.0, min(times_s) - now_s) if times_s else None
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is woken:
                with contextlib.suppress(BlockingIOError):
                    woken.recv(4096)
            elif (child := self._children.get(key.data)) is not None:
                for frame in child.frames.read():
                    self._take(child, frame)
        self._reap()
        self._answer_late(time.monotonic())
        self._tell_alive(time.monotonic())

    def _hear(self, number: int, frame: FrameType | None) -> None:
        """A signal, which the children get, too. In groups of their own, they do not get the terminal's."""
        self._signals.append(number)
        if len(self._signals) == 1:
            self._notifier.tell("STOPPING=1")
        self._due_s.clear()
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _start_due(self) -> socket.socket | None:
        now_s = time.monotonic()
        while not self._signals and self._due_s and min(self._due_s) <= now_s:
            self._due_s.remove(min(self._due_s))
            if (ours := self._fork()) is not None:
                return ours
        return None

    def _fork(self) -> socket.socket | None:
        """The child's socket in the child; None in the parent."""
        parents, childs = socket.socketpair()
        with _blocked():
            pid = os.fork()
            if pid == 0:
                self._become_child()
                parents.close()
                return childs
        childs.close()
        now_s = time.monotonic()
        self._children[pid] = _Child(pid, Frames(parents), now_s, heard_s=now_s)
        self._selector.register(parents, selectors.EVENT_READ, pid)
        return None

    def _become_child(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)
        os.close(self._held_end)
        if self._alive_end:
            os.dup2(self._alive_end, 0)
            os.close(self._alive_end)
        for child in self._children.values():
            child.frames.close()
        self._selector.close()
        lifeline.end_with_parent()

    def _reap(self) -> None:
        for pid in tuple(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                child = self._children.pop(pid)
                self._selector.unregister(child.frames.sock)
                child.frames.close()
                self._bury(child, os.waitstatus_to_exitcode(status))

    def _bury(self, child: _Child, status: int) -> None:
        self._gone = counters_of(self._gone, child.metrics)
        for question in self._questions:
            question.missing.discard(child.pid)
        if self._signals:
            return
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        if not self._is_ready:
            self._failed = True
            log.error("gateway process %d ended (%s) before all were ready", child.pid, how)
            self._stop_all()
            return
        now_s = time.monotonic()
        self._num_deaths = 0 if now_s - child.began_s >= STEADY_S else self._num_deaths + 1
        pause_s = min(MAX_PAUSE_S, 0.1 * 2.0**self._num_deaths) if self._num_deaths > 1 else 0.0
        self._due_s.append(now_s + pause_s)
        when = f"in {pause_s:g} s" if pause_s else "now"
        log.error("gateway process %d ended (%s); another one starts %s", child.pid, how, when)

    def _stop_all(self) -> None:
        self._due_s.clear()
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)

    def _take(self, child: _Child, frame: Frame) -> None:
        child.heard_s = time.monotonic()
        if frame.kind == STATE:
            self._note_state(child, frame.body)
        elif frame.kind == ASK:
            self._ask(child, frame)
        elif frame.kind == ANSWER:
            self._answered(child, frame)

    def _note_state(self, child: _Child, state: bytes) -> None:
        if state == b"READY=1":
            child.is_ready = True
        if not self._is_ready and sum(each.is_ready for each in self._children.values()) == self._num:
            self._is_ready = True
            self._on_ready()
            self._notifier.tell("READY=1")

    def _ask(self, asker: _Child, frame: Frame) -> None:
        if frame.what == METRICS:
            asker.metrics = frame.body
        others = [child for child in self._children.values() if child is not asker and child.is_ready]
        self._num_questions += 1
        question = _Question(
            asker.pid,
            frame.number,
            self._num_questions,
            frame.what,
            time.monotonic() + ANSWER_S,
            {child.pid for child in others},
        )
        self._questions.append(question)
        body = frame.body if frame.what != METRICS else b""
        for child in others:
            child.frames.send(Frame(ASK, question.number, frame.what, body))

    def _answered(self, child: _Child, frame: Frame) -> None:
        if frame.what == METRICS:
            child.metrics = frame.body
        for question in self._questions:
            if question.number == frame.number and child.pid in question.missing:
                question.missing.remove(child.pid)
                question.answers.append(frame.body)

    def _answer_late(self, now_s: float) -> None:
        """Answer the questions of which all has come that will come."""
        done = [each for each in self._questions if not each.missing or each.until_s <= now_s]
        for question in done:
            self._questions.remove(question)
            answers = question.answers
            if question.what == METRICS:
                late = [self._children[pid].metrics for pid in question.missing if pid in self._children]
                answers = [*answers, *filter(None, [*late, self._gone])]
            if asker := self._children.get(question.asker):
                asker.frames.send(Frame(ANSWER, question.asked_as, question.what, answers=answers))

    def _tell_alive(self, now_s: float) -> None:
        """As long as every process says that it is."""
        every_s = self._notifier.watchdog_s
        if not every_s or not self._is_ready or now_s - self._told_alive_s < every_s / 4:
            return
        if all(now_s - child.heard_s < every_s for child in self._children.values()):
            self._notifier.tell("WATCHDOG=1")
            self._told_alive_s = now_s

    def _end(self, wake: socket.socket) -> None:
        """As the sender of the signals expects."""
        signal.set_wakeup_fd(-1)
        wake.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._failed:
            raise StartFailed
        for number in reversed(self._signals):
            signal.raise_signal(number)


def _note(number: int, frame: FrameType | None) -> None:
    """It has woken us."""


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """No signal comes while the block runs; one that came meanwhile comes at its end."""
    numbers = {*_SIGNALS, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
