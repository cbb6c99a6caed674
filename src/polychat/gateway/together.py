"""What gateway processes of one parent answer for all of them, whichever is asked: parts, and their sums."""

import asyncio
from collections.abc import Mapping
from functools import partial

import msgspec

from polychat.gateway.journey import Journey
from polychat.gateway.processes import METRICS
from polychat.gateway.shared_counts import ALONE
from polychat.gateway.siblings import Part
from polychat.gateway.state import Gateway
from polychat.gateway.sum_metrics import merged
from polychat.schema.answers import admin as answers

CANCEL, RUNNING, HEALTH = "cancel", "running", "health"
GIVE_BACK_S = 1.0
LOOK_S = 0.05  # for places that other processes have left


class Counted(msgspec.Struct, array_like=True):
    """Requests of one process, or of all."""

    in_flight: int
    waiting: int


async def metrics(gateway: Gateway) -> bytes:
    """For Prometheus."""
    own = gateway.metrics.text()
    others = await gateway.settings.siblings.ask(METRICS, own)
    return merged([own, *others]) if others else own


async def counted(gateway: Gateway) -> Counted:
    """The requests at replicas and in line."""
    parts = [_counted(gateway)]
    parts += [
        msgspec.msgpack.decode(part, type=Counted) for part in await gateway.settings.siblings.ask(HEALTH)
    ]
    return Counted(sum(part.in_flight for part in parts), sum(part.waiting for part in parts))


async def running(gateway: Gateway) -> list[answers.RunningRequest]:
    """The calls that run, the oldest first."""
    found = _running(gateway)
    for part in await gateway.settings.siblings.ask(RUNNING):
        found += msgspec.json.decode(part, type=list[answers.RunningRequest])
    return sorted(found, key=lambda request: -request.since_s)


async def cancel(gateway: Gateway, id_: str) -> None:
    """Stop a background response, whoever makes it. Of other hosts: as soon as they look at the database."""
    if id_ in gateway.background.running:
        await gateway.background.cancel(id_)
    else:
        await gateway.settings.siblings.ask(CANCEL, id_.encode())


async def run(gateway: Gateway) -> None:
    """Do this process's part, as long as the task is not cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(gateway.settings.siblings.run(_parts(gateway)))
        if gateway.counts is not ALONE:
            tasks.create_task(_give_back(gateway))
            tasks.create_task(_look_for_places(gateway))


def _parts(gateway: Gateway) -> Mapping[str, Part]:
    return {
        METRICS: partial(_tell_metrics, gateway),
        HEALTH: partial(_tell_counted, gateway),
        RUNNING: partial(_tell_running, gateway),
        CANCEL: partial(_stop_here, gateway),
    }


async def _tell_metrics(gateway: Gateway, body: bytes) -> bytes:
    return gateway.metrics.text()


async def _tell_counted(gateway: Gateway, body: bytes) -> bytes:
    return msgspec.msgpack.encode(_counted(gateway))


async def _tell_running(gateway: Gateway, body: bytes) -> bytes:
    return msgspec.json.encode(_running(gateway))


async def _stop_here(gateway: Gateway, body: bytes) -> bytes:
    await gateway.background.cancel(body.decode())
    return b""


def _counted(gateway: Gateway) -> Counted:
    return Counted(gateway.dispatcher.in_flight.total(), gateway.dispatcher.num_waiting)


async def _look_for_places(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        if gateway.dispatcher.num_waiting:
            gateway.dispatcher.look_again()


async def _give_back(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(GIVE_BACK_S)
        gateway.counts.give_back()


def _running(gateway: Gateway) -> list[answers.RunningRequest]:
    now_s = asyncio.get_running_loop().time()
    return [_request(journey, now_s) for journey in gateway.ledger.running]


def _request(journey: Journey, now_s: float) -> answers.RunningRequest:
    return answers.RunningRequest(
        id=journey.request_id,
        key=journey.caller.key_id,
        key_name=journey.caller.name,
        endpoint=journey.endpoint.value if journey.endpoint else "",
        model=journey.model,
        stream=journey.is_stream,
        since_s=now_s - journey.began_s,
        replica=journey.replica_id,
        attempts=journey.attempts,
        events=journey.events,
    )
