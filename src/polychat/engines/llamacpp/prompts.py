"""The prompts of a completion: how many there are, and their texts where they came as tokens."""

from collections.abc import Callable, Sequence

import msgspec

from polychat.engines.base import Shaped
from polychat.types import Endpoint

_BEGINNING = "\n"  # of a text, for a model of which no other sign for it is known
Prompt = str | list[str | int | list[int]]


def num_prompts(prompt: Prompt) -> int:
    """A list of tokens is one prompt."""
    return 1 if isinstance(prompt, str) or isinstance(prompt[0], int) else len(prompt)


def is_partly_empty(prompt: Prompt) -> bool:
    """Whether the prompt, or one of several, is an empty text."""
    return "" in (prompt if isinstance(prompt, list) else [prompt])


def is_list_of_one(prompt: Prompt) -> bool:
    """Whether the prompt is a list of one text: a model that sees takes the text only."""
    return isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str)


def told(prompt: Prompt) -> Prompt:
    """The prompt as llama.cpp takes it, with a line break for each empty text.

    To these, with `n`, llama.cpp never answers.
    """
    if isinstance(prompt, str):
        return prompt or _BEGINNING
    first, *others = [part or _BEGINNING for part in prompt]
    return [first, *others] if others or not isinstance(first, str) else first


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
