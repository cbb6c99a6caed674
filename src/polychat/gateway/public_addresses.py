"""Which addresses a client may have the gateway ask: those of the public internet.

A name is looked up once and the connection goes to the address that was checked, so that a name whose
addresses change between check and use gains nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Every address of a host. Raises OSError for a name that has none."""

_TUNNELS = tuple(  # addresses of IPv6 that lead to one of IPv4, or that nobody should use any more
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "fec0::/10",
    )
)


class NotPublic(Exception):
    """The host is, or may be, within somebody's own network. Says neither which address nor why."""


async def resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def public_address(
    host: str, port: int, *, resolve: Resolve = resolve, trusted: Collection[str] = ()
) -> str:
    """An address of the host to connect to.

    Raises:
        NotPublic: one of its addresses is not public, and the host is none of `trusted`.
        OSError: it has no address.
    """
    addresses = await resolve(host, port)
    if not addresses:
        raise OSError(f"{host} has no address")
    if host.lower() not in trusted and not all(map(is_public, addresses)):
        raise NotPublic
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether the address is one of the public internet: no loopback, private, link-local, metadata …"""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in network for network in _TUNNELS):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
