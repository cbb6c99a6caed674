"""Inputs cut to a number of tokens before llama.cpp embeds them, which refuses what is too long.

Seen with xllamacpp 2026.10.
"""

from collections.abc import Callable, Sequence

import msgspec

from polychat.engines.base import Shaped
from polychat.types import Endpoint

Inputs = list[str | list[int]]
_ADDED = 3  # tokens at most that a tokenizer adds to a text: at its start, its end, and a space before it


class _Tokens(msgspec.Struct):
    tokens: list[int]


_read_tokens = msgspec.json.Decoder(_Tokens).decode


def fitted(inputs: Inputs, limit: int, then: Callable[[Inputs], Shaped]) -> Shaped:
    """What `then` asks, with no input longer than `limit` tokens.

    A text's last token is kept: it is the one that marks the end.
    """
    cut: Inputs = [each if isinstance(each, str) else each[:limit] for each in inputs]
    unsure = [index for index, each in enumerate(cut) if isinstance(each, str) and _may_exceed(each, limit)]
    return _after(cut, unsure, limit, then)


def _after(inputs: Inputs, unsure: Sequence[int], limit: int, then: Callable[[Inputs], Shaped]) -> Shaped:
    """One call for the tokens of each text that may be too long, then what `then` asks."""
    if not unsure:
        return then(inputs)
    index, *others = unsure

    def response(data: bytes) -> Shaped:
        ids = _read_tokens(data).tokens
        kept = inputs[index] if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
        return _after([*inputs[:index], kept, *inputs[index + 1 :]], others, limit, then)

    asked = {"content": inputs[index], "add_special": True, "parse_special": True}
    return Shaped(Endpoint.TOKENIZE, msgspec.json.encode(asked), response, is_side_call=True)


def _may_exceed(text: str, limit: int) -> bool:
    """False for a text so short that it fits though each byte were a token."""
    return len(text.encode()) + _ADDED > limit
