"""The choices of an answer as the published API's JSON, whole and in pieces."""

from collections.abc import Sequence
from typing import Any, Protocol

from polychat.engines.transformers.answer import Answer, Entry, Step
from polychat.engines.transformers.job import PromptLogprobs, Token
from polychat.engines.transformers.reading import Kind, Part
from polychat.engines.transformers.text import Text

Json = dict[str, Any]  # Any: JSON in the making


class Choice(Protocol):
    """One choice, told step by step."""

    def hear_prompt(self, logprobs: PromptLogprobs) -> None: ...

    def opening(self) -> list[Json]:
        """What a stream says before the first step."""
        ...

    def add(self, step: Step) -> list[Json]:
        """What the step adds to a stream."""
        ...

    def ending(self, answer: Answer) -> Json: ...
    def whole(self, answer: Answer) -> Json: ...

    @property
    def likelihood(self) -> float:
        """Mean log probability of a token."""
        ...


class ChatChoice:
    """A choice of /v1/chat/completions."""

    likelihood = 0.0  # nobody asks for the best of several chats

    def __init__(self, text: Text, *, has_logprobs: bool) -> None:
        self._text = text
        self._has_logprobs = has_logprobs
        self._parts: list[Part] = []
        self._entries: list[Json] = []
        self._untold: list[Json] = []  # entries that wait for a delta

    def hear_prompt(self, logprobs: PromptLogprobs) -> None:
        """Chats show no prompt."""

    def opening(self) -> list[Json]:
        return [{"delta": {"role": "assistant", "content": ""}, "logprobs": None}]

    def add(self, step: Step) -> list[Json]:
        self._parts += step.parts
        if self._has_logprobs:
            entries = [_chat_entry(entry.token, self._text) for entry in step.entries]
            self._entries += entries
            self._untold += entries
        deltas = [_delta(part) for part in step.parts]
        if not deltas and not self._untold:
            return []
        choices: list[Json] = [{"delta": delta, "logprobs": None} for delta in deltas or [{"content": ""}]]
        if self._untold:
            choices[0]["logprobs"] = {"content": self._untold, "refusal": None}
            self._untold = []
        return choices

    def ending(self, answer: Answer) -> Json:
        return {"delta": {"content": ""}, "logprobs": None, "finish_reason": answer.reason}

    def whole(self, answer: Answer) -> Json:
        text, reasoning = self._joined(Kind.TEXT), self._joined(Kind.REASONING)
        message: Json = {"role": "assistant", "content": text, "refusal": None}
        if reasoning:
            message["reasoning_content"] = reasoning
        if calls := _calls([part.call for part in self._parts if part.call is not None]):
            message |= {"tool_calls": calls, "content": text or None}
        logprobs = {"content": self._entries, "refusal": None} if self._has_logprobs else None
        return {"message": message, "logprobs": logprobs, "finish_reason": answer.reason}

    def _joined(self, kind: Kind) -> str:
        return "".join(part.text for part in self._parts if part.kind is kind)


class TextChoice:
    """A choice of /v1/completions."""

    def __init__(self, text: Text, *, num_top: int | None, prompt: str | None) -> None:
        """`num_top`: None without logprobs. `prompt`: to be said first; None: it is not."""
        self._text = text
        self._num_top = num_top
        self._prompt = prompt or ""
        self._echoes = prompt is not None
        self._echoed: list[Entry] = []
        self._said: list[str] = []
        self._entries: list[Entry] = []

    def hear_prompt(self, logprobs: PromptLogprobs) -> None:
        """From now on the prompt's text is that of its tokens, so that the two fit together."""
        detokenizer = self._text.detokenizer(())
        start = 0
        for token in logprobs.tokens:
            text = detokenizer.feed(token.id)
            self._echoed.append(Entry(token, text, start))
            start += len(text)
        self._prompt = "".join(entry.text for entry in self._echoed)

    def opening(self) -> list[Json]:
        if not self._echoes:
            return []
        return [{"text": self._prompt, "logprobs": self._logprobs(self._echoed, offset=0)}]

    def add(self, step: Step) -> list[Json]:
        self._said.append(step.text)
        self._entries += step.entries
        if not step.text and not (self._num_top is not None and step.entries):
            return []
        return [{"text": step.text, "logprobs": self._logprobs(step.entries, offset=len(self._prompt))}]

    def ending(self, answer: Answer) -> Json:
        return {"text": "", "logprobs": None, "finish_reason": answer.reason}

    def whole(self, answer: Answer) -> Json:
        moved = [Entry(each.token, each.text, each.start + len(self._prompt)) for each in self._entries]
        return {
            "text": self._prompt + "".join(self._said),
            "logprobs": self._logprobs([*self._echoed, *moved], offset=0),
            "finish_reason": answer.reason,
        }

    @property
    def likelihood(self) -> float:
        values = [entry.token.logprob or 0.0 for entry in self._entries]
        return sum(values) / len(values) if values else 0.0

    def _logprobs(self, entries: Sequence[Entry], *, offset: int) -> Json | None:
        if self._num_top is None:
            return None
        return {
            "tokens": [entry.text for entry in entries],
            "token_logprobs": [entry.token.logprob for entry in entries],
            "top_logprobs": [self._top(entry) for entry in entries] if self._num_top else None,
            "text_offset": [offset + entry.start for entry in entries],
        }

    def _top(self, entry: Entry) -> Json | None:
        if entry.token.logprob is None:
            return None
        told = {_shown(id_, self._text): value for id_, value in entry.token.top if id_ != entry.token.id}
        return {entry.text: entry.token.logprob} | told


def _delta(part: Part) -> Json:
    return {"tool_calls": [part.call]} if part.call is not None else {part.kind.value: part.text}


def _calls(deltas: Sequence[Json]) -> list[Json]:
    """Whole calls, put together from their deltas."""
    calls: dict[int, Json] = {}
    for delta in deltas:
        known = calls.setdefault(delta["index"], {"function": {"name": "", "arguments": ""}})
        known |= {key: value for key, value in delta.items() if key in ("id", "type")}
        for key, value in delta["function"].items():
            known["function"][key] += value
    return [{"id": call["id"], "type": call["type"], "function": call["function"]} for call in calls.values()]


def _chat_entry(token: Token, text: Text) -> Json:
    return _told(token.id, token.logprob, text) | {
        "top_logprobs": [_told(id_, value, text) for id_, value in token.top]
    }


def _told(id_: int, logprob: float | None, text: Text) -> Json:
    data = text.bytes_of(id_)
    return {"token": data.decode(errors="replace"), "logprob": logprob, "bytes": list(data)}


def _shown(id_: int, text: Text) -> str:
    return text.bytes_of(id_).decode(errors="replace")
