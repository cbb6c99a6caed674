"""What the parent of gateway processes passes between them."""

import os
import socket
import time
from collections.abc import Iterator

import pytest

from polychat.gateway.frames import ANSWER, ASK, Frame, Frames
from polychat.gateway.processes import ANSWER_S, Parent, _Child


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent(2, on_ready=lambda: None)
    yield parent
    parent._selector.close()
    os.close(parent._alive_end)
    os.close(parent._held_end)


def child(pid: int) -> tuple[_Child, Frames]:
    """A process as the parent sees it, and its own end."""
    parents, childs = socket.socketpair()
    return _Child(pid, Frames(parents), 0.0, is_ready=True), Frames(childs)


def test_an_answer_that_comes_too_late_is_not_taken_for_one_to_the_next_question(parent: Parent) -> None:
    (asker, at_asker), (other, at_other) = child(1), child(2)
    parent._children = {1: asker, 2: other}
    parent._take(asker, Frame(ASK, 1, "running"))
    [late] = at_other.read()
    parent._answer_late(time.monotonic() + ANSWER_S)  # nobody waits for it any more
    parent._take(asker, Frame(ASK, 2, "health"))
    [asked] = at_other.read()
    parent._take(other, Frame(ANSWER, late.number, "running", b"old"))
    parent._take(other, Frame(ANSWER, asked.number, "health", b"new"))
    parent._answer_late(time.monotonic())
    assert [(frame.number, frame.answers) for frame in at_asker.read()] == [(1, []), (2, [b"new"])]
    for frames in (asker.frames, at_asker, other.frames, at_other):
        frames.close()
