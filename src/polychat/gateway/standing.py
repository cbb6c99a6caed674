"""How things stand at a gateway at this moment, for Prometheus."""

from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from polychat.gateway.dispatch import Dispatcher
from polychat.routing.gauges import replica_gauges
from polychat.routing.registry import Registry


class Standing(Collector):
    """How things stand at this moment: read from the gateway when somebody asks."""

    def __init__(
        self, registry: Registry, dispatcher: Dispatcher, *, is_connected: Callable[[], bool]
    ) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._is_connected = is_connected

    def collect(self) -> Iterable[GaugeMetricFamily]:
        connected = GaugeMetricFamily("polychat_controller_connected", "1 while the controller is followed.")
        connected.add_metric((), float(self._is_connected()))
        yield connected
        yield self._waiting()
        yield self._in_flight()
        yield from replica_gauges(self._registry)
        failing = GaugeMetricFamily(
            "polychat_replica_failures", "Failures in a row, 0 when it answers.", labels=("model", "replica")
        )
        for replica in self._registry:
            failing.add_metric((replica.model, replica.id), self._dispatcher.breakers.failures(replica.id))
        yield failing

    def _waiting(self) -> GaugeMetricFamily:
        waiting = GaugeMetricFamily(
            "polychat_requests_waiting", "Requests that wait for a replica.", labels=("model", "priority")
        )
        for model, (interactive, batch) in self._dispatcher.queues().items():
            waiting.add_metric((model, "interactive"), interactive)
            waiting.add_metric((model, "batch"), batch)
        return waiting

    def _in_flight(self) -> GaugeMetricFamily:
        running = GaugeMetricFamily(
            "polychat_requests_in_flight", "Requests that this gateway has at replicas.", labels=("model",)
        )
        tally: Counter[str] = Counter()
        in_flight = self._dispatcher.in_flight
        for replica in self._registry:
            tally[replica.model] += in_flight[replica.id]
        for model, count in tally.items():
            running.add_metric((model,), count)
        return running
