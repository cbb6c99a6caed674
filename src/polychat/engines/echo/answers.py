"""What the echo engine says: the last user message, word by word. Pure functions over a request's JSON.

A token is a word with the space before it; each Chinese, Japanese or Korean character is one by itself. The
answer is the last user message (for completions: the prompt), once. With `"ignore_eos": true`, which load
generators send, it is repeated until `max_tokens` are full.
"""

import base64
import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polychat.errors import RequestError

Json = Mapping[str, object]

_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef"
_TOKEN = re.compile(rf"\s*(?:[{_CJK}]|[^\s{_CJK}]+)|\s+$")
_DEFAULT_MAX_TOKENS = 4096
_DIMENSIONS = 64


@dataclass(frozen=True, slots=True)
class Answer:
    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.tokens)

    def token(self, step: int) -> str | None:
        """The token of that step; None when the answer has ended before it."""
        return self.tokens[step] if step < len(self.tokens) else None


def tokens_of(text: str) -> list[str]:
    """The tokens of a text; joined they are the text again."""
    return _TOKEN.findall(text)


def chat(request: Json) -> Answer:
    """The answer to a chat request."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be a list with at least one message.", param="messages")
    texts = [(message.get("role"), _text_of(message.get("content"))) for message in messages]
    last = next((text for role, text in reversed(texts) if role == "user"), texts[-1][1])
    prompt_tokens = sum(len(tokens_of(text)) for _, text in texts)
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    return _answer(request, last, prompt_tokens, limit)


def completions(request: Json) -> list[Answer]:
    """One answer for each prompt of a completion request."""
    prompt = request.get("prompt", "")
    prompts = prompt if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else [prompt]
    texts = [_prompt_text(each) for each in prompts]
    return [_answer(request, text, len(tokens_of(text)), request.get("max_tokens")) for text in texts]


def embeddings(request: Json) -> tuple[list[str | list[float]], int]:
    """A vector of length 1 for each input, the same for the same text, and the number of tokens."""
    given = request.get("input", "")
    inputs = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in inputs]
    wanted = request.get("dimensions")
    size = wanted if isinstance(wanted, int) and wanted > 0 else _DIMENSIONS
    vectors = [_vector(text, size) for text in texts]
    num_tokens = sum(len(tokens_of(text)) for text in texts)
    if request.get("encoding_format") == "base64":
        return [
            base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() for vector in vectors
        ], num_tokens
    return list(vectors), num_tokens


def _answer(request: Json, text: str, prompt_tokens: int, limit: object) -> Answer:
    max_tokens = limit if isinstance(limit, int) and limit > 0 else _DEFAULT_MAX_TOKENS
    tokens, finish_reason = tokens_of(text), "stop"
    if request.get("ignore_eos") is True and tokens:
        tokens = _repeated(tokens, max_tokens)
    if len(tokens) > max_tokens or request.get("ignore_eos") is True:
        tokens, finish_reason = tokens[:max_tokens], "length"
    whole = "".join(tokens)
    cut = _first_stop(whole, request.get("stop"))
    if cut is not None:
        tokens, finish_reason = tokens_of(whole[:cut]), "stop"
    return Answer(tuple(tokens), finish_reason, prompt_tokens)


def _repeated(tokens: Sequence[str], count: int) -> list[str]:
    again = [tokens[0] if tokens[0][:1].isspace() else f" {tokens[0]}", *tokens[1:]]
    return [*tokens, *(again * (count // len(tokens) + 1))][:count]


def _first_stop(text: str, stop: object) -> int | None:
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    found = [text.find(each) for each in stops if isinstance(each, str) and each]
    return min((at for at in found if at >= 0), default=None)


def _prompt_text(prompt: object) -> str:
    """A prompt may be a list of token ids: then it says the numbers."""
    if isinstance(prompt, list):
        return " ".join(str(token) for token in prompt)
    return prompt if isinstance(prompt, str) else ""


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _vector(text: str, size: int) -> list[float]:
    data = hashlib.shake_128(text.encode()).digest(2 * size)
    values = [number / 32768 - 1 for number in struct.unpack(f"<{size}H", data)]
    length = sum(value * value for value in values) ** 0.5 or 1.0
    return [value / length for value in values]
