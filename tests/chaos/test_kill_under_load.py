"""kill -9 at 200 requests per second: nothing is lost, and the dead are noticed within a second."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.chaos.asks import ECHO, Api, Ask, Key
from tests.support.chaos.client import Client
from tests.support.chaos.history import Outage, Outages, Trace, Verb
from tests.support.chaos.judge import Judge
from tests.support.chaos.layout import Layout
from tests.support.chaos.load import Load
from tests.support.chaos.site import Site, all_well, running
from tests.support.polling import eventually

RATE = 200.0  # requests per second
BEFORE_S, AFTER_S = 2.0, 3.0
NOTICED_WITHIN_S = 1.0
LAYOUT = Layout(dict.fromkeys(("echo-1", "echo-2", "echo-3"), ECHO), links=(), slots=64)


def asks() -> Iterator[Ask]:
    """Short streams and whole answers in turn."""
    for number in itertools.count(1):
        api = (Api.CHAT, Api.CHAT, Api.COMPLETIONS)[number % 3]
        words = " ".join(f"{number}.{position}" for position in range(2 + number % 8))
        yield Ask(number, api, ECHO, words, stream=api is Api.CHAT and number % 2 == 0)


@dataclass
class Loaded:
    """A site under load, and what its clients see."""

    site: Site
    judge: Judge
    outages: Outages
    violations: list[str]
    traces: list[Trace]

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def kill(self, name: str) -> Outage:
        """kill -9; the outage is over when the site says so."""
        member = self.site.members[name]
        outage = Outage(name, Verb.KILL, self.clock())
        self.outages.all.append(outage)
        self.site.expect_end(member)
        member.send(signal.SIGKILL)
        return outage


@pytest.fixture
async def loaded(tmp_path: Path) -> AsyncIterator[Loaded]:
    async with running(tmp_path, LAYOUT) as site:
        violations: list[str] = []
        outages = Outages(dict(site.replicas))
        made = Loaded(site, Judge(outages, violations.append), outages, violations, [])
        client = Client({Key.MAIN: "any"}, made.clock)
        load = Load(client, site.doors, made.traces.append)
        loading = asyncio.create_task(load.run(asks(), rate=RATE, seed=1))
        await asyncio.sleep(BEFORE_S)
        yield made
        await all_well(site, timeout_s=30)
        loading.cancel()
        await load.ended()


@pytest.mark.parametrize("name", ["controller", "gateway-1", "echo-1"])
async def test_a_kill_at_200_requests_a_second_loses_nothing(loaded: Loaded, name: str) -> None:
    outage = await loaded.kill(name)
    await asyncio.sleep(AFTER_S)
    await all_well(loaded.site, timeout_s=30)
    outage.until_s = loaded.clock()
    for trace in loaded.traces:
        loaded.judge.take(trace)
    loaded.judge.judge_all()
    assert not loaded.violations, loaded.violations[0]
    assert loaded.judge.counts["answered"] > RATE * (BEFORE_S + AFTER_S) * 0.9


async def test_a_killed_worker_is_missed_by_every_gateway_within_a_second(loaded: Loaded) -> None:
    gone = loaded.site.members["echo-1"]
    gone.is_wanted = False
    outage = await loaded.kill("echo-1")
    await eventually(lambda: all_see(loaded.site, 2), timeout_s=NOTICED_WITHIN_S)
    assert loaded.clock() - outage.from_s < NOTICED_WITHIN_S
    gone.is_wanted = True


async def all_see(site: Site, num_ready: int) -> bool:
    """Whether every gateway knows of so many ready replicas."""
    seen = [await site.json(door.name) for door in site.doors]
    return all(isinstance(facts, dict) and facts["replicas_ready"] == num_ready for facts in seen)
