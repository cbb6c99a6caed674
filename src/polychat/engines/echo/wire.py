"""The echo engine's answers as the published API's JSON and events."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from polychat import sse
from polychat.engines.echo.answers import Answer, Kind
from polychat.engines.echo.faces import Choice, Face


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of its answer's form."""

    n: int = 1  # choices for each prompt
    best_of: int = 1  # answers made for each prompt; at least n
    include_usage: bool = False
    stop_reason: bool = False  # name the stop string that was met, as vLLM does


class Wire:
    """Frames the answers to one request: the choices of one chat, or of completions of several prompts."""

    def __init__(self, face: Face, model: str, firsts: Sequence[Answer], wanted: Wanted) -> None:
        """`firsts`: one answer for each prompt."""
        self.answers = [answer for answer in firsts for _ in range(wanted.n)]
        self._firsts = firsts
        self._face = face
        self._wanted = wanted
        self._about: Choice = {
            "id": f"{face.id_prefix}-{secrets.token_hex(12)}",
            "object": face.kind,
            "created": int(time.time()),
            "model": model,
        }

    @property
    def num_steps(self) -> int:
        """Tokens of the longest answer."""
        return max((len(answer.tokens) for answer in self.answers), default=0)

    def whole(self) -> bytes:
        """The answer to a request that does not stream."""
        choices = [
            {"index": index, **self._face.whole(answer), **self._reason(answer)}
            for index, answer in enumerate(self.answers)
        ]
        return encoded(self._about | {"choices": choices, "usage": self._usage()})

    def opening(self) -> bytes:
        """The events before the first token."""
        openings = [(index, self._face.opening(answer)) for index, answer in enumerate(self.answers)]
        return b"".join(self._event(index, choice) for index, choice in openings if choice is not None)

    def step(self, step: int) -> bytes:
        """The events of one decode step: one for each choice that has not ended."""
        return b"".join(
            self._event(index, self._face.piece(answer, step))
            for index, answer in enumerate(self.answers)
            if answer.token(step) is not None
        )

    def closing(self) -> bytes:
        """The events after the last token."""
        ends = [
            self._event(index, self._face.ending(answer) | self._reason(answer))
            for index, answer in enumerate(self.answers)
        ]
        if self._wanted.include_usage:
            ends.append(sse.encode(encoded(self._chunk([]) | {"usage": self._usage()})))
        return b"".join(ends) + sse.DONE

    def _reason(self, answer: Answer) -> Choice:
        private: Choice = {"stop_reason": answer.stopped_by} if self._wanted.stop_reason else {}
        return {"finish_reason": answer.finish_reason, **private}

    def _event(self, index: int, choice: Choice) -> bytes:
        return sse.encode(encoded(self._chunk([{"index": index, "finish_reason": None, **choice}])))

    def _chunk(self, choices: Sequence[Choice]) -> Choice:
        later: Choice = {"usage": None} if self._wanted.include_usage else {}
        return self._about | {"object": self._face.chunk_kind, "choices": choices} | later

    def _usage(self) -> Choice:
        prompt = sum(len(answer.prompt) for answer in self._firsts)
        made = [token for answer in self._firsts for token in answer.tokens] * self._wanted.best_of
        usage: Choice = {
            "prompt_tokens": prompt,
            "completion_tokens": len(made),
            "total_tokens": prompt + len(made),
        }
        if reasoned := sum(token.kind is Kind.REASONING for token in made):
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoned}
        return usage


def encoded(document: object) -> bytes:
    return msgspec.json.encode(document)
