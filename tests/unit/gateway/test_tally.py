from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from polychat.gateway.tally import Seconds, counters, histograms

BOUNDS = (0.005, 0.5, 1, 30)
TIMES_S = st.lists(st.sampled_from([0.0, 0.005, 0.0051, 0.5, 1.0, 30.0, 31.0, -0.25]))


def samples(family: Metric) -> dict[tuple[str, ...], float]:
    return {(each.name, *each.labels.values()): each.value for each in family.samples}


@given(TIMES_S, TIMES_S)
def test_times_are_told_as_prometheus_own_histogram_does(some: list[float], more: list[float]) -> None:
    registry = CollectorRegistry()
    reference = Histogram("polychat_wait_seconds", "What.", ["model"], registry=registry, buckets=BOUNDS)
    child = reference.labels("m")
    told = [(("m",), Seconds(BOUNDS)), (("m",), Seconds(BOUNDS))]
    for (_, seconds), times_s in zip(told, (some, more), strict=True):
        for time_s in times_s:
            child.observe(time_s)
            seconds.observe(time_s)
    expected = {name: value for name, value in samples(_only(reference)).items() if "_created" not in name[0]}
    found = samples(histograms("wait", "What.", "model", told))
    assert found.keys() == expected.keys()
    assert all(abs(found[name] - expected[name]) < 1e-9 for name in found)


def _only(collector: Collector) -> Metric:
    (family,) = collector.collect()
    return family


def test_a_counter_is_told_by_its_labels() -> None:
    family = counters("asked", "What.", "model status", {("m", 200): 3})
    assert samples(family) == {("polychat_asked_total", "m", "200"): 3}
