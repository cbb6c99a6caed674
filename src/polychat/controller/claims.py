"""What a worker may say of itself: the models that it serves, and where gateways are to find them.

A gateway sends prompts, and the key of a provider, wherever a replica's URL points. Who holds the token is
trusted with a model's answers, but not to point gateways at a cloud's metadata service, at services of the
gateways' own machines, or at another worker's place.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from polychat.routing.replica import Replica

MAX_REPLICAS = 2000  # of one connection: a provider has hundreds of models
LOOKUP_TIMEOUT_S = 2.0
_METADATA = frozenset(  # what clouds answer machines of theirs at, beside link-local addresses
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Every address of a host; none for one that cannot be found."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a controller was told. `models`: patterns as a shell's; none: any model."""

    models: tuple[str, ...] = ()


async def resolve(host: str) -> Sequence[str]:
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):  # gateways may know the way to it
        return ()
    return [str(address[0]) for *_, address in found]


async def refusal(replica: Replica, *, peer: str, rules: Rules, resolve: Resolve = resolve) -> str:
    """Why a worker that speaks from the address `peer` may not announce `replica`; "" if it may."""
    if rules.models and (model := _not_allowed(replica.answers_to, rules.models)):
        return f"the model {model!r} is not among those allowed here (--allow-models)"
    try:
        host = urlsplit(replica.url).hostname or ""
    except ValueError:
        return f"{replica.url!r} is no URL"
    addresses = _addresses(host) or [address for text in await resolve(host) for address in _addresses(text)]
    for address in addresses:
        if why := _why_not(address, peer=peer):
            return f"{host} is {why}: gateways would be sent there; see --worker-address"
    return ""


def _not_allowed(names: Iterable[str], patterns: Sequence[str]) -> str:
    allowed = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
    return next((name for name in names if name not in allowed), "")


def _addresses(text: str) -> list[Address]:
    """The address that `text` is, however it is written; none for a name."""
    if text.lower().rstrip(".") == "localhost":
        return [ipaddress.ip_address("127.0.0.1")]
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(text))  # 127.1, 2130706433, 0x7f.1
        except (OSError, ValueError):
            return []
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        return [inner] if inner else [address]
    return [address]


def _why_not(address: Address, *, peer: str) -> str:
    if address in _METADATA:
        return "a cloud's metadata service"
    if address.is_link_local:
        return "a link-local address"
    if address.is_loopback:
        is_here = all(one.is_loopback for one in _addresses(peer))
        return "" if is_here else "a loopback address, and this worker is on another machine"
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return "no address of a machine"
    return ""
