"""The two forms of an answer: a chat's choice and a completion's, whole and in pieces. Pure."""

import secrets
from collections.abc import Sequence
from typing import Protocol

from polychat.engines.echo.answers import Answer, Kind, Token
from polychat.engines.echo.chances import chat_entry, legacy
from polychat.engines.echo.messages import Json

Choice = dict[str, object]


class Face(Protocol):
    """How the choices of one API look."""

    kind: str
    chunk_kind: str
    id_prefix: str

    def whole(self, answer: Answer) -> Choice:
        """The choice without its index and reason."""

    def opening(self, answer: Answer) -> Choice | None:
        """What is sent before the first token, if anything is."""

    def piece(self, answer: Answer, step: int) -> Choice:
        """What the token of that step, which is there, adds."""

    def ending(self, answer: Answer) -> Choice:
        """What goes with the reason at the end."""


class ChatFace:
    """Choices of /v1/chat/completions."""

    kind, chunk_kind, id_prefix = "chat.completion", "chat.completion.chunk", "chatcmpl"

    def __init__(self, request: Json) -> None:
        self._has_logprobs = request.get("logprobs") is True
        top = request.get("top_logprobs")
        self._top = top if isinstance(top, int) else 0

    def whole(self, answer: Answer) -> Choice:
        message: Choice = {"role": "assistant", "content": answer.text, "refusal": None}
        if reasoning := answer.joined(Kind.REASONING):
            message["reasoning_content"] = reasoning
        if answer.num_calls:
            message["tool_calls"] = [_call(answer, index) for index in range(answer.num_calls)]
            message["content"] = None
        said = [token for token in answer.tokens if token.kind is Kind.TEXT]
        return {"message": message, "logprobs": self._logprobs(said)}

    def opening(self, answer: Answer) -> Choice | None:
        return _delta({"role": "assistant", "content": ""})

    def piece(self, answer: Answer, step: int) -> Choice:
        token = answer.tokens[step]
        match token.kind:
            case Kind.TEXT:
                return _delta({"content": token.text}) | {"logprobs": self._logprobs([token])}
            case Kind.REASONING:
                return _delta({"reasoning_content": token.text})
            case Kind.CALL:
                opened = {"index": token.call, "id": _call_id(), "type": "function"}
                return _delta({"tool_calls": [opened | {"function": {"name": token.text, "arguments": ""}}]})
            case Kind.ARGUMENTS:
                more = {"index": token.call, "function": {"arguments": token.text}}
                return _delta({"tool_calls": [more]})

    def ending(self, answer: Answer) -> Choice:
        return _delta({"content": ""})

    def _logprobs(self, said: Sequence[Token]) -> object:
        if not self._has_logprobs:
            return None
        return {"content": [chat_entry(token.text, self._top) for token in said], "refusal": None}


class TextFace:
    """Choices of /v1/completions."""

    kind, chunk_kind, id_prefix = "text_completion", "text_completion", "cmpl"

    def __init__(self, request: Json) -> None:
        self._has_echo = request.get("echo") is True
        top = request.get("logprobs")
        self._top = top if isinstance(top, int) and not isinstance(top, bool) else None

    def whole(self, answer: Answer) -> Choice:
        tokens = [*self._echoed(answer), *(token.text for token in answer.tokens)]
        return self._choice(tokens, begins_text=self._has_echo)

    def opening(self, answer: Answer) -> Choice | None:
        return self._choice(answer.prompt, begins_text=True) if self._has_echo and answer.prompt else None

    def piece(self, answer: Answer, step: int) -> Choice:
        before = sum(map(len, self._echoed(answer))) + sum(len(token.text) for token in answer.tokens[:step])
        return self._choice([answer.tokens[step].text], offset=before)

    def ending(self, answer: Answer) -> Choice:
        return {"text": "", "logprobs": None}

    def _echoed(self, answer: Answer) -> Sequence[str]:
        return answer.prompt if self._has_echo else ()

    def _choice(self, tokens: Sequence[str], *, offset: int = 0, begins_text: bool = False) -> Choice:
        chances = None
        if self._top is not None:
            chances = legacy(tokens, self._top, offset=offset, begins_text=begins_text)
        return {"text": "".join(tokens), "logprobs": chances}


def _delta(delta: Choice) -> Choice:
    return {"delta": delta, "logprobs": None}


def _call(answer: Answer, index: int) -> Choice:
    function = {"name": answer.joined(Kind.CALL, index), "arguments": answer.joined(Kind.ARGUMENTS, index)}
    return {"id": _call_id(), "type": "function", "function": function}


def _call_id() -> str:
    return f"call_{secrets.token_hex(12)}"
