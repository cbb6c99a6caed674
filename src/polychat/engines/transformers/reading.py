"""What a model's text means: thoughts, words for the user, calls of tools. Fed piece by piece."""

import json
import re
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeGuard

from polychat.engines.forced_call import CallReader
from polychat.engines.transformers.stops import StopCutter

THINK = "<think>"


class Kind(Enum):
    TEXT = "content"
    REASONING = "reasoning_content"
    CALL = "tool_calls"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of what was said. Of a call: its delta, as `tool_calls` has it in a stream."""

    kind: Kind
    text: str = ""
    call: dict[str, object] | None = None


class Reader(Protocol):
    """Reads one answer, piece by piece."""

    @property
    def num_calls(self) -> int: ...

    def feed(self, text: str) -> list[Part]: ...

    def end(self) -> list[Part]:
        """What is left when nothing follows."""
        ...


class Plain:
    """Everything is for the user."""

    num_calls = 0

    def feed(self, text: str) -> list[Part]:
        return [Part(Kind.TEXT, text)] if text else []

    def end(self) -> list[Part]:
        return []


class Forced:
    """One call and nothing else, as a grammar has made sure."""

    def __init__(self) -> None:
        self._calls = CallReader()

    @property
    def num_calls(self) -> int:
        return int(self._calls.has_begun)

    def feed(self, text: str) -> list[Part]:
        return [Part(Kind.CALL, call=call) for call in self._calls.feed(text)]

    def end(self) -> list[Part]:
        return []


@dataclass(frozen=True, slots=True)
class Marks:
    """How a family of models writes its calls between words: JSON objects after `opens`, up to `closes`."""

    opens: str
    closes: str  # "": to the end of the answer
    is_often_bare: bool = False  # an answer that begins as JSON may be a call without its marks


MARKS = {
    "hermes": Marks("<tool_call>", "</tool_call>"),  # Hermes, Qwen, and the built-in model
    "llama3_json": Marks("<|python_tag|>", "", is_often_bare=True),
    "mistral": Marks("[TOOL_CALLS]", ""),
}


_JSON = json.JSONDecoder()
_BEGINS = re.compile(  # of a call; newer models of Mistral write its name before its arguments
    r"[\s;,]*(?:(?:\[TOOL_CALLS\])?(?P<name>[\w.-]+)(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?\s*(?=\{)|(?=[\[{]))"
)


def marks_of(template: str) -> str:
    """The parser for what a chat template shows that its model writes; "" if it shows no calls."""
    return next((name for name, marks in MARKS.items() if marks.opens in template), "")


class Calls:
    """Words, and calls between marks. What is no call after all is text, as it came."""

    def __init__(self, marks: Marks, *, most: int | None = None) -> None:
        """`most`: calls that may be told."""
        self._marks = marks
        self._most = most
        self._words = StopCutter([marks.opens])
        self._body: str | None = None  # of the call that is being read
        self._space = ""  # before a call it belongs to nobody
        self._opening = marks.opens  # what the call that is being read began with
        self._has_begun = False
        self.num_calls = 0

    def feed(self, text: str) -> list[Part]:
        parts: list[Part] = []
        if not self._has_begun and text.strip():
            self._has_begun = True
            if self._marks.is_often_bare and text.lstrip().startswith("{"):
                self._body, self._opening = "", ""
        while text:
            text = self._feed_words(text, parts) if self._body is None else self._feed_call(text, parts)
        return parts

    def end(self) -> list[Part]:
        parts: list[Part] = []
        if self._body is not None:
            self._close(self._body, parts, closing="")
            return parts
        rest = self._space + self._words.rest()
        if rest.strip() or (rest and not self.num_calls):
            parts.append(Part(Kind.TEXT, rest))
        return parts

    def _feed_words(self, text: str, parts: list[Part]) -> str:
        """Tell the words before the next call; what follows its opening mark."""
        words = self._space + self._words.feed(text)
        said = words.rstrip()
        self._space = words[len(said) :]
        if said:
            parts.append(Part(Kind.TEXT, words[: len(said)]))
        if self._words.met is None:
            return ""
        rest = self._words.after
        self._words = StopCutter([self._marks.opens])
        self._body, self._space, self._opening = "", "", self._marks.opens
        return rest

    def _feed_call(self, text: str, parts: list[Part]) -> str:
        body = (self._body or "") + text
        at = body.find(self._marks.closes) if self._marks.closes else -1
        if at < 0:
            self._body = body
            return ""
        self._close(body[:at], parts, closing=self._marks.closes)
        return body[at + len(self._marks.closes) :]

    def _close(self, body: str, parts: list[Part], *, closing: str) -> None:
        self._body = None
        calls = _calls_in(body)
        if not calls:
            parts.append(Part(Kind.TEXT, self._opening + body + closing))
        for name, arguments in calls:
            if self._most is None or self.num_calls < self._most:
                function = {"name": name, "arguments": arguments}
                about = {"index": self.num_calls, "id": f"call_{secrets.token_hex(12)}", "type": "function"}
                parts.append(Part(Kind.CALL, call=about | {"function": function}))
                self.num_calls += 1


def _calls_in(body: str) -> list[tuple[str, str]]:
    """Names and arguments of the calls that a body holds; none when it is none of the known forms."""
    found: list[object] = []
    at = 0
    while match := _BEGINS.match(body, at):
        try:
            value, at = _JSON.raw_decode(body, match.end())
        except ValueError:
            return []
        if match["name"]:
            value = {"name": match["name"], "arguments": value}
        found += value if isinstance(value, list) else [value]
    calls = [each for each in found if _is_call(each)]
    return [_call(each) for each in calls] if len(calls) == len(found) else []


def _is_call(value: object) -> TypeGuard[dict[str, object]]:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    return "arguments" in value or "parameters" in value or len(value) == 1


def _call(value: dict[str, object]) -> tuple[str, str]:
    arguments = value.get("arguments", value.get("parameters", {}))
    told = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return str(value["name"]), told


class Thoughts:
    """Thoughts between marks before the answer; the rest is read by another reader."""

    _OPENS, _CLOSES = THINK, "</think>"

    def __init__(self, then: Reader, *, is_open: bool = False) -> None:
        """`is_open`: the prompt has opened them already."""
        self._then = then
        self._head = "" if not is_open else self._OPENS
        self._thoughts: StopCutter | None = StopCutter([self._CLOSES]) if is_open else None
        self._has_thought = False
        self._is_over = False
        self._strips = False

    @property
    def num_calls(self) -> int:
        return self._then.num_calls

    def feed(self, text: str) -> list[Part]:
        if self._is_over:
            return self._read(text)
        if self._thoughts is None:
            self._head += text
            return self._begin()
        return self._think(text)

    def end(self) -> list[Part]:
        left: list[Part] = []
        if not self._is_over and self._thoughts is None and self._head:
            left = self._then.feed(self._head)
        elif not self._is_over and self._thoughts is not None and (rest := self._thoughts.rest()):
            left = [Part(Kind.REASONING, rest)]
        return left + self._then.end()

    def _begin(self) -> list[Part]:
        head = self._head.lstrip()
        if head.startswith(self._OPENS):
            self._thoughts = StopCutter([self._CLOSES])
            return self._think(head[len(self._OPENS) :])
        if self._OPENS.startswith(head):
            return []
        self._is_over = True
        return self._then.feed(self._head)

    def _think(self, text: str) -> list[Part]:
        assert self._thoughts is not None, "thoughts have begun"
        if not self._has_thought:  # the line break after the mark is no thought
            text = text.lstrip("\n")
            self._has_thought = bool(text)
        told = self._thoughts.feed(text)
        parts = [Part(Kind.REASONING, told)] if told else []
        if self._thoughts.met is None:
            return parts
        self._is_over = self._strips = True
        return parts + self._read(self._thoughts.after)

    def _read(self, text: str) -> list[Part]:
        if self._strips:  # the line breaks between thoughts and answer are neither's
            text = text.lstrip("\n")
            self._strips = not text
        return self._then.feed(text) if text else []
