"""One chaos run: a site, a load, storms; and what broke a rule."""

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.chaos import leftovers
from tests.support.chaos.asks import Api, Key, Mix, questions
from tests.support.chaos.checker import Checker, Expected
from tests.support.chaos.client import Client
from tests.support.chaos.history import End, Trace, timeline
from tests.support.chaos.load import Load
from tests.support.chaos.schedule import Storm, storms
from tests.support.chaos.site import Site, all_well, running, strays
from tests.support.chaos.storm import RECOVERS_WITHIN_S, Weather
from tests.support.chaos.streams import read
from tests.support.polling import eventually

CALM_S = 3.0
QUIET_WITHIN_S = 10.0
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
        lines = [f"{self.options}: {counts}"]
        if self.violations:
            lines += [f"{len(self.violations)} violations; the logs are in {self.folder}", "Schedule:"]
            lines += [f"  {number}. {storm.shown()}" for number, storm in enumerate(self.storms, 1)]
            lines += ["Who could not work:", self.outages, *self.violations[:MOST_SHOWN]]
        return "\n".join(lines)


async def run(options: Options, folder: Path, say: Callable[[str], None] = lambda line: None) -> Report:
    """Run it to its end; `say` hears of each storm."""
    report = Report(options, folder)
    async with running(folder) as site:
        await _Run(site, report, say).run()
    report.violations += [f"VIOLATION: left over: {stray}" for stray in strays(folder)]
    report.violations += [f"VIOLATION: {end}" for end in site.unasked]
    return report


class _Run:
    def __init__(self, site: Site, report: Report, say: Callable[[str], None]) -> None:
        self._site = site
        self._report = report
        self._say = say
        self._client = Client({key: key.value for key in Key}, self._clock)
        self._start_s = asyncio.get_running_loop().time()
        self._weather = Weather(site, self._clock)
        seed, rate = report.options.seed, report.options.rate
        self._load = Load(self._client, iter(Mix(seed)), site.doors, rate=rate, seed=seed)

    def _clock(self) -> float:
        return asyncio.get_running_loop().time() - self._start_s

    async def run(self) -> None:
        self._checker = Checker(self._weather.outages, await self._undisturbed())
        await self._warm_up()
        before = leftovers.holdings(self._site)
        loading = asyncio.create_task(self._load.run())
        try:
            await self._storms()
        except (AssertionError, TimeoutError) as exc:
            self._report.violations.append(f"VIOLATION: {exc}")
        finally:
            loading.cancel()
            await self._load.ended()
        self._judge()
        await self._check_leftovers(before)
        self._report.outages = timeline(self._weather.outages.all)

    async def _undisturbed(self) -> dict[tuple[Api, str, bool], Expected]:
        """What the built-in model says while nothing is done to it."""
        found = {}
        for ask in questions():
            reading = read(await self._client.ask(ask, self._site.doors))
            assert reading.text, f"{ask} was not answered: {reading}"
            counts = reading.prompt_tokens, reading.completion_tokens
            found[ask.question] = Expected(reading.text, reading.finish, *counts)
        return found

    async def _warm_up(self) -> None:
        """Let every process do its work once before it is measured."""
        asks = itertools.islice(Mix(0), 200)
        chance = random.Random(0)
        doors = self._site.doors
        await asyncio.gather(*(self._client.ask(ask, chance.sample(doors, len(doors))) for ask in asks))

    async def _storms(self) -> None:
        for number, storm in enumerate(storms(self._report.options.seed, self._site.parts()), 1):
            if self._clock() > self._report.options.seconds:
                return
            self._say(f"{self._clock():7.1f} s  storm {number}, {storm.shown()}")
            self._report.storms.append(storm)
            await self._weather.blow(storm)
            await all_well(self._site, timeout_s=RECOVERS_WITHIN_S)
            await asyncio.sleep(CALM_S)
            self._judge()

    def _judge(self) -> None:
        """Judge what has ended, and forget what was in order."""
        traces, self._load.traces = self._load.traces, []
        for trace in traces:
            if rule := self._checker.rule_broken(trace):
                self._report.violations.append(f"VIOLATION: {rule}\n{trace.shown()}")
                self._say(self._report.violations[-1].partition("\n")[0])
            self._report.counts[_kind(trace)] += 1

    async def _check_leftovers(self, before: dict[str, leftovers.Holding]) -> None:
        async def is_quiet() -> bool:
            return not await leftovers.busy(self._site)

        with contextlib.suppress(AssertionError):
            await eventually(is_quiet, timeout_s=QUIET_WITHIN_S)
        told = await leftovers.busy(self._site) + leftovers.grown(before, leftovers.holdings(self._site))
        self._report.violations += [f"VIOLATION: left over: {each}" for each in told]


def _kind(trace: Trace) -> str:
    return "answered" if trace.end is End.WHOLE and trace.status == 200 else _other(trace)


def _other(trace: Trace) -> str:
    return f"status {trace.status}" if trace.end is End.WHOLE else trace.end.value
