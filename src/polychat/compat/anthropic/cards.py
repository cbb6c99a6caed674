"""Models as /v1/models shows them to Anthropic's clients."""

from collections.abc import Sequence
from datetime import UTC, datetime

Card = dict[str, object]


def card(name: str, *, created: int, context_length: int | None) -> Card:
    """One model. Its answer may take whatever the prompt leaves of its context."""
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "max_input_tokens": context_length,
        "max_tokens": context_length,
    }


def listing(cards: Sequence[Card]) -> dict[str, object]:
    """All models; there is never a second page."""
    return {
        "data": cards,
        "has_more": False,
        "first_id": cards[0]["id"] if cards else None,
        "last_id": cards[-1]["id"] if cards else None,
    }
