"""The dashboard and the alerts ask for metrics and labels that there are, and the docs name every metric."""

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from polychat.gateway.dispatch import Dispatcher
from polychat.gateway.metrics import Metrics
from polychat.gateway.standing import Standing
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint
from tests.unit.gateway.test_metrics import record

ROOT = Path(__file__).parents[3]
_SELECTOR = re.compile(r"\b((?:polychat|process)_[a-z_]+)(?:\{([^}]*)\})?")
_FROM_PROMETHEUS = {"job", "instance", "le"}


def told() -> dict[str, set[str]]:
    """Every name that a gateway can tell -> its labels."""
    registry = Registry()
    registry.put(Replica("r", "http://x", ("m",), "echo", frozenset({Endpoint.CHAT}), ReplicaState.READY))
    dispatcher = Dispatcher(registry, "least_loaded")
    metrics = Metrics(is_model=lambda name: True)
    metrics.registry.register(Standing(registry, dispatcher, is_connected=lambda: True))
    metrics.note(record(attempts=3, continued=1))
    metrics.note_http("/health", "GET", 200)
    found: dict[str, set[str]] = {"polychat_requests_waiting": {"model", "priority"}}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> list[str]:
    dashboard = json.loads((ROOT / "deploy/grafana/polychat.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [*asked, (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")]


def test_every_metric_that_is_asked_for_is_told_with_these_labels() -> None:
    known = told()
    wrong = []
    for expression in expressions():
        for name, selector in _SELECTOR.findall(expression):
            labels = set(re.findall(r"(\w+)\s*=~?", selector)) - _FROM_PROMETHEUS
            if name not in known or not labels <= known[name]:
                wrong.append((name, labels))
    assert wrong == []


def test_every_label_by_which_is_summed_is_one_of_the_metrics() -> None:
    known = told()
    for expression in expressions()[:-1]:
        names = {name for name, _ in _SELECTOR.findall(expression)}
        summed = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
        assert summed - _FROM_PROMETHEUS <= set.union(*(known[name] for name in names)), expression


def test_every_panel_shows_something_and_has_a_title_and_a_place_of_its_own() -> None:
    panels = json.loads((ROOT / "deploy/grafana/polychat.json").read_text(encoding="utf-8"))["panels"]
    assert all(panel["title"] and panel["targets"] for panel in panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)


def test_the_docs_name_every_metric() -> None:
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    ours = {
        re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told() if name.startswith("polychat_")
    }
    assert {name for name in ours if f"`{name}`" not in page} == set()
