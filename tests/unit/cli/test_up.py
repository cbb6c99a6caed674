"""`polychat up`: what is refused before anything starts, and the page it shows."""

import json
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from polychat.cli.ready_page import curl, ready_page
from polychat.cli.up_checks import Wish, plan
from polychat.errors import SetupError
from polychat.placement.roles import Plan
from tests.support.processes import free_ports

PLAN = Plan(models=("builtin",), worker_ports=(21002,))
KEYED = Plan(models=("builtin",), worker_ports=(21002,), port=8001, web_port=None, api_keys=("it's", "k2"))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def wish(*models: str, port: int = 0, worker_port: int | None = None, flags: tuple[str, ...] = ()) -> Wish:
    own, controller = free_ports(2)
    return Wish(
        models or ("echo",),
        port=port or own,
        web_port=None,
        controller_port=controller,
        worker_port=worker_port,
        worker_flags=flags,
    )


def test_a_taken_port_is_refused_with_the_flag_that_changes_it(taken: int) -> None:
    with pytest.raises(SetupError, match=f"port {taken} .*--port"):
        plan(wish(port=taken))


def test_a_taken_worker_port_is_refused_when_it_was_asked_for(taken: int) -> None:
    with pytest.raises(SetupError, match=f"port {taken} .*--worker-port"):
        plan(wish(worker_port=taken))


def test_a_port_asked_for_twice_is_refused() -> None:
    (port,) = free_ports(1)
    with pytest.raises(SetupError, match=f"--port and --controller-port are both {port}"):
        plan(Wish(("echo",), port=port, controller_port=port, web_port=None))


def test_a_workers_port_must_not_be_the_apis() -> None:
    (port,) = free_ports(1)
    with pytest.raises(SetupError, match=r"asked for twice.*--worker-port"):
        plan(wish(port=port, worker_port=port))


def test_each_worker_gets_a_port_of_its_own() -> None:
    made, _ = plan(wish("echo", "echo"))
    assert len(set(made.worker_ports)) == 2


def test_the_first_worker_gets_the_port_asked_for_and_the_others_those_after_it() -> None:
    (port,) = free_ports(1)
    made, _ = plan(wish("echo", "echo", worker_port=port))
    first, second = made.worker_ports
    assert first == port
    assert second > port


def test_the_controller_listens_to_other_machines_only_with_a_token() -> None:
    asked = wish()
    open_to_all = Wish(
        asked.models, host="0.0.0.0", port=asked.port, web_port=None, controller_port=free_ports(1)[0]
    )
    made, _ = plan(open_to_all)
    assert (made.host, made.controller_host) == ("0.0.0.0", "127.0.0.1")


def test_one_name_for_several_models_is_refused() -> None:
    with pytest.raises(SetupError, match="--model-names"):
        plan(wish("echo", "builtin", flags=("--model-names=x",)))


def test_the_page_names_every_address_and_model() -> None:
    page = ready_page(PLAN, models=["polychat-mini", "b"], log_folder=Path("/logs"), took_s=1.25)
    for told in (
        "http://127.0.0.1:8000/v1",
        "http://127.0.0.1:7860",
        "http://127.0.0.1:21001",
        "polychat-mini, b",
        "/logs",
        "`polychat keys create NAME`",
        "Ctrl-C",
    ):
        assert told in page


def test_a_page_left_out_is_said() -> None:
    page = ready_page(KEYED, models=["m"], log_folder=Path("/logs"), took_s=1.0, note="left out: no Gradio")
    assert "Web page    left out: no Gradio" in page


def test_the_curl_line_is_whole_whatever_the_key_and_the_name() -> None:
    words = shlex.split(curl(KEYED, "it's 量"))
    assert words[:2] == ["curl", "http://127.0.0.1:8001/v1/chat/completions"]
    assert "Authorization: Bearer it's" in words
    assert json.loads(words[-1])["model"] == "it's 量"


def test_the_chat_line_says_where_and_with_which_key() -> None:
    page = ready_page(KEYED, models=["m"], log_folder=Path("/logs"), took_s=1.0)
    assert 'polychat chat --api-url http://127.0.0.1:8001 --api-key "it\'s"' in page.replace(
        "'it'\"'\"'s'", '"it\'s"'
    )
