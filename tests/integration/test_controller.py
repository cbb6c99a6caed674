"""The controller as a process: who may join it, and what it tells."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from polychat.routing import feed
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint
from tests.support.processes import RoleProcess, free_port, wait_until

REPLICA = Replica(
    "r1", "http://127.0.0.1:1", ("m",), "echo", frozenset({Endpoint.CHAT}), ReplicaState.READY, secret="s3"
)
TOKEN = {"authorization": "Bearer t0ken"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A controller with a token, as on a network; host and port."""
    port = free_port()
    with RoleProcess("controller", "--port", str(port), "--token", "t0ken") as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        yield f"127.0.0.1:{port}"
        assert "Traceback" not in controller.output


@pytest.mark.parametrize("path", ["/watch", "/replicas"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_without_the_token_nothing_is_told(path: str, headers: dict[str, str], address: str) -> None:
    answer = httpx.get(f"http://{address}{path}", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert "--token or POLYCHAT_TOKEN" in answer.json()["error"]["message"]


def test_without_the_token_no_worker_joins(address: str) -> None:
    with pytest.raises(InvalidStatus) as refusal, connect(f"ws://{address}/workers", proxy=None):
        pass
    assert refusal.value.response.status_code == 401


def test_a_page_in_a_browser_cannot_register_a_worker(address: str) -> None:
    headers = TOKEN | {"origin": "http://evil.example"}
    with (
        pytest.raises(InvalidStatus) as refusal,
        connect(f"ws://{address}/workers", additional_headers=headers, proxy=None),
    ):
        pass
    assert refusal.value.response.status_code == 403


def test_a_rebound_name_reads_nothing_from_a_controller_on_loopback() -> None:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        headers = {"host": f"evil.example:{port}"}
        answer = httpx.get(f"http://127.0.0.1:{port}/replicas", headers=headers, trust_env=False)
    assert answer.status_code == 400


def test_a_worker_is_listed_while_it_holds_its_connection_and_its_secret_is_not(address: str) -> None:
    def listed() -> str:
        return httpx.get(f"http://{address}/replicas", headers=TOKEN, trust_env=False).text

    with connect(f"ws://{address}/workers", additional_headers=TOKEN, proxy=None) as websocket:
        websocket.send(feed.encode(feed.Announce(REPLICA)).decode())
        feed.decode_welcome(websocket.recv())
        assert '"r1"' in listed()
        assert "s3" not in listed()
    wait_until(lambda: listed() == "[]", timeout_s=2)


@pytest.mark.parametrize("message", ["{}", "not json", '{"type": "load", "id": 7}'])
def test_a_worker_that_talks_nonsense_is_told_so_and_cut_off(message: str, address: str) -> None:
    with connect(f"ws://{address}/workers", additional_headers=TOKEN, proxy=None) as websocket:
        websocket.send(message)
        with pytest.raises(ConnectionClosedError, match=r"1008.*what is not understood"):
            websocket.recv()


def test_a_worker_that_claims_a_metadata_service_as_its_address_is_told_so_and_cut_off(address: str) -> None:
    trap = replace(REPLICA, id="r2", url="http://169.254.169.254")
    with connect(f"ws://{address}/workers", additional_headers=TOKEN, proxy=None) as websocket:
        websocket.send(feed.encode(feed.Announce(trap)).decode())
        with pytest.raises(ConnectionClosedError, match=r"4403.*169\.254\.169\.254 is"):
            websocket.recv()


def test_a_worker_that_may_not_offer_its_model_ends_with_one_line() -> None:
    port = free_port()
    with RoleProcess("controller", "--port", str(port), "--allow-models", "qwen/*,mini") as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        url = f"http://127.0.0.1:{port}"
        with RoleProcess(
            "worker", "--engine", "echo", "--model-names", "other", "--controller-address", url
        ) as worker:
            assert worker.wait(timeout_s=15) == 1
    assert "refuses this worker: the model 'other' is not among those allowed" in worker.output
    assert "Traceback" not in worker.output


def test_a_worker_that_says_nothing_is_dropped(address: str) -> None:
    with connect(f"ws://{address}/workers", additional_headers=TOKEN, proxy=None) as websocket:
        websocket.send(feed.encode(feed.Announce(REPLICA)).decode())
        feed.decode_welcome(websocket.recv())
        assert set(websocket) == {feed.BEAT.decode()}
        assert "said nothing for 10 s" in str(websocket.close_reason)


def test_without_a_token_it_does_not_listen_on_the_network() -> None:
    with RoleProcess("controller", "--host", "0.0.0.0") as controller:
        assert controller.wait() == 1
    assert controller.output.startswith(
        "polychat: a controller on 0.0.0.0 can be reached from other machines"
    )
    assert "--token SECRET" in controller.output
