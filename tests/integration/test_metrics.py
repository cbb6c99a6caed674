"""What Prometheus reads of running processes."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.cluster import ECHO, Cluster
from tests.support.processes import RoleProcess, free_port, wait_until

ADMIN, TOKEN = "admin-key", "metrics-token"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        found = Cluster(stack)
        found.start_worker(*ECHO)
        wait_until(lambda: found.serves("echo"), what="echo is served")
        yield found


def told(url: str, **headers: str) -> dict[str, float]:
    """`name{labels}` -> value, read as strictly as Prometheus reads it."""
    text = httpx.get(f"{url}/metrics", headers=headers, trust_env=False)
    assert text.status_code == 200
    families = text_string_to_metric_families(text.text)
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in families
        for sample in family.samples
    }


def test_the_gateway_counts_requests_tokens_and_refusals(cluster: Cluster) -> None:
    for _ in range(3):
        cluster.ask("one two three")
    with pytest.raises(openai.NotFoundError):
        cluster.ask("x", model="made-up")
    found = told(cluster.api_url)
    of_echo = (
        "[('endpoint', '/v1/chat/completions'), ('model', 'echo'), ('outcome', 'answered'), ('reason', '')]"
    )
    assert found[f"polychat_requests_total{of_echo}"] == 3
    assert found["polychat_tokens_total[('kind', 'completion'), ('model', 'echo')]"] == 9
    assert found["polychat_replicas[('model', 'echo'), ('state', 'ready')]"] == 1
    assert found["polychat_controller_connected[]"] == 1
    assert found["process_resident_memory_bytes[]"] > 1e6
    assert not [name for name in found if "made-up" in name]


def test_the_controller_tells_of_replicas(cluster: Cluster) -> None:
    found = told(cluster.controller_url)
    assert found["polychat_replicas[('model', 'echo'), ('state', 'ready')]"] == 1


def test_where_keys_are_needed_metrics_are_for_admins_and_for_the_token() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "POLYCHAT_API_KEYS": "user-key",
        "POLYCHAT_ADMIN_KEY": ADMIN,
        "POLYCHAT_METRICS_TOKEN": TOKEN,
    }
    nobody = f"http://127.0.0.1:{free_port()}"
    with RoleProcess("api", "--port", str(port), "--controller", nobody, env=environment) as api:
        api.wait_until_answers(f"{url}/health")
        statuses = {
            key: httpx.get(
                f"{url}/metrics", headers={"authorization": f"Bearer {key}"} if key else {}, trust_env=False
            ).status_code
            for key in ("", "wrong", "user-key", ADMIN, TOKEN)
        }
        assert statuses == {"": 401, "wrong": 401, "user-key": 403, ADMIN: 200, TOKEN: 200}
        with_token = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{url}/v1/models", headers=with_token, trust_env=False).status_code == 401


def test_a_clients_own_request_id_is_kept_and_told_in_errors(cluster: Cluster) -> None:
    answer = httpx.post(
        f"{cluster.api_url}/v1/chat/completions",
        json={"model": "none", "messages": [{"role": "user", "content": "x"}]},
        headers={"x-request-id": "mine-42"},
        trust_env=False,
    )
    assert answer.headers["x-request-id"] == "mine-42"
    assert answer.json()["error"]["request_id"] == "mine-42"


@pytest.mark.parametrize("given", ["a b", "x" * 129, "a\tb", ""])
def test_a_request_id_that_cannot_be_one_is_replaced(cluster: Cluster, given: str) -> None:
    answer = httpx.get(f"{cluster.api_url}/health", headers={"x-request-id": given}, trust_env=False)
    assert answer.headers["x-request-id"].startswith("req_")
