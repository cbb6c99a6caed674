"""Does to a site what a storm says, and keeps the list of who could not work when."""

import asyncio
import signal
from collections.abc import Callable

from tests.support.chaos.history import Outage, Outages, Verb
from tests.support.chaos.link import Flow
from tests.support.chaos.member import Member
from tests.support.chaos.schedule import Action, Storm
from tests.support.chaos.site import Site
from tests.support.polling import eventually

MARGIN_S = 1.0  # gateways may learn that much later that somebody is well again
RECOVERS_WITHIN_S = 45.0  # a gateway told to end may drain for 10 s, a worker too
_FLOWS = {Verb.CUT: Flow.CUT, Verb.STALL: Flow.STALLED, Verb.DELAY: Flow.DELAYED}


class Weather:
    """Storms over one site."""

    def __init__(self, site: Site, clock: Callable[[], float]) -> None:
        self.outages = Outages(dict(site.replicas))
        self._database = asyncio.Lock()
        self._site = site
        self._clock = clock

    async def blow(self, storm: Storm) -> None:
        """All actions of the storm, until the last one has been undone."""
        async with asyncio.TaskGroup() as group:
            for action in storm.actions:
                group.create_task(self._act(action))

    async def _act(self, action: Action) -> None:
        await asyncio.sleep(action.at_s)
        outage = Outage(_who(action.part), action.verb, self._clock())
        self.outages.all.append(outage)
        if action.part in self._site.links:
            await self._strike_link(action)
        elif action.verb is Verb.END_DATABASE:
            await self._strike_database(action)
        else:
            await self._strike_member(action)
        await eventually(lambda: self._is_well(outage), timeout_s=RECOVERS_WITHIN_S)
        outage.until_s = self._clock() + MARGIN_S

    async def _strike_link(self, action: Action) -> None:
        link = self._site.links[action.part]
        await link.set(_FLOWS[action.verb])
        await asyncio.sleep(action.lasts_s)
        await link.set(Flow.OPEN)

    async def _strike_database(self, action: Action) -> None:
        assert self._site.server is not None
        async with self._database:  # two actions may overlap, and there is one server
            await asyncio.to_thread(self._site.server.stop)
            await asyncio.sleep(action.lasts_s)
            await asyncio.to_thread(self._site.server.start)

    async def _strike_member(self, action: Action) -> None:
        member = self._site.members[action.part]
        match action.verb:
            case Verb.STOP:
                member.send(signal.SIGSTOP)
                await asyncio.sleep(action.lasts_s)
                member.send(signal.SIGCONT)
            case Verb.KILL_CHILD:
                member.kill_child()
            case Verb.KILL | Verb.TERM:
                before = len(member.lives)
                self._site.expect_end(member)
                member.send(signal.SIGKILL if action.verb is Verb.KILL else signal.SIGTERM)
                await eventually(lambda: _lives_again(member, before), timeout_s=RECOVERS_WITHIN_S)

    async def _is_well(self, outage: Outage) -> bool:
        name = outage.name  # a link, or a database that has been started again, is well
        return name not in self._site.members or await self._site.is_well(name)


async def _lives_again(member: Member, lives: int) -> bool:
    return len(member.lives) > lives


def _who(part: str) -> str:
    """Who cannot work when a part is struck. A gateway that is cut off from its controller can."""
    name, _, kind = part.partition(" ")
    return part if kind == "control" and name.startswith("gateway") else name
