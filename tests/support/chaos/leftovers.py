"""What a site may not keep: slots, waiting requests, file descriptors, memory, processes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.chaos.site import Site
from tests.support.processes import descendants

MORE_FDS = 16  # idle connections to engines and to the database stay open for a while
MORE_RSS_MIB = 64.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Holding:
    """What one process has. Linux only."""

    fds: int
    rss_mib: float


def holding(pid: int) -> Holding:
    """Raises FileNotFoundError: there is no such process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Holding(len(os.listdir(f"/proc/{pid}/fd")), pages * _PAGE_BYTES / 2**20)


def holdings(site: Site) -> dict[str, Holding]:
    """Of every member, and of the engines' own processes."""
    found = {name: holding(member.pid) for name, member in site.members.items()}
    for name, member in site.members.items():
        for number, pid in enumerate(sorted(descendants(member.pid))):
            found[f"{name} child {number}"] = holding(pid)
    return found


def grown(before: Mapping[str, Holding], after: Mapping[str, Holding]) -> list[str]:
    """Who has much more than before."""
    told = [f"{name} is new" for name in after.keys() - before.keys()]
    for name, now in after.items():
        then = before.get(name, now)
        if now.fds > then.fds + MORE_FDS:
            told.append(f"{name} has {now.fds} file descriptors, before {then.fds}")
        if now.rss_mib > then.rss_mib + MORE_RSS_MIB:
            told.append(f"{name} has {now.rss_mib:.0f} MiB, before {then.rss_mib:.0f}")
    return told


async def busy(site: Site) -> list[str]:
    """Who still counts a request, when there is none."""
    told = []
    for door in site.doors:
        facts = await site.json(door.name)
        if not isinstance(facts, dict) or facts["in_flight"] or facts["waiting"]:
            told.append(f"{door.name} says {facts}")
    replicas = await site.json("controller", "/replicas")
    if not isinstance(replicas, list):
        return [*told, "the controller lists no replicas"]
    for replica in replicas:
        if replica["load"]["running"] or replica["load"]["waiting"]:
            told.append(f"{replica['url']} says {replica['load']}")
    return told
