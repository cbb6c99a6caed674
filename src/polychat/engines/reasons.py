"""Why an engine did not start, picked out of its log as it comes: the cause is often far from the end."""

import re
from collections.abc import Sequence

_LONGEST = 300  # characters


class Reasons:
    """Told every line of the log. `patterns`: best first; group 1 is the reason."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._patterns = patterns
        self._found: dict[int, str] = {}

    def feed(self, line: str) -> None:
        for place, pattern in enumerate(self._patterns):
            if match := pattern.search(line):
                self._found[place] = match[1].strip()[:_LONGEST]

    @property
    def best(self) -> str:
        """What the last line with the best pattern says; empty if none matched."""
        return self._found[min(self._found)] if self._found else ""
