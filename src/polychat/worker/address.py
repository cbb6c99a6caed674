"""At which address gateways find this worker's engine."""

import socket
from urllib.parse import urlsplit

from polychat import listen
from polychat.errors import SetupError

_ANYWHERE = ("0.0.0.0", "::")


def advertised(engine_url: str, *, host: str, controller: str, asked: str) -> str:
    """The URL to announce for an engine that listens on `host` and answers this machine at `engine_url`.

    Raises:
        SetupError: gateways may run elsewhere, and nobody elsewhere can reach the engine.
    """
    if asked:
        return asked if "://" in asked else f"http://{asked}"
    if listen.is_loopback(host) and controller and not listen.is_loopback(host_of(controller)):
        raise SetupError(
            f"the controller at {controller} is on the network but this worker would listen on {host} only; "
            "add --host 0.0.0.0 (or --worker-address, if others reach it by another way)"
        )
    if host not in _ANYWHERE or not controller:
        return engine_url
    ours = _own_address_towards(host_of(controller))
    port = urlsplit(engine_url).port
    return f"http://[{ours}]:{port}" if ":" in ours else f"http://{ours}:{port}"


def host_of(url: str) -> str:
    """The host in a controller's address.

    Raises:
        SetupError: it is not an HTTP URL.
    """
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # the port is not a number
        is_url = False
    if not is_url or not parts.hostname:
        raise SetupError(f"{url!r} is no address of a controller; it looks like http://10.0.0.1:21001")
    return parts.hostname


def _own_address_towards(host: str) -> str:
    """The address of this machine on the route to `host`. Nothing is sent: UDP only looks the route up."""
    try:
        family, _, _, _, target = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(target)
            return str(sock.getsockname()[0])
    except OSError as exc:
        raise SetupError(f"there is no way to the controller's host {host}: {exc.strerror or exc}") from exc
