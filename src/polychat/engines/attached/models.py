"""The models of a server's `/v1/models`, as far as it tells of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from polychat.types import Endpoint, Feature

USUAL = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS})
"""What a server may do that does not tell: what it cannot, it refuses."""

_Count = int | None


class _Card(msgspec.Struct):
    """One model; servers call its context length by several names."""

    id: str
    root: str | None = None
    parent: str | None = None
    owned_by: str | None = None
    max_model_len: _Count = None  # vLLM, SGLang, polychat
    context_length: _Count = None  # OpenRouter, Together
    context_window: _Count = None  # Groq
    max_context_length: _Count = None  # Mistral
    endpoints: list[str] | None = None  # polychat, as the next
    features: list[str] | None = None


class _List(msgspec.Struct):
    data: list[_Card]


_decode = msgspec.json.Decoder(_List | list[_Card], strict=False).decode  # Together sends a bare list


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a server, under the server's own name."""

    id: str
    adapters: tuple[str, ...] = ()
    context_length: int | None = None  # tokens; None: not told
    endpoints: frozenset[Endpoint] = USUAL
    features: frozenset[Feature] | None = None  # None: not told


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server's list of models says."""

    models: tuple[Model, ...]
    owner: str = ""  # the program, where it signs its models


def listing(body: bytes) -> Listing:
    """Raises msgspec.DecodeError when this is no list of models."""
    answer = _decode(body)
    cards = {card.id: card for card in (answer if isinstance(answer, list) else answer.data) if card.id}
    children: dict[str, list[str]] = {}
    for card in cards.values():
        if card.parent in cards:
            children.setdefault(str(card.parent), []).append(card.id)
    return Listing(
        tuple(_model(card, children) for card in cards.values() if not _is_anothers(card, cards)),
        owner=next((card.owned_by for card in cards.values() if card.owned_by), ""),
    )


def _is_anothers(card: _Card, cards: Mapping[str, _Card]) -> bool:
    """Whether it is an adapter, or only another name, of a model in the same list."""
    return card.parent in cards or (card.root in cards and card.root != card.id)


def _model(card: _Card, children: Mapping[str, list[str]]) -> Model:
    lengths = (card.max_model_len, card.context_length, card.context_window, card.max_context_length)
    return Model(
        card.id,
        adapters=tuple(children.get(card.id, ())),
        context_length=next((length for length in lengths if length), None),
        endpoints=USUAL
        if card.endpoints is None
        else frozenset(each for each in Endpoint if each in card.endpoints),
        features=None
        if card.features is None
        else frozenset(each for each in Feature if each in card.features),
    )
