"""What clients saw and what was done to the site meanwhile; times are of one monotonic clock, in seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.chaos.asks import Ask


class End(StrEnum):
    """How an exchange ended at the client."""

    WHOLE = "whole"  # as its framing promised
    DROPPED = "dropped"  # the connection went before
    LEFT = "left"  # the client itself did
    LATE = "late"  # the client's patience was over
    NOT_BEGUN = "not begun"  # no gateway took the connection


@dataclass(slots=True)
class Trace:
    """One request as its client saw it."""

    ask: Ask
    begun_s: float
    gateway: str = ""  # that took it
    ended_s: float = 0.0
    end: End = End.NOT_BEGUN
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[tuple[float, bytes]] = field(default_factory=list)  # of the body, with when they came
    refusals: list[str] = field(default_factory=list)  # gateways that did not take the connection

    @property
    def body(self) -> bytes:
        return b"".join(part for _, part in self.parts)

    def shown(self) -> str:
        """Everything about it, for whoever looks for the reason."""
        lines = [
            f"#{self.ask.number} {self.ask.api} {self.ask.model} stream={self.ask.stream} "
            f"{self.ask.manner} key={self.ask.key} at {self.gateway or self.refusals}: "
            f"{self.begun_s:.3f} to {self.ended_s:.3f} s, {self.end}, status {self.status}",
            f"  asked {self.ask.text[:200]!r}",
            *(f"  {name}: {value}" for name, value in self.headers.items()),
            *(f"  {at_s:.3f} {_short(part)}" for at_s, part in self.parts),
        ]
        return "\n".join(lines)


class Verb(StrEnum):
    """What can be done to a part of the site."""

    KILL = "kill"  # SIGKILL
    TERM = "term"  # SIGTERM
    STOP = "stop"  # SIGSTOP, then SIGCONT
    KILL_CHILD = "kill child"  # of a worker: its engine's process
    CUT = "cut"  # connections are reset, new ones refused
    STALL = "stall"  # nothing goes through, nothing is closed
    DELAY = "delay"  # everything comes later
    END_DATABASE = "end"


@dataclass(slots=True)
class Outage:
    """A time in which a part of the site may not do its work."""

    name: str
    verb: Verb
    from_s: float
    until_s: float = float("inf")  # when it was seen to be well again

    def overlaps(self, from_s: float, until_s: float) -> bool:
        return self.from_s <= until_s and from_s <= self.until_s

    def shown(self) -> str:
        return f"{self.from_s:9.3f} to {self.until_s:9.3f} s  {self.verb} {self.name}"


@dataclass(slots=True)
class Outages:
    """All of them, and who stands in for whom."""

    replicas: dict[str, tuple[str, ...]]  # model -> names of its workers
    all: list[Outage] = field(default_factory=list)

    def of(self, name: str, from_s: float, until_s: float) -> list[Outage]:
        return [each for each in self.all if each.name == name and each.overlaps(from_s, until_s)]

    def any_of(self, names: Iterable[str], from_s: float, until_s: float) -> list[Outage]:
        return [each for name in names for each in self.of(name, from_s, until_s)]

    def left_nobody(self, model: str, from_s: float, until_s: float) -> bool:
        """Whether at some moment of the time no replica of the model was well."""
        names = self.replicas[model]
        moments = [from_s, *(each.from_s for each in self.any_of(names, from_s, until_s))]
        return any(all(self.of(name, at_s, at_s) for name in names) for at_s in moments if at_s >= from_s)

    def num_struck(self, model: str, from_s: float, until_s: float) -> int:
        """Replicas of the model to which something was done in that time."""
        return sum(bool(self.of(name, from_s, until_s)) for name in self.replicas[model])


def timeline(outages: Sequence[Outage]) -> str:
    return "\n".join(each.shown() for each in outages)


def _short(part: bytes) -> str:
    return repr(part) if len(part) <= 700 else f"{part[:500]!r} … {len(part)} bytes … {part[-150:]!r}"
