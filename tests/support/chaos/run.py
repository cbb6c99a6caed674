"""One chaos run: a site, a load, storms; and what broke a rule."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from polychat.db import address
from polychat.db.address import Address
from tests.support import postgresql
from tests.support.chaos import accounts, leftovers
from tests.support.chaos.asks import Ask, Mix, questions
from tests.support.chaos.client import Client
from tests.support.chaos.history import Verb, timeline
from tests.support.chaos.judge import Judge
from tests.support.chaos.layout import Layout
from tests.support.chaos.load import Load
from tests.support.chaos.schedule import Storm, storms
from tests.support.chaos.site import Site, all_well, running, strays
from tests.support.chaos.storm import RECOVERS_WITHIN_S, Weather
from tests.support.polling import eventually

CALM_S = 3.0
QUIET_WITHIN_S = 10.0
WARM_UP = 200  # requests
MOST_SHOWN = 5  # violations; more have the same reason


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is made from: the same options make the same schedule and the same requests."""

    seed: int
    seconds: float
    rate: float = 35.0  # requests per second
    database: str = "sqlite"


@dataclass
class Report:
    """What a run has seen."""

    options: Options
    folder: Path
    violations: list[str] = field(default_factory=list)
    storms: list[Storm] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    outages: str = ""

    def shown(self) -> str:
        """Everything that whoever looks for the reason needs."""
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        lines = [f"{self.options}: {len(self.storms)} storms; {counts}"]
        if self.violations:
            lines += [f"{len(self.violations)} violations; the logs are in {self.folder}", "Schedule:"]
            lines += [f"  {number}. {storm.shown()}" for number, storm in enumerate(self.storms, 1)]
            lines += ["Who could not work:", self.outages]
            lines += [f"VIOLATION: {each}" for each in self.violations[:MOST_SHOWN]]
        return "\n".join(lines)


async def run(options: Options, folder: Path, say: Callable[[str], None] = lambda line: None) -> Report:
    """Run it to its end; `say` hears of each storm."""
    report = Report(options, folder)
    with _database(options, folder) as (used, server):
        keyring = await accounts.made_keys(used)
        async with running(folder, Layout(api_flags=("--db", _url(used))), server=server) as site:
            running_one = _Run(site, report, keyring, say)
            await running_one.run()
        counted = await accounts.counted(used, keyring)  # the gateways have ended: all has been written
    report.violations += running_one.judge.book.disagreements(counted)
    report.violations += [f"left over: {stray}" for stray in strays(folder)]
    report.violations += running_one.unexplained_ends()
    return report


@contextlib.contextmanager
def _database(options: Options, folder: Path) -> Iterator[tuple[Address, postgresql.Server | None]]:
    if options.database == "sqlite":
        yield address.of_file(folder / "polychat.db"), None
        return
    with postgresql.server() as server:
        yield address.parse(server.url), server


def _url(used: Address) -> str:
    return used.url.replace("+aiosqlite", "").replace("+asyncpg", "")


class _Run:
    def __init__(
        self, site: Site, report: Report, keyring: accounts.Keyring, say: Callable[[str], None]
    ) -> None:
        self._site = site
        self._report = report
        self._say = say
        self._client = Client(keyring.secrets, self._clock)
        self._start_s = asyncio.get_running_loop().time()
        self._weather = Weather(site, self._clock)
        self.judge = Judge(self._weather.outages, self._found)

    def _clock(self) -> float:
        return asyncio.get_running_loop().time() - self._start_s

    def _found(self, violation: str) -> None:
        self._report.violations.append(violation)
        self._say(f"VIOLATION: {violation.partition(chr(10))[0]}")

    async def run(self) -> None:
        await self._ask_undisturbed()
        before = leftovers.holdings(self._site)
        options = self._report.options
        load = Load(self._client, self._site.doors, self.judge.take)
        asks = Mix(options.seed)
        loading = asyncio.create_task(load.run(asks, rate=options.rate, seed=options.seed))
        try:
            await self._storms()
        except* (AssertionError, TimeoutError) as group:
            self._report.violations += [str(exc) for exc in group.exceptions]
        finally:
            loading.cancel()
            await load.ended()
        self.judge.judge_all()
        self._report.counts = self.judge.counts
        self._report.outages = timeline(self._weather.outages.all)
        await self._check_leftovers(before)

    def unexplained_ends(self) -> list[str]:
        """Who ended with no reason to. Some have one: a gateway that is started without the database that it
        was told to use, and a worker whose engine is killed while it starts the first time."""
        told = []
        for end in self._site.unasked:
            at_s = end.at_s - self._start_s
            lacks = "database" if end.name.startswith("gateway") else end.name
            struck = {each.verb for each in self._weather.outages.of(lacks, at_s, at_s)}
            if not struck & {Verb.END_DATABASE, Verb.KILL_CHILD}:
                told.append(f"{end.name} ended by itself at {at_s:.3f} s with {end.returncode}")
        return told

    async def _ask_undisturbed(self) -> None:
        """Learn what the built-in model says, and let every process do its work before it is measured."""
        for ask in questions():
            self.judge.learn(await self._client.ask(ask, self._site.doors))
        await asyncio.gather(*(self._warm_up(ask) for ask, _ in zip(Mix(0), range(WARM_UP), strict=False)))

    async def _warm_up(self, ask: Ask) -> None:
        doors = self._site.doors if ask.number % 2 else self._site.doors[::-1]
        self.judge.take(await self._client.ask(ask, doors))

    async def _storms(self) -> None:
        for number, storm in enumerate(storms(self._report.options.seed, self._site.parts()), 1):
            if self._clock() > self._report.options.seconds:
                return
            self._say(f"{self._clock():7.1f} s  storm {number}, {storm.shown()}")
            self._report.storms.append(storm)
            await self._weather.blow(storm)
            await all_well(self._site, timeout_s=RECOVERS_WITHIN_S)
            await asyncio.sleep(CALM_S)
            self.judge.judge(before_s=self._clock() - CALM_S)

    async def _check_leftovers(self, before: dict[str, leftovers.Holding]) -> None:
        async def is_quiet() -> bool:
            return not await leftovers.busy(self._site)

        with contextlib.suppress(AssertionError):
            await eventually(is_quiet, timeout_s=QUIET_WITHIN_S)
        told = await leftovers.busy(self._site) + leftovers.grown(before, leftovers.holdings(self._site))
        self._report.violations += [f"left over: {each}" for each in told]
