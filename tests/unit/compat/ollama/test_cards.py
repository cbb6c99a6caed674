"""What Ollama's clients are told of the models, and of texts as vectors."""

import json
from datetime import UTC, datetime

from polychat.compat.ollama import cards, embeddings
from polychat.routing.replica import Replica
from polychat.types import Endpoint, Feature

CHATS = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS})


def replica(
    *,
    endpoints: frozenset[Endpoint] = CHATS,
    features: frozenset[Feature] | None = None,
    context: int | None = 2048,
) -> Replica:
    return Replica(
        id="r",
        url="http://a",
        names=("m",),
        engine="llamacpp",
        endpoints=endpoints,
        features=features,
        context_length=context,
        created=0,
    )


def test_a_model_of_the_list_has_every_field() -> None:
    card = cards.tag("m", replica())
    assert set(card) == {"name", "model", "modified_at", "size", "digest", "details"}
    assert (card["name"], card["model"], card["modified_at"]) == ("m", "m", datetime(1970, 1, 1, tzinfo=UTC))
    assert isinstance(card["details"], dict)
    assert card["details"]["format"] == "gguf"


def test_a_running_model_stays() -> None:
    card = cards.running("m", replica())
    assert card["context_length"] == 2048
    assert card["expires_at"] == datetime(2300, 1, 1, tzinfo=UTC)


def test_capabilities_are_what_is_known() -> None:
    able = replica(features=frozenset({Feature.TOOLS, Feature.VISION, Feature.SUFFIX}))
    assert cards.show("m", able)["capabilities"] == ["completion", "tools", "insert", "vision"]
    assert cards.show("m", replica())["capabilities"] == ["completion"]
    embeds = replica(endpoints=frozenset({Endpoint.EMBEDDINGS}))
    assert cards.show("m", embeds)["capabilities"] == ["embedding"]


def test_the_context_length_is_found_by_way_of_the_architecture() -> None:
    info = cards.show("m", replica())["model_info"]
    assert isinstance(info, dict)
    assert info[f"{info['general.architecture']}.context_length"] == 2048
    unknown = cards.show("m", replica(context=None))["model_info"]
    assert isinstance(unknown, dict)
    assert not any(name.endswith("context_length") for name in unknown)


def test_vectors_come_in_the_inputs_order() -> None:
    data = [{"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": [0.25]}]
    body = json.dumps({"data": data, "usage": {"prompt_tokens": 4, "total_tokens": 4}}).encode()
    assert json.loads(embeddings.embed(body, model="m", took_ns=7)) == {
        "model": "m",
        "embeddings": [[0.25], [0.5]],
        "total_duration": 7,
        "load_duration": 0,
        "prompt_eval_count": 4,
    }
    assert json.loads(embeddings.legacy(body)) == {"embedding": [0.25]}


def test_nothing_has_no_vector() -> None:
    assert json.loads(embeddings.embed(embeddings.NO_INPUT, model="m", took_ns=7))["embeddings"] == []
    assert json.loads(embeddings.legacy(embeddings.NO_INPUT)) == {"embedding": []}
