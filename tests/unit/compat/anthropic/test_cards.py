"""Models as Anthropic's clients see them."""

import json

import msgspec

from polychat.compat.anthropic import cards
from polychat.gateway.cards import card
from tests.support.fake_engine import replica_at

MODELS = [card(name, [replica_at("http://a", created=1_700_000_000)]) for name in ("a/b", "b")]


def test_a_model_has_a_name_a_time_and_its_context_length() -> None:
    assert json.loads(msgspec.json.encode(cards.shown(MODELS[0]))) == {
        "type": "model",
        "id": "a/b",
        "display_name": "a/b",
        "created_at": "2023-11-14T22:13:20Z",
        "lifecycle": "active",
        "max_input_tokens": 2048,
        "max_tokens": 2048,
    }


def test_the_list_is_one_page() -> None:
    listing = cards.listing(MODELS)
    assert listing.items() >= {"has_more": False, "first_id": "a/b", "last_id": "b"}.items()
    assert listing["data"] == [cards.shown(model) for model in MODELS]


def test_a_list_without_models_has_neither_first_nor_last() -> None:
    assert cards.listing([]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
