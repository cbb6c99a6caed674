"""How long a worker has said nothing, told in turns of this process's own life.

A controller that was stopped, or got no turn on a busy machine, has heard nobody either. Its clock runs on
meanwhile, its turns do not: it takes nobody for dead because it slept itself.
"""

from dataclasses import dataclass
from enum import Enum

from polychat.routing import feed

SILENT_AFTER = round(feed.SILENT_AFTER_S / feed.BEAT_S)  # turns
LOST_AFTER = round(feed.LOST_AFTER_S / feed.BEAT_S)


class Change(Enum):
    """What a turn without a word has made of a worker."""

    SILENT = 1
    LOST = 2


@dataclass(slots=True)
class Silence:
    """Of one connection."""

    turns: int = 0  # since the last word

    def heard(self) -> bool:
        """It has said something. True if it was silent before."""
        was_silent = self.turns >= SILENT_AFTER
        self.turns = 0
        return was_silent

    def turn(self) -> Change | None:
        """To be called each BEAT_S."""
        self.turns += 1
        match self.turns:
            case n if n == SILENT_AFTER:
                return Change.SILENT
            case n if n == LOST_AFTER:
                return Change.LOST
            case _:
                return None
