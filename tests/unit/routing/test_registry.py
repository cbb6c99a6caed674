from dataclasses import replace

import pytest

from polychat.errors import NoReplicaAvailable, NotImplementedByModel, UnknownModel
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState, served_names
from polychat.types import Endpoint, Load

QWEN = Replica("r1", "http://a", ("qwen",), "echo", frozenset({Endpoint.CHAT}), ReplicaState.READY)


def registry_of(*replicas: Replica) -> Registry:
    registry = Registry()
    for replica in replicas:
        registry.put(replica)
    return registry


def test_a_ready_replica_is_offered_for_what_it_serves() -> None:
    assert registry_of(QWEN).ready("qwen", Endpoint.CHAT) == [QWEN]


def test_a_model_nobody_serves_is_unknown_not_unavailable() -> None:
    with pytest.raises(UnknownModel, match="'gpt-5' is not served here"):
        registry_of(QWEN).ready("gpt-5", Endpoint.CHAT)


def test_a_replica_that_is_starting_gets_nothing_and_the_error_says_why() -> None:
    starting = replace(QWEN, state=ReplicaState.STARTING, detail="engine restarts in 2 s")
    with pytest.raises(NoReplicaAvailable, match=r"starting \(engine restarts in 2 s\)"):
        registry_of(starting).ready("qwen", Endpoint.CHAT)


def test_a_draining_replica_gets_nothing_new() -> None:
    other = replace(QWEN, id="r2")
    assert registry_of(replace(QWEN, state=ReplicaState.DRAINING), other).ready("qwen", Endpoint.CHAT) == [
        other
    ]


def test_a_silent_replica_is_asked_only_if_no_other_is_ready() -> None:
    silent, other = replace(QWEN, state=ReplicaState.SILENT), replace(QWEN, id="r2")
    assert registry_of(silent, other).ready("qwen", Endpoint.CHAT) == [other]
    assert registry_of(silent).ready("qwen", Endpoint.CHAT) == [silent]


def test_a_route_no_replica_of_the_model_offers_is_not_implemented() -> None:
    with pytest.raises(NotImplementedByModel, match="does not serve /v1/embeddings"):
        registry_of(QWEN).ready("qwen", Endpoint.EMBEDDINGS)


def test_a_load_report_changes_only_the_load() -> None:
    registry = registry_of(QWEN)
    assert registry.report_load("r1", Load(running=3))
    assert registry.get("r1") == replace(QWEN, load=Load(running=3))


def test_a_load_report_of_a_stranger_is_not_recorded() -> None:
    registry = registry_of(QWEN)
    assert not registry.report_load("stranger", Load())
    assert len(registry) == 1


def test_a_model_answers_to_its_full_id_and_to_its_basename() -> None:
    assert served_names(("meta-llama/Llama-2-7b-chat-hf",)) == (
        "meta-llama/Llama-2-7b-chat-hf",
        "Llama-2-7b-chat-hf",
    )


def test_a_name_without_a_slash_is_served_once() -> None:
    assert served_names(("a", "org/a", "b")) == ("a", "org/a", "b")


@pytest.mark.parametrize(("names", "url"), [((), "http://a"), (("",), "http://a"), (("m",), "file:///etc")])
def test_a_replica_without_a_name_or_an_http_url_is_refused(names: tuple[str, ...], url: str) -> None:
    with pytest.raises(ValueError, match="replica 'r'"):
        Replica("r", url, names, "echo", frozenset())


def test_an_alias_means_the_replicas_of_its_model() -> None:
    registry = Registry({"gpt-4o": "qwen", "later": "absent"})
    registry.put(QWEN)
    assert registry.ready("gpt-4o", Endpoint.CHAT) == [QWEN]
    assert (registry.meant("gpt-4o"), registry.meant("qwen")) == ("qwen", "qwen")
    assert registry.by_name() == {"qwen": [QWEN], "gpt-4o": [QWEN]}
    with pytest.raises(UnknownModel, match="'later'"):
        registry.ready("later", Endpoint.CHAT)


def test_a_name_that_a_replica_has_goes_before_an_alias() -> None:
    registry = Registry({"gpt-4o": "qwen"})
    real = replace(QWEN, id="r2", names=("gpt-4o",))
    registry.put(QWEN)
    registry.put(real)
    assert (registry.named("gpt-4o"), registry.meant("gpt-4o")) == ([real], "gpt-4o")


def test_an_alias_may_mean_an_adapter() -> None:
    registry = Registry({"support": "qwen-support"})
    registry.put(replace(QWEN, adapters=("qwen-support",)))
    assert registry.meant("support") == "qwen-support"
    assert list(registry.by_name()) == ["qwen", "qwen-support", "support"]
