"""Texts filled in between a prompt and a suffix, by models that were trained for it.

llama.cpp's own /infill writes the prompt with the model's special tokens, but answers in a form of its own.
So that prompt is asked for, and then completed like any other. Seen with xllamacpp 2026.10.
"""

from collections.abc import Callable, Sequence

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import adapters
from polychat.types import Endpoint

PATH = "/infill"
PROBE = msgspec.json.encode({"input_prefix": "", "input_suffix": "", "n_predict": 0})

Tokens = list[int]


class _Written(msgspec.Struct):
    prompt: str


class _Tokens(msgspec.Struct):
    tokens: Tokens


_read_written = msgspec.json.Decoder(_Written).decode
_read_tokens = msgspec.json.Decoder(_Tokens).decode


def with_prompts(
    texts: Sequence[str], suffix: str, view: RequestView, then: Callable[[list[Tokens]], Shaped]
) -> Shaped:
    """What `then` makes of the tokens of each prompt, after the side calls that tell them."""
    return _next(texts, [], lambda text: _asked(text, suffix, view), then)


def without_suffix(body: bytes) -> bytes:
    """The body as llama.cpp's completions take it."""
    document = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    document.pop("suffix", None)
    return msgspec.json.encode(document)


def _asked(text: str, suffix: str, view: RequestView) -> bytes:
    asked = {"input_prefix": text, "input_suffix": suffix, "n_predict": 0}
    return msgspec.json.encode(asked | adapters.wanted(view))


def _next(
    texts: Sequence[str],
    found: list[Tokens],
    asked: Callable[[str], bytes],
    then: Callable[[list[Tokens]], Shaped],
) -> Shaped:
    if not texts:
        return then(found)
    text, *rest = texts

    def written(data: bytes) -> Shaped:
        # the text of special tokens is theirs again, and BOS is among them
        content = {"content": _read_written(data).prompt, "add_special": False, "parse_special": True}
        return Shaped(Endpoint.TOKENIZE, msgspec.json.encode(content), tokenized, is_side_call=True)

    def tokenized(data: bytes) -> Shaped:
        return _next(rest, [*found, _read_tokens(data).tokens], asked, then)

    return Shaped(PATH, asked(text), written, is_side_call=True)
