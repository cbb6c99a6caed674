"""Stop strings: an answer ends before the first of them, wherever tokens begin and end."""

from collections.abc import Sequence


class StopCutter:
    """Lets through what cannot be the beginning of a stop string any more."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.met: str | None = None  # the stop string that ended the answer
        self.after = ""  # what came after it with the same piece

    def feed(self, text: str) -> str:
        """The text that is sure to be part of the answer. Once `met` is set, the answer has ended."""
        if not self._stops:
            return text
        held = self._held + text
        found = [(at, stop) for stop in self._stops if (at := held.find(stop)) >= 0]
        if found:
            at, self.met = min(found)
            self._held, self.after = "", held[at + len(self.met) :]
            return held[:at]
        kept = max(_overlap(held, stop) for stop in self._stops)
        self._held = held[len(held) - kept :]
        return held[: len(held) - kept]

    def rest(self) -> str:
        """What was held back, when nothing follows."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of `text` that `stop` may begin with."""
    most = min(len(text), len(stop) - 1)
    return next((size for size in range(most, 0, -1) if text.endswith(stop[:size])), 0)
