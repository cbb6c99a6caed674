"""Listening sockets, bound before a server starts so that a taken port is one clear line."""

import errno
import ipaddress
import socket

from polychat.errors import SetupError

BACKLOG = 2048  # connections the kernel holds for us while every process is busy
KEEPALIVE_PROBES = 3


def bind(host: str, port: int, *, flag: str = "--port", reuse_port: bool = False) -> socket.socket:
    """A listening TCP socket on `host`:`port` (0: the system picks one), ready to hand to a server.

    `flag` is the option that the message names. With `reuse_port` several processes of one user may listen
    there, each of which gets some of the connections.

    Raises:
        SetupError: the port is taken or not ours to take, or the host is no address of this machine.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
    except OSError as exc:
        raise SetupError(
            f"cannot listen on {host}: {exc.strerror or exc}; use --host with an own address"
        ) from exc
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        raise SetupError(_why_not(exc, host, port, flag)) from exc
    sock.set_inheritable(False)
    return sock


def notice_loss(sock: socket.socket, *, within_s: float) -> None:
    """Have the kernel end connections whose other side has gone without a word: cut off, or switched off.

    Both when nothing is under way (it asks) and when something is (it waits for the acknowledgement). What a
    listening socket is told holds for the connections that it makes.
    """
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    every_s = max(1, round(within_s / (KEEPALIVE_PROBES + 1)))
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)  # macOS
    if idle is not None:
        sock.setsockopt(socket.IPPROTO_TCP, idle, every_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, every_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(within_s * 1000))


def _why_not(exc: OSError, host: str, port: int, flag: str) -> str:
    match exc.errno:
        case errno.EADDRINUSE:
            return (
                f"port {port} on {host} is taken; choose another with {flag}, or stop the program that has it"
            )
        case errno.EACCES | errno.EPERM:
            return f"port {port} on {host} needs more rights; choose one above 1023 with {flag}"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; choose another with --host"
        case _:
            return f"cannot listen on {host}:{port}: {exc.strerror or exc}; choose another port with {flag}"


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach a server on `host`."""
    if host in ("localhost", ""):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
