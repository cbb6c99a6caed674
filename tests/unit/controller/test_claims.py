from collections.abc import Sequence

import pytest

from polychat.controller.claims import Rules, refusal
from polychat.routing.replica import Replica
from polychat.types import Endpoint

ANY = Rules()
HOSTS = {
    "gpu7.example": ["10.0.0.7"],
    "trap.example": ["10.0.0.7", "169.254.169.254"],
    "home.example": ["127.0.0.1"],
}


async def lookup(host: str) -> Sequence[str]:
    return HOSTS.get(host, [])


def replica(url: str = "http://10.0.0.5:21002", *names: str) -> Replica:
    return Replica("r", url, names or ("m",), "echo", frozenset({Endpoint.CHAT}))


async def why(url: str, peer: str = "10.0.0.5") -> str:
    return await refusal(replica(url), peer=peer, rules=ANY, resolve=lookup)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.5:21002",
        "http://[fd12::5]:21002",
        "http://gpu7.example:1",
        "https://unknown.example",
        "http://8.8.8.8",
    ],
)
async def test_a_worker_may_be_anywhere_on_the_network(url: str) -> None:
    assert await why(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]:80",
        "http://[fd00:ec2::254]",
        "http://100.100.100.200",
        "http://[::ffff:169.254.169.254]",
        "http://[2002:a9fe:a9fe::1]",  # the same by 6to4
        "http://192.0.0.192",
        "http://2852039166",  # 169.254.169.254
        "http://0xa9fea9fe",
        "http://trap.example",
        "http://0.0.0.0:21002",
        "http://[::]:21002",
        "http://224.0.0.1",
        "http://255.255.255.255",
    ],
)
async def test_gateways_are_never_sent_to_metadata_services_or_to_no_machine(url: str) -> None:
    assert "gateways would be sent there" in await why(url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:5432", "http://localhost:1", "http://[::1]:1", "http://127.1", "http://home.example"],
)
async def test_loopback_is_for_workers_on_the_controllers_own_machine(url: str) -> None:
    assert "loopback" in await why(url, peer="10.0.0.5")
    assert await why(url, peer="127.0.0.1") == await why(url, peer="::1") == ""


async def test_every_name_of_a_replica_must_be_allowed() -> None:
    rules = Rules(("qwen/*", "mini"))
    allowed, other = (
        replica("http://10.0.0.5", "qwen/a", "mini"),
        replica("http://10.0.0.5", "qwen/a", "gpt-4"),
    )
    assert await refusal(allowed, peer="10.0.0.5", rules=rules, resolve=lookup) == ""
    assert "'gpt-4' is not among those allowed" in await refusal(
        other, peer="10.0.0.5", rules=rules, resolve=lookup
    )
