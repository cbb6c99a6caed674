"""From what the command line was told of a server that runs already to a running agent."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import uvloop

from polychat import listen
from polychat.engines.attached.models import Listing
from polychat.engines.attached.offers import Wish, wish_of
from polychat.engines.attached.remote import Remote
from polychat.engines.attached.server import Access, Server
from polychat.errors import SetupError
from polychat.notify import NOBODY, Notifier
from polychat.routing.replica import Outside
from polychat.worker.address import host_of
from polychat.worker.attach import Attachment, Terms
from polychat.worker.link import Link

REMOTE_POLL_S = 30.0  # providers count requests
REMOTE_PATIENCE = 2


@dataclass(frozen=True, slots=True)
class AttachJob:
    """What `polychat worker --attach` or `--remote` was told."""

    access: Access
    outside: Outside = field(default_factory=Outside)
    wish: Wish | None = None  # of a provider; None: by `names`
    names: tuple[str, ...] = ()  # --model-names
    engine: str = "auto"
    controller: str = ""  # "": no controller
    worker_address: str = ""
    weight: float = 1.0
    token: str = field(default="", repr=False)
    drain_timeout_s: float = 30.0
    notifier: Notifier = NOBODY


def job_of(remote: Remote, environment: Mapping[str, str]) -> AttachJob:
    """The job for a provider, for whoever runs it to complete.

    Raises:
        SetupError: a variable that it names is not set.
    """
    outside = Outside(
        remote.name,
        max_concurrent=remote.limits.max_concurrent,
        requests_per_minute=remote.limits.requests_per_minute,
    )
    return AttachJob(remote.access(environment), outside, remote.wish, engine=remote.engine)


def run(job: AttachJob) -> None:
    """Speak for the server until SIGTERM or Ctrl-C.

    Raises:
        SetupError: the job cannot be done as told.
    """
    if job.controller:
        _require_reachable(job)
    uvloop.run(_serve(job))


async def _serve(job: AttachJob) -> None:
    is_remote = bool(job.outside.name)
    terms = Terms(
        wish=lambda found: _wish(job, found),
        outside=replace(job.outside, key_env=job.access.key_env, headers=job.access.headers),
        secret=job.access.key,
        address=job.worker_address.rstrip("/"),
        weight=job.weight,
        poll_s=REMOTE_POLL_S if is_remote else 1.0,
        patience=REMOTE_PATIENCE if is_remote else 1,
        drain_timeout_s=job.drain_timeout_s,
    )
    server = Server(job.access, engine=job.engine, must_list=not (job.wish and job.wish.is_sure))
    link = Link(job.controller, token=job.token) if job.controller else None
    attachment = Attachment(server, terms, link)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, attachment.stop)
    async with job.notifier.ready():
        await attachment.run()


def _wish(job: AttachJob, found: Listing) -> Wish:
    if job.wish is not None:
        return job.wish
    return wish_of(job.names, found.models) if job.names else Wish()


def _require_reachable(job: AttachJob) -> None:
    """Gateways elsewhere cannot come to a server by this machine's own loopback."""
    host, url = host_of(job.controller), job.access.places[0].url
    if not job.worker_address and listen.is_loopback(host_of(url)) and not listen.is_loopback(host):
        raise SetupError(
            f"the controller at {job.controller} is on the network, but others cannot reach {url}; attach "
            "the server by this machine's address, or give --worker-address"
        )
