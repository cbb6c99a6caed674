"""POST /v1/score, as vLLM has published it: the request.

Source: https://docs.vllm.ai/en/stable/serving/openai_compatible_server/, Score API.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from polychat.schema.generation import NonEmpty
from polychat.types import Feature

MAX_PAIRS = 10_000
Texts = NonEmpty | Annotated[list[NonEmpty], Meta(min_length=1, max_length=MAX_PAIRS)]
_FIRST = ("text_1", "queries", "data_1")
_SECOND = ("text_2", "documents", "items", "data_2")


class ScoreRequest(msgspec.Struct):
    """POST /v1/score. Each side has several names, of which one is used."""

    model: NonEmpty
    text_1: Texts | None = None
    text_2: Texts | None = None
    queries: Texts | None = None
    documents: Texts | None = None
    items: Texts | None = None
    data_1: Texts | None = None
    data_2: Texts | None = None

    def __post_init__(self) -> None:
        first, second = self._sides
        if len(first) not in (1, len(second)):
            name, other = self.names
            raise ValueError(
                f"[{name}] has {len(first)} texts and '{other}' has {len(second)}; give one, or as many"
            )

    @property
    def names(self) -> tuple[str, str]:
        """Under which names the two sides came."""
        return self._used(_FIRST), self._used(_SECOND)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is compared with what."""
        first, second = self._sides
        return list(zip(first * len(second) if len(first) == 1 else first, second, strict=True))

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        return frozenset()

    @property
    def _sides(self) -> tuple[list[str], list[str]]:
        first, second = (getattr(self, name) for name in self.names)
        return _listed(first), _listed(second)

    def _used(self, names: tuple[str, ...]) -> str:
        used = [name for name in names if getattr(self, name) is not None]
        if not used:
            raise ValueError(f"[{names[0]}] is required")
        if len(used) > 1:
            raise ValueError(f"[{used[1]}] means the same as '{used[0]}'; give one of them")
        return used[0]


def plain(body: bytes, request: ScoreRequest) -> bytes:
    """The body as every engine takes it: with the texts under the names that all know."""
    if request.names == (_FIRST[0], _SECOND[0]):
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    texts = [fields.pop(name) for name in request.names]
    fields["text_1"], fields["text_2"] = texts
    return msgspec.json.encode(fields)


def _listed(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else texts
