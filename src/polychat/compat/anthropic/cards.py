"""Models as /v1/models shows them to Anthropic's clients."""

from collections.abc import Sequence
from datetime import UTC, datetime

from polychat.schema.answers.models import ModelCard

Shown = dict[str, object]


def shown(card: ModelCard) -> Shown:
    """One model. Its answer may take whatever the prompt leaves of its context."""
    return {
        "type": "model",
        "id": card.id,
        "display_name": card.id,
        "created_at": datetime.fromtimestamp(card.created, UTC),
        "lifecycle": "active",
        "max_input_tokens": card.max_model_len,
        "max_tokens": card.max_model_len,
    }


def listing(cards: Sequence[ModelCard]) -> Shown:
    """All models; there is never a second page."""
    return {
        "data": [shown(card) for card in cards],
        "has_more": False,
        "first_id": cards[0].id if cards else None,
        "last_id": cards[-1].id if cards else None,
    }
