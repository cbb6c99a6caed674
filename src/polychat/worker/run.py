"""From what the command line was told to a running agent."""

import asyncio
import logging
import os
import re
import secrets
import signal
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop

from polychat.engines import machine
from polychat.engines.base import Engine
from polychat.engines.catalog import open_engine
from polychat.engines.selection import Selected, select
from polychat.engines.spec import AS_USUAL, FIRST_PORT, PLAIN, EchoSpeed, EngineSpec, Tuning, base_url
from polychat.engines.store import uses
from polychat.errors import EngineStartError
from polychat.notify import NOBODY, Notifier
from polychat.routing.replica import Replica, served_names
from polychat.worker.address import advertised, host_of
from polychat.worker.agent import Agent, Orders
from polychat.worker.link import Link

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What `polychat worker` was told, word for word."""

    model: str = ""
    names: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int | None = None
    controller: str = ""  # "": no controller
    worker_address: str = ""
    weight: float = 1.0
    engine: str = "auto"
    num_gpus: int | None = None
    context_length: int | None = None
    slots: int | None = None
    revision: str | None = None
    token: str = field(default="", repr=False)
    drain_timeout_s: float = 30.0
    echo: EchoSpeed = AS_USUAL
    tuning: Tuning = PLAIN
    log_folder: Path | None = None  # must exist; None: an engine's log is kept in memory only
    notifier: Notifier = NOBODY
    uses_folder: Path | None = None  # must exist; who looks there sees which model is in use


def run(job: Job) -> None:
    """Serve until SIGTERM or Ctrl-C, then drain; again to end at once.

    Raises:
        EngineStartError: the engine did not start; the end of its log has been printed.
        SetupError: the job cannot be done as told.
    """
    if job.controller:
        host_of(job.controller)
    selected = _selected(job)
    engine_name, model = selected.choice.engine, selected.model
    names = job.names or ((model.id,) if model else (engine_name,))
    secret = secrets.token_urlsafe(24)
    engine = open_engine(
        EngineSpec(
            secret=secret,
            engine=engine_name,
            model=model,
            name=names[0],
            host=job.host,
            port=job.port,
            context_length=job.context_length,
            slots=job.slots,
            num_gpus=job.num_gpus,
            log_path=_log_path(job, names[0]),
            echo=job.echo,
            tuning=job.tuning,
        )
    )
    replica = _replica(engine, names, url=_first_url(job), secret=secret, detail=str(selected.choice))
    replica = replace(replica, weight=job.weight)
    if not job.controller:
        log.info("no controller is told; the engine's key is %s", secret)
    try:
        with uses.hold(job.uses_folder, uses.current(model, names[0])):
            uvloop.run(_serve(job, engine, replica))
    except EngineStartError as exc:
        if exc.log_tail:
            log.error("the end of the engine's log:\n%s", exc.log_tail)
        raise


async def _serve(job: Job, engine: Engine, replica: Replica) -> None:
    link = Link(job.controller, token=job.token) if job.controller else None
    orders = Orders(address_of=lambda url: _advertised(job, url), drain_timeout_s=job.drain_timeout_s)
    agent = Agent(engine, replica, link, orders)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    async with job.notifier.ready():
        await agent.run()


def _advertised(job: Job, url: str) -> str:
    return advertised(url, host=job.host, controller=job.controller, asked=job.worker_address)


def _selected(job: Job) -> Selected:
    selected = select(job.model, engine=job.engine, revision=job.revision, program=job.tuning.program)
    if selected.hint:
        log.info("%s", selected.hint)
    if job.num_gpus and selected.choice.engine == "llamacpp":
        here = machine.here()
        if job.num_gpus > len(here.gpus):  # it runs all the same, on what there is
            log.warning("--num-gpus %d is more than there are: %s", job.num_gpus, here.in_words())
    return selected


def _log_path(job: Job, name: str) -> Path | None:
    """engine-NAME.log, whatever the name has in it."""
    safe = re.sub(r"[^\w.-]+", "-", name.rsplit("/", 1)[-1])[:80]
    return job.log_folder / f"engine-{safe}.log" if job.log_folder else None


def _first_url(job: Job) -> str:
    """Where the engine will be if its port is free. Says now what would fail once the model is loaded."""
    return _advertised(job, base_url(job.host, job.port or FIRST_PORT))


def _replica(engine: Engine, names: tuple[str, ...], *, url: str, secret: str, detail: str) -> Replica:
    return Replica(
        id=f"{os.getpid()}-{secrets.token_hex(8)}",
        url=url,
        names=served_names(names),
        engine=engine.name,
        endpoints=engine.endpoints,
        features=engine.features,
        context_length=engine.context_length,
        created=int(time.time()),
        detail=detail,
        secret=secret,
    )
