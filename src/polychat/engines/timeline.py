"""How long each phase of an engine's start takes, read from the lines of its log."""

import time
from collections.abc import Callable, Sequence

from polychat.engines.launch import Phase


class Timeline:
    """Told every line of the log; phases only go forward."""

    def __init__(self, phases: Sequence[Phase], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._phases = phases
        self._clock = clock
        self._next = 0
        self._marks: list[tuple[str, float]] = [("starting", clock())]  # name, when it began
        self._ended_s: float | None = None

    def feed(self, line: str) -> None:
        for place in range(self._next, len(self._phases)):
            if self._phases[place].begins.search(line):
                self._next = place + 1
                self.begin(self._phases[place].name)
                return

    def begin(self, phase: str) -> None:
        """A phase begins, and with it the one before ends."""
        self._marks.append((phase, self._clock()))

    def end(self) -> None:
        """The engine is ready."""
        self._ended_s = self._clock()

    def __str__(self) -> str:
        """ "starting 3 s, loading the weights since 12 s", or every phase's length once it has ended."""
        ends = [began for _, began in self._marks[1:]]
        done = [
            f"{name} {end - began:.0f} s"
            for (name, began), end in zip(self._marks, ends, strict=False)
            if end - began >= 0.5
        ]
        name, began = self._marks[-1]
        last = (self._ended_s or self._clock()) - began
        word = f"{name} {last:.0f} s" if self._ended_s is not None else f"{name} since {last:.0f} s"
        return ", ".join([*done, word])
