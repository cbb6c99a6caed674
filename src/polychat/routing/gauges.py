"""What replicas report of themselves, for Prometheus: gateways and the controller tell it alike."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from polychat.routing.registry import Registry
from polychat.routing.replica import ReplicaState


class Replicas(Collector):
    """The replicas of a registry, as they are when somebody asks."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return replica_gauges(self._registry)


def replica_gauges(registry: Registry) -> Iterable[GaugeMetricFamily]:
    """What replicas report of themselves."""
    labels = ("model", "replica")
    states: Counter[tuple[str, str]] = Counter((replica.model, str(replica.state)) for replica in registry)
    count = GaugeMetricFamily("polychat_replicas", "Replicas by state.", labels=("model", "state"))
    for model in {replica.model for replica in registry}:
        for state in ReplicaState:  # none is a number, too: alerts wait for it
            count.add_metric((model, state), states[model, str(state)])
    running = GaugeMetricFamily("polychat_replica_running", "Requests in the engine's batch.", labels=labels)
    waiting = GaugeMetricFamily("polychat_replica_waiting", "Requests in the engine's queue.", labels=labels)
    cache = GaugeMetricFamily(
        "polychat_replica_kv_cache_usage_ratio", "Of the KV cache's blocks, those in use.", labels=labels
    )
    tokens = GaugeMetricFamily(
        "polychat_replica_output_tokens", "Tokens generated since the engine's start.", labels=labels
    )
    for replica in registry:
        of = (replica.model, replica.id)
        running.add_metric(of, replica.load.running)
        waiting.add_metric(of, replica.load.waiting)
        cache.add_metric(of, replica.load.kv_cache_usage)
        tokens.add_metric(of, replica.load.output_tokens_total)
    return count, running, waiting, cache, tokens
