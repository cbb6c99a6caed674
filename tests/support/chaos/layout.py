"""What a site consists of: command lines and ports, worked out before anything is started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.chaos.asks import ECHO, MINI
from tests.support.chaos.link import Link
from tests.support.chaos.member import Member
from tests.support.processes import free_ports

GATEWAYS = ("gateway-1", "gateway-2")


def _all_workers() -> dict[str, str]:
    return {"echo-1": ECHO, "echo-2": ECHO, "echo-3": ECHO, "mini-1": MINI, "mini-2": MINI}


@dataclass(frozen=True)
class Layout:
    """A controller, two gateways, and workers, of which some are reached through links that can fail."""

    workers: Mapping[str, str] = field(default_factory=_all_workers)  # name -> model
    links: tuple[str, ...] = ("gateway-2 control", "echo-2 control", "echo-3 link", "mini-2 link")
    slots: int = 8
    tokens_per_s: float = 100.0  # of the echo
    api_flags: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return ("controller", *GATEWAYS, *self.workers)

    def replicas(self) -> dict[str, tuple[str, ...]]:
        """Model -> its workers."""
        models = dict.fromkeys(self.workers.values())
        return {
            model: tuple(name for name in self.workers if self.workers[name] == model) for model in models
        }

    def ports(self) -> dict[str, int]:
        """One for each process and link."""
        wanted = (*self.names, *self.links)
        return dict(zip(wanted, free_ports(len(wanted)), strict=True))

    def made_links(self, ports: Mapping[str, int]) -> dict[str, Link]:
        return {name: Link(ports[name], ports[_target(name)]) for name in self.links}

    def members(self, folder: Path, ports: Mapping[str, int]) -> dict[str, Member]:
        lines: dict[str, tuple[str, ...]] = {}
        lines["controller"] = ("controller", "--port", str(ports["controller"]))
        for name in GATEWAYS:
            lines[name] = ("api", "--port", str(ports[name]), *_controlled(name, ports), *self.api_flags)
        lines |= {name: self._worker(name, ports) for name in self.workers}
        return {name: Member(name, line, folder) for name, line in lines.items()}

    def _worker(self, name: str, ports: Mapping[str, int]) -> tuple[str, ...]:
        own = ("--port", str(ports[name]), "--slots", str(self.slots), "--drain-timeout", "10")
        address = ("--worker-address", url_of(name, ports))
        if self.workers[name] == MINI:
            return ("worker", "builtin", *own, *address, *_controlled(name, ports))
        speed = ("--model-names", ECHO, "--echo-tokens-per-s", str(self.tokens_per_s))
        return ("worker", "echo", *speed, *own, *address, *_controlled(name, ports))


def url_of(name: str, ports: Mapping[str, int]) -> str:
    """Where a process is asked: through its link, if it has one."""
    return f"http://127.0.0.1:{ports.get(f'{name} link', ports[name])}"


def _target(link: str) -> str:
    name, kind = link.split(" ")
    return "controller" if kind == "control" else name


def _controlled(name: str, ports: Mapping[str, int]) -> tuple[str, str]:
    port = ports.get(f"{name} control", ports["controller"])
    return "--controller-address", f"http://127.0.0.1:{port}"
