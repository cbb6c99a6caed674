"""What `up` starts, as values."""

import json
from typing import Any

import pytest

from polychat.placement import outside_roles, roles
from polychat.placement.roles import Plan

PLAN = Plan(models=("builtin",), worker_ports=(21002,))
FULL = Plan(
    models=("builtin", "a.gguf"),
    worker_ports=(21002, 21005),
    host="0.0.0.0",
    controller_host="0.0.0.0",
    port=8001,
    api_keys=("k1", "k2"),
    internal_key="of-this-run",
    token="secret",
    worker_flags=("--slots=2",),
    database="postgresql://me:hidden@db/poly",
    keep_responses_days=7,
)


def replicas(**fields: Any) -> bytes:
    return json.dumps([{"url": "http://127.0.0.1:21002", "state": "ready", "detail": ""} | fields]).encode()


def test_each_model_gets_a_worker_on_its_port_with_the_same_flags() -> None:
    first, second = roles.workers(FULL)
    assert (first.name, second.name) == ("worker-1", "worker-2")
    assert first.arguments[:4] == ("worker", "builtin", "--port", "21002")
    assert second.arguments[:4] == ("worker", "a.gguf", "--port", "21005")
    assert first.arguments[-1] == second.arguments[-1] == "--slots=2"


def test_keys_passwords_and_the_token_travel_by_environment_and_never_in_a_command_line() -> None:
    everything = [roles.controller(FULL), *roles.workers(FULL), roles.api(FULL), roles.web(FULL)]
    assert not any(
        secret in word
        for role in everything
        for word in role.arguments
        for secret in ("k1", "secret", "hidden", "of-this-run")
    )
    assert roles.api(FULL).environment == {
        "POLYCHAT_TOKEN": "secret",
        "POLYCHAT_API_KEYS": "k1,k2",
        "POLYCHAT_INTERNAL_KEY": "of-this-run",
        "POLYCHAT_DB": "postgresql://me:hidden@db/poly",
    }
    assert roles.web(FULL).environment == {"POLYCHAT_API_KEY": "of-this-run"}
    assert "k1" not in repr(everything)
    assert "hidden" not in repr((everything, FULL))


def test_the_api_is_told_how_long_responses_are_kept() -> None:
    assert roles.api(FULL).arguments[-2:] == ("--keep-responses-days", "7")


def test_a_server_on_every_address_is_reached_over_loopback() -> None:
    assert FULL.api_url == "http://127.0.0.1:8001"
    assert roles.reachable("::") == "[::1]"
    assert roles.reachable("::1") == "[::1]"
    assert roles.reachable("10.0.0.1") == "10.0.0.1"


def test_what_others_use_is_stopped_after_them() -> None:
    ranked = [roles.web(PLAN), roles.api(PLAN), roles.workers(PLAN)[0], roles.controller(PLAN)]
    assert [role.stop_rank for role in ranked] == [0, 1, 2, 3]


def test_stopping_everything_takes_less_than_5_s() -> None:
    ranked = [roles.web(PLAN), roles.api(PLAN), roles.workers(PLAN)[0], roles.controller(PLAN)]
    assert sum(role.stop_within_s for role in ranked) < 4.8


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (replicas(), ""),
        (replicas(state="starting"), "starting"),
        (replicas(state="starting", detail="loading weights"), "starting: loading weights"),
        (replicas(url="http://127.0.0.1:1"), "not registered yet"),
        (b"[]", "not registered yet"),
    ],
)
def test_a_worker_is_ready_when_the_controller_says_so(body: bytes, missing: str) -> None:
    assert roles.workers(PLAN)[0].ready.missing(body) == missing


def test_the_api_is_ready_when_it_lists_a_model() -> None:
    check = roles.api(PLAN).ready
    assert check.missing(b'{"data": []}') == "no model yet"
    assert check.missing(b'{"data": [{"id": "x"}]}') == ""


OUTSIDE = Plan(
    models=("builtin", "echo"),
    worker_ports=(21002, 21003),
    worker_flags=("--slots=2",),
    model_flags=(("--slots=4",), ()),
    attached=("http://10.0.0.2:8000/v1", "h:1"),
    attach_key_env="H_KEY",
    remotes=("acme",),
    token="secret",
)


def beside(state: str = "ready", *, url: str = "http://10.0.0.2:8000", name: str = "") -> bytes:
    return replicas(url=url, state=state, detail="why", outside={"name": name})


def test_a_models_own_flags_come_after_those_of_all() -> None:
    first, second = roles.workers(OUTSIDE)
    assert first.arguments[-2:] == ("--slots=2", "--slots=4")
    assert second.arguments[-1] == "--slots=2"


def test_each_server_that_runs_already_has_a_worker_of_its_own() -> None:
    one, two, acme = outside_roles.workers(OUTSIDE)
    assert [role.name for role in (one, two, acme)] == ["attached-1", "attached-2", "remote-acme"]
    assert one.arguments[:5] == ("worker", "--attach", OUTSIDE.attached[0], "--attach-key-env", "H_KEY")
    assert acme.arguments[:3] == ("worker", "--remote", "acme")
    assert acme.environment == {"POLYCHAT_TOKEN": "secret"}
    assert "--slots=2" not in (*one.arguments, *acme.arguments)


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (beside(), ""),
        (beside("starting"), "starting: why"),
        (beside(url="http://10.0.0.2:8001"), "not registered yet"),
        (b"[]", "not registered yet"),
    ],
)
def test_an_attached_server_is_ready_when_a_model_of_it_is(body: bytes, missing: str) -> None:
    assert outside_roles.workers(OUTSIDE)[0].ready.missing(body) == missing


def test_a_provider_that_is_away_keeps_nobody_waiting() -> None:
    check = outside_roles.workers(OUTSIDE)[2].ready
    assert check.missing(beside("starting", name="acme")) == ""
    assert check.missing(beside(name="other")) == "not registered yet"


def test_a_server_with_the_port_of_a_worker_is_not_taken_for_it() -> None:
    assert roles.workers(PLAN)[0].ready.missing(beside(url="http://10.0.0.2:21002")) == "not registered yet"
