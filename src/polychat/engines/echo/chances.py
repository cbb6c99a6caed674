"""Log probabilities that no model computed: fixed for each token, the said one always the likeliest."""

import math
from collections.abc import Sequence

from polychat.engines.echo.tokens import id_of

_OTHERS = tuple(f" other{number}" for number in range(1, 21))


def logprob(token: str) -> float:
    """Between that of 0.5 and that of 1."""
    return round(math.log(0.5 + id_of(token) / 2**32), 6)


def likeliest(token: str, count: int) -> list[tuple[str, float]]:
    """`count` tokens and their log probabilities, likeliest first: the token, then made-up ones."""
    rest = max(1 - math.exp(logprob(token)), 1e-6)
    others = [(other, round(math.log(rest / 2**place), 6)) for place, other in enumerate(_OTHERS, 1)]
    return [(token, logprob(token)), *others][:count]


def chat_entry(token: str, top: int) -> dict[str, object]:
    """One item of a chat's `logprobs.content`."""
    return _entry(token, logprob(token)) | {
        "top_logprobs": [_entry(other, value) for other, value in likeliest(token, top)]
    }


def legacy(tokens: Sequence[str], top: int, *, offset: int, begins_text: bool = False) -> dict[str, object]:
    """A completion's `logprobs`. `offset`: where the first token starts in the choice's text."""
    values: list[float | None] = [logprob(token) for token in tokens]
    tops: list[dict[str, float] | None] = [dict(likeliest(token, top)) for token in tokens]
    if begins_text and tokens:
        values[0] = tops[0] = None  # nothing comes before it that could make it likely
    offsets = [offset + sum(map(len, tokens[:place])) for place in range(len(tokens))]
    return {
        "tokens": list(tokens),
        "token_logprobs": values,
        "top_logprobs": tops if top else None,
        "text_offset": offsets,
    }


def _entry(token: str, value: float) -> dict[str, object]:
    return {"token": token, "logprob": value, "bytes": list(token.encode())}
