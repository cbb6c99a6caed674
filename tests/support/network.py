"""Machines that are network namespaces around one router, which can be told to drop what some send to others.

Needs Linux, root and `ip`; `is_possible` says whether there is all of it.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_PORT = "eth9"


def is_possible() -> bool:
    """Whether this process may make network namespaces."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Network:
    """Machines by name, each with an address; this process reaches all of them."""

    addresses: dict[str, str]
    prefix: str  # of the namespaces' names

    @contextmanager
    def on(self, machine: str) -> Iterator[None]:
        """What this thread starts in the block runs on `machine`."""
        with Path("/proc/thread-self/ns/net").open() as here:
            _enter(Path(f"/run/netns/{self.prefix}{machine}"))
            try:
                yield
            finally:
                _setns(here.fileno())

    @contextmanager
    def cut(self, one: str, other: str) -> Iterator[None]:
        """Drop whatever the two send to each other: nobody is told."""
        ways = [(self.addresses[a], self.addresses[b]) for a, b in ((one, other), (other, one))]
        for source, target in ways:
            _ip("-n", f"{self.prefix}r", "rule", "add", "from", source, "to", target, "blackhole")
        try:
            yield
        finally:
            for source, target in ways:
                _ip("-n", f"{self.prefix}r", "rule", "del", "from", source, "to", target, "blackhole")


@contextmanager
def network(*machines: str) -> Iterator[Network]:
    """A network of `machines`, gone with the block."""
    number = os.getpid()
    prefix, net = f"pc{number}-", f"10.{64 + number % 128}"
    with ExitStack() as stack:
        for name in ("r", *machines):
            _ip("netns", "add", prefix + name)
            stack.callback(_ip, "netns", "del", prefix + name)
        _link(prefix, f"v{number % 10_000}", "", f"{net}.0")
        _ip("route", "add", f"{net}.0.0/16", "via", f"{net}.0.1")  # goes with the link
        for place, name in enumerate(machines, start=1):
            _link(prefix, _PORT, name, f"{net}.{place}")
        forward = ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]
        subprocess.run(["ip", "netns", "exec", f"{prefix}r", *forward], check=True)
        yield Network({name: f"{net}.{place}.2" for place, name in enumerate(machines, start=1)}, prefix)


def _link(prefix: str, port: str, machine: str, subnet: str) -> None:
    """Join `machine` ("": this one) with the router."""
    far = f"w{subnet.rpartition('.')[2]}"
    _ip("link", "add", "name", port, "type", "veth", "peer", "name", far, "netns", f"{prefix}r")
    at: tuple[str, ...] = ()
    if machine:
        _ip("link", "set", port, "netns", prefix + machine)
        at = ("-n", prefix + machine)
    for where, name, address in ((at, port, f"{subnet}.2/24"), (("-n", f"{prefix}r"), far, f"{subnet}.1/24")):
        _ip(*where, "addr", "add", address, "dev", name)
        _ip(*where, "link", "set", name, "up")
    if machine:
        _ip(*at, "link", "set", "lo", "up")
        _ip(*at, "route", "add", "default", "via", f"{subnet}.1")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _enter(namespace: Path) -> None:
    with namespace.open() as there:
        _setns(there.fileno())


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
