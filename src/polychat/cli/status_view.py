"""What `polychat status` shows: one row a replica, from the controller's list and the list before it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import msgspec
from rich.table import Table

from polychat.client import normal_url
from polychat.errors import SetupError
from polychat.listen import is_loopback
from polychat.routing.hits import Hits
from polychat.routing.replica import Replica
from polychat.tls import trusted

NO_HITS = Hits()
SETTLE_S = 1.1  # workers report their load each second, so two lists so far apart differ


@dataclass(frozen=True, slots=True)
class Row:
    """One replica as people see it."""

    model: str
    replica: str  # its URL
    engine: str
    state: str
    detail: str
    startup: str  # how long each phase of its start took
    running: int
    waiting: int
    slots: int
    kv_cache_usage: float
    tokens_per_s: float | None  # None until it has been seen twice
    context_length: int | None
    prefix_hits: float | None = (
        None  # of the prompts' tokens, those that were in the KV cache; None: none came
    )


class _Listed(msgspec.Struct):
    """What the controller's list says beside the replica itself."""

    prefix: Hits = Hits()


class Rates:
    """Tokens per second of each replica, from the slope of its counter."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}
        self._rates: dict[str, float] = {}

    def update(self, replica: Replica, *, now_s: float) -> float | None:
        """The rate as of now. A counter that has not moved for less than a second tells nothing new."""
        total = replica.load.output_tokens_total
        before = self._seen.get(replica.id)
        if before is None or total < before[1]:  # new, or its engine was started again
            self._seen[replica.id] = (now_s, total)
        elif now_s - before[0] >= 1.0:
            self._rates[replica.id] = (total - before[1]) / (now_s - before[0])
            self._seen[replica.id] = (now_s, total)
        return self._rates.get(replica.id)


class Source:
    """Reads the controller's list and remembers what rates need."""

    def __init__(self, address: str, token: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = normal_url(address)
        self._rates = Rates()
        self._clock = clock
        self._http = httpx.Client(
            verify=trusted() if self._url.startswith("https:") else False,
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=5.0,
            trust_env=not is_loopback(httpx.URL(self._url).host),
        )

    def rows(self) -> list[Row]:
        """The replicas now, by model and address.

        Raises:
            SetupError: no controller answers there, or it wants another token.
        """
        now_s = self._clock()
        listed = sorted(self._fetch(), key=lambda pair: (pair[0].model, pair[0].url))
        return [row_of(replica, self._rates.update(replica, now_s=now_s), hits) for replica, hits in listed]

    def settled_rows(self) -> list[Row]:
        """The replicas now; looked at twice if any is at work, so that rates are known."""
        rows = self.rows()
        if any(row.running for row in rows):
            time.sleep(SETTLE_S)
            rows = self.rows()
        return rows

    def _fetch(self) -> list[tuple[Replica, Hits]]:
        try:
            response = self._http.get(f"{self._url}/replicas")
        except httpx.TransportError as exc:
            raise SetupError(
                f"no controller answers at {self._url}; start one with `polychat up`, "
                "or give --controller-address"
            ) from exc
        if response.status_code in (401, 403):
            raise SetupError(f"the controller at {self._url} wants its token: give --token or POLYCHAT_TOKEN")
        try:
            content = response.raise_for_status().content
            more = msgspec.json.decode(content, type=list[_Listed])
            replicas = msgspec.json.decode(content, type=list[Replica])
            return list(zip(replicas, [each.prefix for each in more], strict=True))
        except (httpx.HTTPStatusError, msgspec.DecodeError) as exc:
            raise SetupError(f"{self._url} answers, but is no polychat controller") from exc


def row_of(replica: Replica, tokens_per_s: float | None, hits: Hits = NO_HITS) -> Row:
    load = replica.load
    return Row(
        model=replica.model,
        replica=replica.url,
        engine=replica.engine,
        state=str(replica.state),
        detail=replica.detail,
        startup=replica.startup,
        running=load.running,
        waiting=load.waiting,
        slots=load.slots,
        kv_cache_usage=load.kv_cache_usage,
        tokens_per_s=tokens_per_s,
        context_length=replica.context_length,
        prefix_hits=hits.cached_tokens / hits.prompt_tokens if hits.prompt_tokens else None,
    )


_COLOURS = {"ready": "green", "silent": "yellow", "starting": "yellow", "draining": "cyan"}
_HEADINGS = (
    "MODEL",
    "REPLICA",
    "ENGINE",
    "STATE",
    "RUNNING",
    "WAITING",
    "KV CACHE",
    "HITS",
    "TOK/S",
    "CONTEXT",
)


def table(rows: list[Row]) -> Table:
    """One line a replica."""
    shown = Table(*_HEADINGS, box=None, pad_edge=False)
    for column in shown.columns:
        column.overflow = "fold"
    for row in rows:
        colour = _COLOURS.get(row.state, "red")
        shown.add_row(
            row.model,
            row.replica,
            row.engine,
            f"[{colour}]{row.state}[/{colour}]"
            + (f" ({told})" if (told := row.detail or row.startup) else ""),
            f"{row.running}/{row.slots}" if row.slots else str(row.running),
            str(row.waiting),
            f"{row.kv_cache_usage:.0%}",
            "-" if row.prefix_hits is None else f"{row.prefix_hits:.0%}",
            "-" if row.tokens_per_s is None else f"{row.tokens_per_s:.0f}",
            str(row.context_length or "-"),
        )
    return shown
