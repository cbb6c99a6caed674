"""Takes the traces of a run, judges them once all is known that was done meanwhile, and keeps the book."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tests.support.chaos.asks import Question
from tests.support.chaos.book import Book
from tests.support.chaos.checker import Checker, Expected
from tests.support.chaos.history import End, Outages, Trace
from tests.support.chaos.reading import Reading
from tests.support.chaos.streams import read


class Judge:
    """Of what is in order only counts are kept, so that a run may be of any length."""

    def __init__(self, outages: Outages, found: Callable[[str], None]) -> None:
        """`found` hears of each violation, with the whole trace."""
        self.book = Book()
        self.counts: Counter[str] = Counter()
        self._outages = outages
        self._undisturbed: dict[Question, Expected] = {}
        self._checker = Checker(outages, self._undisturbed)
        self._found = found
        self._waiting: list[Trace] = []

    def learn(self, trace: Trace) -> None:
        """An answer that nothing has disturbed."""
        reading = read(trace)
        assert reading.text, f"not answered: {reading}\n{trace.shown()}"
        counts = reading.prompt_tokens, reading.completion_tokens
        self._undisturbed[trace.ask.question] = Expected(reading.text, reading.finish, *counts)
        self.take(trace)

    def take(self, trace: Trace) -> None:
        """One that has ended."""
        self._waiting.append(trace)

    def judge_all(self) -> None:
        self.judge(before_s=float("inf"))

    def judge(self, *, before_s: float) -> None:
        """Those that ended before: what follows on an end may still explain it."""
        ripe = [trace for trace in self._waiting if trace.ended_s < before_s]
        self._waiting = [trace for trace in self._waiting if trace.ended_s >= before_s]
        for trace in ripe:
            reading = read(trace) if trace.end is End.WHOLE else Reading()
            if rule := self._checker.rule_broken(trace, reading):
                self._found(f"{rule}\n{trace.shown()}")
            self.book.note(trace, reading, _told(reading, self._checker.expected(trace.ask)), self._outages)
            self.counts[_kind(trace, reading)] += 1


def _told(reading: Reading, expected: Expected) -> Expected:
    """What a client counts: the tokens that it was told of, if it was."""
    if reading.completion_tokens is None:
        return expected
    return replace(expected, prompt_tokens=reading.prompt_tokens, completion_tokens=reading.completion_tokens)


def _kind(trace: Trace, reading: Reading) -> str:
    if trace.end is not End.WHOLE:
        return trace.end.value
    return f"{trace.status} {reading.error}" if reading.error else "answered"
