"""What a request pays in the gateway for its key, its limits and the record of its use.

    python benchmarks/accounting.py

Measures the same code path with and without: CPU time of one call of the ledger with a key that has every
limit, the journal and the metrics, against an empty pass. Prints microseconds for each request, and a ratio.
"""

import asyncio
import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

from polychat.db.address import of_file
from polychat.db.database import Database
from polychat.db.keys import new_key
from polychat.db.usage import Usage
from polychat.engines.base import RequestView
from polychat.gateway.answers import Usage as Counts
from polychat.gateway.auth import Keys
from polychat.gateway.journal import Journal
from polychat.gateway.journey import Journey
from polychat.gateway.ledger import Ledger
from polychat.gateway.metrics import Metrics
from polychat.gateway.quota import Quota
from polychat.gateway.routes.inference import view_of
from polychat.gateway.spool import Spool
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

ROUNDS, CALLS = 7, 20_000
BODY = b'{"model":"m","messages":[{"role":"user","content":"Hello there, how are you?"}],"max_tokens":100}'
SECRET = "pc-0123456789abcdef"
LIMITS = {
    "requests_per_minute": 10**9,
    "tokens_per_minute": 10**12,
    "concurrent": 10**6,
    "tokens_per_day": 10**15,
    "gpu_s_per_month": 1e12,
}


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        full, empty = await measured(Path(folder))
    print(
        f"key, limits, usage, metrics: {full:.1f} us a request; empty pass {empty:.1f} us; "
        f"cost {full - empty:.1f} us, ratio {full / empty:.1f} (median of {ROUNDS} rounds of {CALLS})"
    )


async def measured(folder: Path) -> tuple[float, float]:
    """Microseconds of CPU for a request: with everything, and with nothing."""
    database = Database(of_file(folder / "polychat.db"))
    keys = Keys(required=True)
    key = new_key("bench", SECRET, now_s=time.time())
    keys.learn([type(key)(**{name: getattr(key, name) for name in key.__slots__} | LIMITS)], is_all=True)
    quota = Quota(folder / "counts")
    ledger = Ledger(quota)
    ledger.tell(Journal(Usage(database), Spool(folder / "spool"), is_model=lambda name: True).note)
    ledger.tell(Metrics(is_model=lambda name: True).note)
    view = view_of(Endpoint.CHAT, parse_chat(BODY))
    full, empty = [], []
    for _ in range(ROUNDS):
        full.append(await timed(lambda: one(keys, ledger, quota, view)))
        empty.append(await timed(lambda: nothing(view)))
    quota.close()
    await database.close()
    return statistics.median(full), statistics.median(empty)


async def timed(work) -> float:  # type: ignore[no-untyped-def]  # a coroutine function
    began_s = time.process_time()
    for _ in range(CALLS):
        await work()
    return (time.process_time() - began_s) / CALLS * 1e6


async def one(keys: Keys, ledger: Ledger, quota: Quota, view: RequestView) -> None:
    journey = Journey("req_1", keys.check(f"Bearer {SECRET}".encode()))
    with ledger.call(journey, view, model="m", size_bytes=len(BODY)):
        journey.sent_s = journey.first_s = journey.began_s
        journey.usage = Counts(12, 20)
    quota.headers(journey.caller)


async def nothing(view: RequestView) -> None:
    journey = Journey("req_1")
    async with _pass(journey, view):
        journey.usage = Counts(12, 20)


@asynccontextmanager
async def _pass(journey: Journey, view: RequestView):  # type: ignore[no-untyped-def]  # an empty ledger
    yield


if __name__ == "__main__":
    asyncio.run(main())
