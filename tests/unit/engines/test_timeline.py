"""How long each phase of a start took."""

import re

import pytest

from polychat.engines.launch import Phase
from polychat.engines.timeline import Timeline

PHASES = (Phase("loading", re.compile("load")), Phase("compiling", re.compile("compile")))


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def after(timeline: Timeline, clock: Clock, line: str, seconds: float) -> None:
    clock.now_s += seconds
    timeline.feed(line)


def test_the_phase_that_runs_says_since_when(clock: Clock) -> None:
    timeline = Timeline(PHASES, clock=clock)
    after(timeline, clock, "load weights", 3)
    clock.now_s += 12

    assert str(timeline) == "starting 3 s, loading since 12 s"


def test_once_ended_every_phase_has_its_length(clock: Clock) -> None:
    timeline = Timeline(PHASES, clock=clock)
    after(timeline, clock, "load weights", 3)
    after(timeline, clock, "compile", 4)
    clock.now_s += 5
    timeline.end()

    assert str(timeline) == "starting 3 s, loading 4 s, compiling 5 s"


def test_phases_only_go_forward(clock: Clock) -> None:
    timeline = Timeline(PHASES, clock=clock)
    after(timeline, clock, "compile", 2)
    after(timeline, clock, "load more", 2)

    assert str(timeline) == "starting 2 s, compiling since 2 s"


def test_what_takes_no_time_is_not_told(clock: Clock) -> None:
    timeline = Timeline(PHASES, clock=clock)
    after(timeline, clock, "load", 0.1)
    after(timeline, clock, "compile", 0.1)
    timeline.end()

    assert str(timeline) == "compiling 0 s"
