"""The metrics of several gateway processes as those of one."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from polychat.telemetry import metrics

COUNTED = ("counter", "histogram")
_SUMMED = frozenset(
    {
        "polychat_requests_waiting",
        "polychat_requests_in_flight",
        "process_virtual_memory_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
    }
)
_LEAST = frozenset({"polychat_controller_connected", "process_start_time_seconds"})


def merged(texts: Sequence[bytes]) -> bytes:
    """Counts are added up; of what all see alike, such as a replica's load, the most is told."""
    return _text(_merged(texts))


def counters_of(*texts: bytes) -> bytes:
    """What processes that are gone had counted: a sum that goes down would tell of calls that never were."""
    given = [text for text in texts if text]
    return _text([family for family in _merged(given) if family.type in COUNTED]) if given else b""


def _merged(texts: Iterable[bytes]) -> list[Metric]:
    families: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], float]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            of_family = values.setdefault(family.name, {})
            for sample in family.samples:
                at = sample.name, frozenset(sample.labels.items())
                known = of_family.get(at)
                together = sample.value if known is None else _together(family, known, sample.value)
                of_family[at] = together
    for name, family in families.items():
        for (sample_name, labels), value in values[name].items():
            family.add_sample(sample_name, dict(labels), value)
    return list(families.values())


def _together(family: Metric, one: float, other: float) -> float:
    if family.type in COUNTED or family.name in _SUMMED:
        return one + other
    return min(one, other) if family.name in _LEAST else max(one, other)


class _Given(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _text(families: Sequence[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    return metrics.text(registry)
