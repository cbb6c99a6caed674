"""What every route of one gateway works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polychat.db.address import Address
from polychat.db.database import Database
from polychat.db.keys import StoredKeys
from polychat.db.responses import Responses
from polychat.db.usage import Usage
from polychat.gateway.auth import NO_KEYS, Given, Keys
from polychat.gateway.background import Background
from polychat.gateway.dispatch import AS_USUAL, Dispatcher
from polychat.gateway.follow import ControllerLink
from polychat.gateway.hits import HitReporter
from polychat.gateway.image_fetch import ImageFetcher
from polychat.gateway.images import Images
from polychat.gateway.journal import Journal
from polychat.gateway.key_feed import KeyFeed
from polychat.gateway.ledger import Ledger
from polychat.gateway.line import Rules
from polychat.gateway.metrics import Metrics
from polychat.gateway.quota import Quota
from polychat.gateway.quota.budgets import Budgets
from polychat.gateway.relay import Relay
from polychat.gateway.request_log import RequestLog
from polychat.gateway.response_store import ResponseStore
from polychat.gateway.retries import AS_USUAL as AS_USUAL_RETRIES
from polychat.gateway.retries import RetryRules
from polychat.gateway.shared_counts import ALONE, Counts, opened
from polychat.gateway.siblings import NO_SIBLINGS, Siblings
from polychat.gateway.spool import Spool
from polychat.gateway.standing import Standing
from polychat.gateway.upstream import Upstream
from polychat.routing import policies
from polychat.routing.registry import Registry
from polychat.telemetry.traces import NO_TRACER, Tracer


@dataclass(frozen=True, slots=True)
class Settings:
    """How a gateway was told to work. The command line checks the values."""

    database: Address
    spool: Path  # the folder for what the database does not take at the end
    counts: Path  # the folder of what the gateways of this host count together
    controller_url: str = "http://127.0.0.1:21001"
    token: str = ""
    keys: Given = NO_KEYS
    metrics_token: str = field(default="", repr=False)  # who has it may read /metrics
    tracer: Tracer = NO_TRACER
    request_log: RequestLog = "errors"
    require_keys: bool | None = None  # None: as soon as there is one
    dispatch_method: str = policies.DEFAULT
    allowed_origins: tuple[str, ...] = ()
    queue: Rules = AS_USUAL
    retries: RetryRules = AS_USUAL_RETRIES
    drain_timeout_s: float = 10.0
    client_timeout_s: float = 60.0  # a client that has gone without a word is gone after so long
    max_body_bytes: int = 64 * 1024 * 1024
    keep_responses_days: int = 30  # 0: for ever
    image_hosts: tuple[str, ...] = ()  # clients' images may come from these, public or not
    aliases: Mapping[str, str] = field(default_factory=dict)  # another name for a model -> its own
    is_alone: bool = True  # no other gateway of this host has its replicas
    siblings: Siblings = NO_SIBLINGS  # processes under the same parent


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one gateway, wired together."""

    settings: Settings
    keys: Keys
    key_feed: KeyFeed
    budgets: Budgets
    quota: Quota
    ledger: Ledger
    journal: Journal
    metrics: Metrics
    registry: Registry
    dispatcher: Dispatcher
    upstream: Upstream
    relay: Relay
    controller: ControllerLink
    hits: HitReporter
    database: Database
    responses: ResponseStore
    background: Background
    counts: Counts

    @classmethod
    def of(cls, settings: Settings) -> "Gateway":
        registry, upstream = Registry(settings.aliases), Upstream()
        counts = ALONE if settings.is_alone else opened(settings.counts / "replicas")
        dispatcher = Dispatcher(registry, settings.dispatch_method, rules=settings.queue, counts=counts)
        database, quota = Database(settings.database), Quota(settings.counts)
        ledger, images = (
            Ledger(quota, tracer=settings.tracer),
            Images(ImageFetcher(trusted=settings.image_hosts)),
        )
        journal = Journal(
            Usage(database), Spool(settings.spool), is_model=lambda name: bool(registry.named(name))
        )
        ledger.tell(journal.note)
        metrics = Metrics(is_model=lambda name: bool(registry.named(name)))
        ledger.tell(metrics.note)
        responses = ResponseStore(Responses(database))
        link = ControllerLink(
            settings.controller_url, registry, token=settings.token, on_change=dispatcher.followed
        )
        metrics.registry.register(Standing(registry, dispatcher, is_connected=lambda: link.is_connected))
        keys = Keys(settings.keys, required=settings.require_keys, waits_for_stored=True)
        return cls(
            settings=settings,
            keys=keys,
            key_feed=KeyFeed(StoredKeys(database), keys),
            budgets=Budgets(quota, Usage(database), keys.stored),
            quota=quota,
            ledger=ledger,
            journal=journal,
            metrics=metrics,
            registry=registry,
            dispatcher=dispatcher,
            upstream=upstream,
            relay=Relay(dispatcher, upstream, images, ledger, rules=settings.retries),
            controller=link,
            hits=HitReporter(settings.controller_url, dispatcher.router, token=settings.token),
            database=database,
            responses=responses,
            background=Background(responses.speak_for),
            counts=counts,
        )
