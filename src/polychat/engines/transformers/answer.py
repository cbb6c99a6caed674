"""One answer on its way from tokens to what clients read: text, stop strings, meaning, logprobs."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from polychat.engines.transformers.detokenizer import Detokenizer
from polychat.engines.transformers.job import Token
from polychat.engines.transformers.reading import Part, Reader
from polychat.engines.transformers.stops import StopCutter


@dataclass(frozen=True, slots=True)
class Entry:
    """A token of the answer with its logprobs. The texts of all entries together are the answer's."""

    token: Token
    text: str
    start: int  # characters of the answer before it


@dataclass(frozen=True, slots=True)
class Step:
    """What a token adds, which may be nothing yet."""

    text: str = ""
    parts: Sequence[Part] = ()
    entries: Sequence[Entry] = ()


class Answer:
    """The state of one answer. Told each token; `finish_reason` is set once it has ended."""

    def __init__(
        self, detokenizer: Detokenizer, reader: Reader, stops: Sequence[str], ends: frozenset[int]
    ) -> None:
        """`ends`: tokens that end the answer and are no part of its text."""
        self._detokenizer = detokenizer
        self._reader = reader
        self._cutter = StopCutter(stops)
        self._ends = ends
        self._waiting: deque[Entry] = deque()  # whose text is held back
        self._heard = 0  # characters that tokens have brought
        self._told = 0  # characters that have been given out
        self.num_tokens = 0
        self.finish_reason: str | None = None
        self.stopped_by: str | int | None = None

    @property
    def reason(self) -> str:
        """Why it has ended: nothing at all was to be said, if no token has ended it."""
        return self.finish_reason or "length"

    def feed(self, token: Token) -> Step:
        """Take the next token. Once the answer has ended, the rest is not to be asked for."""
        self.num_tokens += 1
        is_end = token.finish == "stop" and token.id in self._ends
        text = ""
        if not is_end:
            text = self._detokenizer.feed(token.id)
            self._waiting.append(Entry(token, text, self._heard))
            self._heard += len(text)
        sure = self._cutter.feed(text)
        if self._cutter.met is not None:
            self.stopped_by = self._cutter.met
            return self._close(sure, "stop")
        if token.finish is not None:
            return self._close(sure + self._cutter.rest(), token.finish)
        return self._step(sure, self._reader.feed(sure) if sure else [])

    def _close(self, text: str, reason: str) -> Step:
        parts = [*(self._reader.feed(text) if text else []), *self._reader.end()]
        called = reason == "stop" and self._reader.num_calls
        self.finish_reason = "tool_calls" if called else reason
        return self._step(text, parts)

    def _step(self, text: str, parts: Sequence[Part]) -> Step:
        self._told += len(text)
        return Step(text, parts, tuple(self._released()))

    def _released(self) -> list[Entry]:
        """Entries whose text has been given out; those cut off by a stop string never are."""
        released = []
        while self._waiting and self._waiting[0].start + len(self._waiting[0].text) <= self._told:
            if self._waiting[0].start == self._told and self.stopped_by is not None:
                break
            released.append(self._waiting.popleft())
        return released
