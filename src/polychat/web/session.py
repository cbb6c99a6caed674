"""One conversation as values: each change gives a new `Chat`. No Gradio and no network here."""

from dataclasses import dataclass, replace
from enum import StrEnum

from polychat.client import Delta, Message


class Outcome(StrEnum):
    ANSWERING = "answering"
    DONE = "done"
    LENGTH = "length"  # the model reached the token limit
    STOPPED = "stopped"  # by the user
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user said and what became of it."""

    question: str
    answer: str = ""
    reasoning: str = ""
    problem: str = ""  # Markdown: what happened and what to do
    outcome: Outcome = Outcome.ANSWERING
    output_tokens: int | None = None  # as the API counts them

    def with_delta(self, delta: Delta) -> "Turn":
        return replace(
            self,
            answer=self.answer + delta.text,
            reasoning=self.reasoning + delta.reasoning,
            outcome=self.outcome if delta.finish_reason is None else _outcome(delta.finish_reason),
            output_tokens=delta.usage.completion_tokens if delta.usage else self.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Chat:
    """The turns so far. Only the last one can be unanswered."""

    turns: tuple[Turn, ...] = ()

    @property
    def is_answering(self) -> bool:
        return bool(self.turns) and self.turns[-1].outcome is Outcome.ANSWERING

    def ask(self, question: str) -> "Chat":
        return Chat((*self.turns, Turn(question)))

    def regenerate(self) -> "Chat":
        """Ask the last question again."""
        return self._with_last(Turn(self.turns[-1].question))

    def undo(self) -> "Chat":
        """Without the last question and its answer."""
        return Chat(self.turns[:-1])

    def append(self, delta: Delta) -> "Chat":
        return self._with_last(self.turns[-1].with_delta(delta))

    def stop(self) -> "Chat":
        """End the answer where it is."""
        return self._with_last(replace(self.turns[-1], outcome=Outcome.STOPPED))

    def fail(self, problem: str) -> "Chat":
        """End the answer because of `problem` (Markdown); what was answered before it stays."""
        return self._with_last(replace(self.turns[-1], outcome=Outcome.FAILED, problem=problem))

    def messages(self, system_prompt: str) -> list[Message]:
        """What to send for the last turn.

        Earlier questions without an answer are left out: many chat templates refuse two user turns in a row.
        """
        system = [Message("system", system_prompt)] if system_prompt.strip() else []
        earlier = [message for turn in self.turns[:-1] if turn.answer for message in _both(turn)]
        return [*system, *earlier, Message("user", self.turns[-1].question)]

    def _with_last(self, turn: Turn) -> "Chat":
        return Chat((*self.turns[:-1], turn))


def _both(turn: Turn) -> tuple[Message, Message]:
    return Message("user", turn.question), Message("assistant", turn.answer)


def _outcome(finish_reason: str) -> Outcome:
    return Outcome.LENGTH if finish_reason == "length" else Outcome.DONE
