"""A model's card, put together from its replicas."""

from polychat.db.conformance import ConformanceResult
from polychat.gateway.cards import card
from polychat.routing.replica import Replica, ReplicaState
from polychat.schema.answers.models import ConformanceNote
from polychat.types import Endpoint, Feature
from tests.support.fake_engine import replica_at


def replica(port: int, **facts: object) -> Replica:
    return replica_at(f"http://127.0.0.1:{port}", **facts)


def result(results: str) -> ConformanceResult:
    return ConformanceResult("fake", "fake", 1700.5, results)


def test_a_chat_model_takes_and_gives_text() -> None:
    said = card("fake", [replica(1, features=frozenset({Feature.TOOLS, Feature.LOGPROBS}))])
    assert said.modalities.input == ["text"]
    assert said.modalities.output == ["text"]
    assert said.endpoints == ["/v1/chat/completions", "/v1/completions"]
    assert said.features == ["logprobs", "tools"]


def test_vision_is_an_input_and_an_embedding_model_gives_embeddings() -> None:
    facts = {"features": frozenset({Feature.VISION}), "endpoints": frozenset({Endpoint.EMBEDDINGS})}
    said = card("fake", [replica(1, **facts)])
    assert said.modalities.input == ["image", "text"]
    assert said.modalities.output == ["embeddings"]
    assert said.features == ["embeddings", "vision"]


def test_a_model_that_hears_and_one_that_speaks() -> None:
    ears = card("fake", [replica(1, endpoints=frozenset({Endpoint.TRANSCRIPTIONS}))])
    mouth = card("fake", [replica(1, endpoints=frozenset({Endpoint.SPEECH}))])
    assert (ears.modalities.input, ears.modalities.output) == (["audio"], ["text"])
    assert (mouth.modalities.input, mouth.modalities.output) == (["text"], ["audio"])


def test_replicas_are_counted_by_state_and_the_shortest_context_is_promised() -> None:
    replicas = [replica(1), replica(2, state=ReplicaState.STARTING, context_length=1024, engine="other")]
    said = card("fake", replicas)
    assert (said.replicas.total, said.replicas.ready, said.replicas.starting, said.replicas.draining) == (
        2,
        1,
        1,
        0,
    )
    assert said.max_model_len == said.context_length == 1024
    assert said.engine == "fake, other"


def test_the_other_names_are_aliases() -> None:
    said = card("fake", [replica(1, names=("org/fake", "fake"))])
    assert said.aliases == ["org/fake"]
    assert said.root == "org/fake"


def test_a_feature_that_one_replica_has_can_be_asked_for() -> None:
    replicas = [replica(1, features=frozenset({Feature.TOOLS})), replica(2, features=frozenset())]
    assert card("fake", replicas).features == ["tools"]


FOUND = """{
    "features": {"tools": "green", "logprobs": "red", "stop": "green", "vision": "none"},
    "scenarios": [{"id": "tools.auto", "outcome": "green"}, {"id": "chat.logprobs", "outcome": "red"},
                  {"id": "images.one", "outcome": "none"}]}"""


def test_unknown_features_are_null_until_conformance_has_found_them() -> None:
    assert card("fake", [replica(1)]).features is None
    found = card("fake", [replica(1)], result(FOUND))
    assert found.features == ["tools"]
    assert found.conformance == ConformanceNote(1700.5, passed=1, failed=["chat.logprobs"])


def test_what_an_engine_knows_of_itself_is_not_overruled_by_conformance() -> None:
    said = card("fake", [replica(1, features=frozenset())], result(FOUND))
    assert said.features == []


def test_a_result_that_cannot_be_read_is_left_out() -> None:
    for results in ("", "[]", "{", '{"features": {"tools": true}}', "null"):
        assert card("fake", [replica(1)], result(results)) == card("fake", [replica(1)])
