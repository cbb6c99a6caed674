"""The prompts of a completion: how many there are, and their texts where they came as tokens."""

from collections.abc import Callable, Sequence

import msgspec

from polychat.engines.base import Shaped
from polychat.types import Endpoint

Prompt = str | list[str | int | list[int]]


def num_prompts(prompt: Prompt) -> int:
    """A list of tokens is one prompt."""
    return 1 if isinstance(prompt, str) or isinstance(prompt[0], int) else len(prompt)


def with_texts(prompt: Prompt, then: Callable[[list[str]], Shaped]) -> Shaped:
    """What `then` makes of the prompts' texts, after a side call for each that came as tokens."""
    if isinstance(prompt, str):
        return then([prompt])
    if isinstance(prompt[0], str):
        return then([text for text in prompt if isinstance(text, str)])
    return _next([prompt] if isinstance(prompt[0], int) else prompt, [], then)


def _next(prompts: Sequence[object], texts: list[str], then: Callable[[list[str]], Shaped]) -> Shaped:
    if not prompts:
        return then(texts)
    prompt, *rest = prompts

    def told(data: bytes) -> Shaped:
        text: str = msgspec.json.decode(data)["content"]
        return _next(rest, [*texts, text], then)

    body = msgspec.json.encode({"tokens": prompt})
    return Shaped(Endpoint.DETOKENIZE, body, response=told, is_side_call=True)
