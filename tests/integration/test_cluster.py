"""Controller, workers and gateway as processes, and what each of them survives."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.cluster import ECHO, Cluster
from tests.support.processes import get_json, wait_until


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack)


def test_a_killed_worker_is_gone_from_the_gateway_at_once(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))
    worker.kill()
    wait_until(lambda: not cluster.serves("echo"), timeout_s=2.0)


def test_a_stopped_worker_is_gone_within_12_s_and_back_when_it_goes_on(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))
    worker.send(signal.SIGSTOP)
    wait_until(lambda: not cluster.serves("echo"), timeout_s=12.0)
    worker.send(signal.SIGCONT)
    wait_until(lambda: cluster.serves("echo"), timeout_s=10.0)
    assert cluster.ask("still there?") == "still there?"


def test_requests_go_on_while_the_controller_is_dead_and_after_it_is_back(cluster: Cluster) -> None:
    cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))
    cluster.controller.kill()
    assert cluster.ask("without controller") == "without controller"
    cluster.start_controller()
    wait_until(lambda: bool(cluster.ready_urls()), timeout_s=10, what="the worker to register again")
    assert cluster.ask("with a new one") == "with a new one"


def test_killing_one_of_two_workers_under_load_loses_no_request_that_had_not_begun(cluster: Cluster) -> None:
    victim = cluster.start_worker(*ECHO)
    cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))

    def ask(number: int) -> str:
        if number == 40:
            victim.kill()
        return cluster.ask(f"question {number}")

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(ask, range(200)))
    assert said == [f"question {number}" for number in range(200)]


def test_two_workers_of_one_model_share_the_load(cluster: Cluster) -> None:
    cluster.start_worker(*ECHO)
    cluster.start_worker(*ECHO)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cluster.ask, ["one two three"] * 100))

    def tokens() -> list[int]:
        replicas = get_json(f"{cluster.controller_url}/replicas")
        assert isinstance(replicas, list)
        return [replica["load"]["output_tokens_total"] for replica in replicas]

    wait_until(lambda: sum(tokens()) == 300, what="both workers to have reported")
    assert min(tokens()) > 60
