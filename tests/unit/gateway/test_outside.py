"""What servers outside refuse, and what a client is told of it."""

import pytest

from polychat.engines.base import RequestView
from polychat.errors import NotImplementedByModel, PlatformError, ReplicaBusy, ReplicaUnavailable
from polychat.gateway.outside import refusal, scrubbed
from polychat.gateway.upstream import Address, Labels, labels_for
from polychat.routing.replica import Outside, Replica
from polychat.types import Endpoint

REMOTE = Replica(
    "r",
    "https://api.example",
    ("m",),
    "openai",
    frozenset({Endpoint.CHAT}),
    secret="sk-hush",
    upstream_model="vendor/m",
    outside=Outside("acme", "ACME_KEY", headers=(("x-team", "a"),)),
)
ATTACHED = Replica("a", "http://h:1", ("m",), "vllm", frozenset({Endpoint.CHAT}), outside=Outside())
VIEW = RequestView(Endpoint.EMBEDDINGS, "m")


def told(
    status: int, body: bytes = b"", *, retry_after: bytes = b"", replica: Replica = REMOTE
) -> PlatformError:
    error = refusal(status, body, retry_after, replica, VIEW)
    assert error is not None
    return error


def test_a_wrong_key_of_ours_is_not_the_clients_and_names_the_variable() -> None:
    error = told(401, b'{"error":{"message":"Incorrect API key provided: sk-h***sh"}}')
    assert (error.status, error.code) == (502, "replica_error")
    assert "ACME_KEY" in str(error)
    assert "sk-h" not in str(error)


@pytest.mark.parametrize(
    ("replica", "fix"),
    [
        (ATTACHED, "--attach-key-env"),
        (Replica("r", "http://h", ("m",), "openai", frozenset(), outside=Outside("p")), "key_env"),
    ],
)
def test_a_key_that_is_missing_is_told_with_the_option_that_names_it(replica: Replica, fix: str) -> None:
    assert fix in str(told(401, replica=replica))


def test_a_key_that_a_provider_repeats_is_not_passed_on() -> None:
    body = scrubbed(b'{"error":{"message":"sk-hush may not do this"}}', REMOTE)
    assert "sk-hush" not in str(told(403, body))
    assert "may not do this" in str(told(403, body))


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_route_that_the_server_has_not_got_is_not_its_models(status: int) -> None:
    assert isinstance(told(status, b'{"detail":"Not Found"}', replica=ATTACHED), NotImplementedByModel)


@pytest.mark.parametrize(
    "message",
    [
        "The model `vendor/m` does not exist.",
        'model \\"m\\" not found, try pulling it first',
        "Unknown model: m",
    ],
)
def test_a_model_that_the_server_no_longer_has_is_told_as_such(message: str) -> None:
    error = told(404, f'{{"error":{{"message":"{message}"}}}}'.encode())
    assert error.status == 502
    assert "has no model 'vendor/m'" in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"), [(b"7", "7"), (b"", "2"), (b"Wed, 21 Oct", "2"), (b"9" * 12, "3600")]
)
def test_a_busy_server_says_when_to_come_back(header: bytes, seconds: str) -> None:
    error = told(429, b'{"error":{"message":"slow down"}}', retry_after=header)
    assert isinstance(error, ReplicaBusy)
    assert (error.status, error.headers) == (429, {"retry-after": seconds})
    assert "slow down" in str(error)


@pytest.mark.parametrize("status", [402, 500, 529])
def test_what_a_provider_cannot_do_now_another_replica_may(status: int) -> None:
    assert isinstance(told(status), ReplicaUnavailable)


@pytest.mark.parametrize(("status", "replica"), [(400, REMOTE), (500, ATTACHED)])
def test_the_clients_faults_and_an_attached_engines_own_failures_are_told_as_any_engines(
    status: int, replica: Replica
) -> None:
    assert refusal(status, b"", b"", replica, VIEW) is None


def test_an_engine_of_ours_is_not_outside() -> None:
    ours = Replica("o", "http://h", ("m",), "echo", frozenset())
    assert refusal(401, b"", b"", ours, VIEW) is None
    assert labels_for(ours, "req").more == ()


def test_a_provider_gets_its_key_and_headers_and_our_name() -> None:
    head = Address.of(REMOTE.url).head("/v1/models", labels_for(REMOTE, "req_1"), size_bytes=2).decode()
    for line in ("authorization: Bearer sk-hush", "x-team: a", "user-agent: polychat", "host: api.example"):
        assert f"\r\n{line}\r\n" in head


def test_a_port_is_told_unless_it_is_the_usual_one() -> None:
    assert b"host: h:80\r\n" in Address.of("http://h").head("/", Labels(), size_bytes=0)
    assert b"host: h:8443\r\n" in Address.of("https://h:8443").head("/", Labels(), size_bytes=0)


def test_keys_are_in_no_repr() -> None:
    assert "sk-hush" not in repr((REMOTE, labels_for(REMOTE, "req_1")))
