"""The client's own account of what was answered, to be held against the table of usage. Pure.

A gateway that is killed may lose the account of its last second, and nothing else; one whose clients lost
their connections may have counted an answer as whole that never came whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.chaos.asks import Key
from tests.support.chaos.checker import Expected
from tests.support.chaos.history import End, Outage, Outages, Trace, Verb
from tests.support.chaos.reading import Reading

LAST_S = 1.0  # of a gateway that is killed
Line = tuple[Key, str]  # whose key, which model


@dataclass(slots=True)
class Sum:
    """Requests, and the tokens of their prompts and answers."""

    requests: int = 0
    prompt: int = 0
    completion: int = 0

    def add(self, expected: Expected) -> None:
        self.requests += 1
        self.prompt += expected.prompt_tokens or 0
        self.completion += expected.completion_tokens or 0


@dataclass(slots=True)
class Range:
    """What must have been counted, and what may have been besides."""

    sure: Sum = field(default_factory=Sum)
    unsure: Sum = field(default_factory=Sum)

    def disagreement(self, counted: Sum) -> str:
        """How the table differs, "" if it does not."""
        told = []
        for name in ("requests", "prompt", "completion"):
            least = getattr(self.sure, name)
            most = least + getattr(self.unsure, name)
            if not least <= (value := getattr(counted, name)) <= most:
                told.append(f"{value} {name}, not {least}" + (f" to {most}" if most > least else ""))
        return "; ".join(told)


class Book:
    """Of every answer that came whole."""

    def __init__(self) -> None:
        self._lines: dict[Line, Range] = {}

    def note(self, trace: Trace, reading: Reading, expected: Expected, outages: Outages) -> None:
        """Note one request that has ended, once it is known what was done until a while after."""
        line = self._lines.setdefault((trace.ask.key, trace.ask.model), Range())
        if trace.end is End.WHOLE:
            if trace.status == 200 and not reading.error:
                is_lost = may_be_lost(outages.all, trace.gateway, trace.ended_s)
                self._note_answer(
                    line, expected, is_lost=is_lost, is_counted=reading.prompt_tokens is not None
                )
        elif trace.end is not End.NOT_BEGUN:
            line.unsure.add(expected)

    def _note_answer(self, line: Range, expected: Expected, *, is_lost: bool, is_counted: bool) -> None:
        if is_lost or is_counted:
            (line.unsure if is_lost else line.sure).add(expected)
            return
        line.sure.requests += 1  # its tokens may have been counted, or estimated
        line.unsure.add(expected)
        line.unsure.requests -= 1

    def disagreements(self, counted: Mapping[Line, Sum]) -> list[str]:
        """Where the table says something else than the clients."""
        told = []
        for line in sorted(self._lines.keys() | counted.keys()):
            if line[0] is Key.LEAVER:  # how far an answer had come when its client left is not known here
                continue
            difference = self._lines.get(line, Range()).disagreement(counted.get(line, Sum()))
            if difference:
                told.append(f"of {line[0]} and {line[1]} the table has {difference}")
        return told


def may_be_lost(outages: Sequence[Outage], gateway: str, ended_s: float) -> bool:
    """Whether the gateway was killed before it had to have written down what ended then."""
    kills = [each for each in outages if each.name == gateway and each.verb is Verb.KILL]
    return any(
        _last_written_s(outages, gateway, kill.from_s) - LAST_S <= ended_s <= kill.from_s for kill in kills
    )


def _last_written_s(outages: Sequence[Outage], gateway: str, killed_s: float) -> float:
    """When it could last write: it may have been stopped when it was killed, or have had no database."""
    hindered = [
        each.from_s
        for each in outages
        if each.name in (gateway, "database") and each.from_s <= killed_s <= each.until_s
    ]
    return min([killed_s, *hindered])
