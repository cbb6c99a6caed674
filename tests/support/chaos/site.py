"""A whole platform as real processes on fixed ports, restarted when they end."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.chaos.client import Door
from tests.support.chaos.history import Verb
from tests.support.chaos.layout import GATEWAYS, Layout, url_of
from tests.support.chaos.link import Flow, Link
from tests.support.chaos.member import Member
from tests.support.chaos.schedule import Part
from tests.support.postgresql import Server

RESTART_AFTER_S = 0.3
PROBE_WITHIN_S = 1.0
_PROCESS = (Verb.KILL, Verb.TERM, Verb.STOP)
_NETWORK = (Verb.CUT, Verb.STALL, Verb.DELAY)


@dataclass(frozen=True, slots=True)
class Unasked:
    """The end of a process that nobody has caused. The time is the loop's."""

    at_s: float
    name: str
    returncode: int | None


@dataclass
class Site:
    """The members by name, and the links between some of them."""

    folder: Path
    members: dict[str, Member]
    links: dict[str, Link]
    urls: dict[str, str]  # of controller and gateways their own, of workers the one that gateways ask
    doors: tuple[Door, ...]
    replicas: Mapping[str, tuple[str, ...]]  # model -> its workers
    http: httpx.AsyncClient
    server: Server | None = None  # of the database, where it has one
    unasked: list[Unasked] = field(default_factory=list)
    _expected_ends: set[int] = field(default_factory=set)

    def parts(self) -> list[Part]:
        """Everything that a storm may strike."""
        found = [Part(name, name.partition("-")[0], _verbs(name)) for name in self.members]
        if self.server is not None:
            found.append(Part("database", "database", (Verb.END_DATABASE,)))
        return found + [Part(name, name.partition("-")[0], _NETWORK) for name in self.links]

    def expect_end(self, member: Member) -> None:
        """It is about to be killed or told to end."""
        self._expected_ends.add(member.pid)

    async def supervise(self) -> None:
        """Start again what ends, for ever."""
        while True:
            for member in self.members.values():
                if member.is_wanted and not member.is_alive:
                    if member.pid not in self._expected_ends:
                        at_s = asyncio.get_running_loop().time()
                        self.unasked.append(Unasked(at_s, member.name, member.returncode))
                    await asyncio.sleep(RESTART_AFTER_S)
                    member.start()
            await asyncio.sleep(0.05)

    async def is_well(self, name: str) -> bool:
        """Whether a member does its work, as the others see it."""
        member = self.members[name]
        if not member.is_alive or member.is_stopped:
            return False
        facts = await self.json(name)
        if name == "controller":
            return facts is not None
        if name.startswith("gateway"):
            return (
                isinstance(facts, dict)
                and facts["controller_connected"]
                and facts["models_ready"] == len(self.replicas)
            )
        return self.urls[name] in await self.ready()

    async def ready(self) -> set[str]:
        """URLs of the replicas that the controller calls ready."""
        replicas = await self.json("controller", "/replicas")
        if not isinstance(replicas, list):
            return set()
        return {replica["url"] for replica in replicas if replica["state"] == "ready"}

    async def json(self, name: str, path: str = "/health") -> object:
        """What a member answers, None if it does not."""
        try:
            answer = await self.http.get(f"{self.urls[name]}{path}", timeout=PROBE_WITHIN_S)
            document: object = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            return None
        return document


@contextlib.asynccontextmanager
async def running(folder: Path, layout: Layout, *, server: Server | None = None) -> AsyncIterator[Site]:
    """A site in `folder`, all of it well; none of its processes outlives the block."""
    async with httpx.AsyncClient(trust_env=False) as http:
        site = _site(folder, http, layout)
        site.server = server
        try:
            for link in site.links.values():
                await link.set(Flow.OPEN)
            for member in site.members.values():
                member.start()
            await all_well(site, timeout_s=60)
            supervisor = asyncio.create_task(site.supervise())
            try:
                yield site
            finally:
                supervisor.cancel()
                await asyncio.gather(supervisor, return_exceptions=True)
        finally:
            await asyncio.gather(*(asyncio.to_thread(member.end) for member in site.members.values()))
            for link in site.links.values():
                await link.close()


async def all_well(site: Site, *, timeout_s: float) -> None:
    """Until everybody does their work.

    Raises:
        TimeoutError: somebody does not, and is named.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + timeout_s
    while ill := [name for name in site.members if not await site.is_well(name)]:
        if loop.time() > until_s:
            raise TimeoutError(f"not well after {timeout_s:g} s: {', '.join(ill)}")
        await asyncio.sleep(0.1)  # processes have no event to wait for


def strays(folder: Path) -> list[str]:
    """Processes that belong to the site of that folder and still live."""
    found = []
    wanted = f"POLYCHAT_HOME={folder}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(path.name) != os.getpid() and wanted in (path / "environ").read_bytes().split(b"\0"):
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(f"{path.name} {command}")
    return found


def _verbs(name: str) -> tuple[Verb, ...]:
    return (*_PROCESS, Verb.KILL_CHILD) if name.startswith("mini") else _PROCESS


def _site(folder: Path, http: httpx.AsyncClient, layout: Layout) -> Site:
    ports = layout.ports()
    return Site(
        folder,
        layout.members(folder, ports),
        layout.made_links(ports),
        urls={name: url_of(name, ports) for name in layout.names},
        doors=tuple(Door(name, ports[name]) for name in GATEWAYS),
        replicas=layout.replicas(),
        http=http,
    )
