import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from polychat.db import address
from polychat.db.database import Database
from polychat.db.usage import Account, Batch, Sums, Usage, Wanted
from polychat.errors import DatabaseUnavailable
from polychat.gateway.answers import Usage as Tokens
from polychat.gateway.caller import Caller
from polychat.gateway.journal import Journal
from polychat.gateway.journey import Outcome, Record
from polychat.gateway.spool import Spool
from polychat.types import Endpoint
from tests.support.polling import eventually

ANN = Caller("key_ann", "ann")
ONE = Record(
    request_id="r",
    caller=ANN,
    endpoint=Endpoint.CHAT,
    model="m",
    is_stream=False,
    outcome=Outcome.ANSWERED,
    reason="",
    replica_id="w",
    engine="echo",
    attempts=1,
    continued=0,
    usage=Tokens(10, 5, 4),
    waited_s=0.0,
    ttft_s=0.25,
    duration_s=1.5,
    engine_s=0.5,
)
SUMS = Sums(1, 10, 4, 5, 1, 0.25, 1.5, 0.5)
NOON_S = 1_795_435_200.0  # of 2026-11-23, UTC


class Unsteady(Usage):
    """A database that now and then fails, before it has counted a batch or after."""

    def __init__(self, database: Database, troubles: list[str]) -> None:
        super().__init__(database)
        self._troubles = troubles

    async def add(self, batch: Batch, *, now_s: float) -> bool:
        trouble = self._troubles.pop(0) if self._troubles else ""
        if trouble == "away":
            raise DatabaseUnavailable
        is_new = await super().add(batch, now_s=now_s)
        if trouble == "answer lost":
            raise DatabaseUnavailable
        return is_new


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(address.of_file(tmp_path / "test.db"))
    yield database
    await database.close()


def _journal(database: Database, folder: Path, *troubles: str) -> Journal:
    return _over(Unsteady(database, list(troubles)), folder)


def _over(usage: Usage, folder: Path) -> Journal:
    return Journal(usage, Spool(folder / "spool"), is_model=lambda name: name == "m", now_s=lambda: NOON_S)


async def _requests(database: Database) -> int:
    totals = await Usage(database).totals([], Wanted())
    return totals[Account()].requests if totals else 0


async def test_calls_are_summed_by_day_key_model_endpoint_and_outcome(
    database: Database, tmp_path: Path
) -> None:
    journal = _journal(database, tmp_path)
    for record in (ONE, ONE, replace(ONE, outcome=Outcome.FAILED, usage=None, ttft_s=None)):
        journal.note(record)
    await journal.flush()
    account = Account("2026-11-23", "key_ann", "m", "/v1/chat/completions", "answered")
    assert await Usage(database).totals(["day", "key", "model", "endpoint", "outcome"], Wanted()) == {
        account: SUMS + SUMS,
        dataclasses.replace(account, outcome="failed"): Sums(1, duration_s=1.5, engine_s=0.5),
    }


async def test_models_that_there_are_not_share_one_account(database: Database, tmp_path: Path) -> None:
    journal = _journal(database, tmp_path)
    for name in ("gpt-17", "\0", "x" * 1000):
        journal.note(replace(ONE, model=name, attempts=0, outcome=Outcome.REFUSED))
    await journal.flush()
    assert list(await Usage(database).totals(["model"], Wanted())) == [Account()]


async def test_nothing_opens_the_database_before_the_first_call(database: Database, tmp_path: Path) -> None:
    journal = _journal(database, tmp_path)
    await journal.flush()
    assert not database.is_open


async def test_what_was_not_taken_is_sent_again(database: Database, tmp_path: Path) -> None:
    journal = _journal(database, tmp_path, "away")
    journal.note(ONE)
    with pytest.raises(DatabaseUnavailable):
        await journal.flush()
    journal.note(ONE)
    await journal.flush()
    assert await _requests(database) == 2


async def test_a_batch_whose_answer_is_lost_counts_once(database: Database, tmp_path: Path) -> None:
    journal = _journal(database, tmp_path, "answer lost")
    journal.note(ONE)
    with pytest.raises(DatabaseUnavailable):
        await journal.flush()
    journal.note(ONE)
    await journal.flush()
    assert await _requests(database) == 2


async def test_what_runs_writes_by_itself_and_through_troubles(database: Database, tmp_path: Path) -> None:
    journal = _journal(database, tmp_path, "away")
    running = asyncio.create_task(journal.run())
    journal.note(ONE)

    async def is_written() -> bool:
        return await _requests(database) == 1

    await eventually(is_written)
    running.cancel()


async def test_what_the_database_does_not_take_at_the_end_is_taken_in_later(
    database: Database, tmp_path: Path
) -> None:
    ending = _journal(database, tmp_path, "away", "answer lost")
    ending.note(ONE)
    with pytest.raises(DatabaseUnavailable):
        await ending.flush()
    ending.note(ONE)
    await ending.close()
    (kept,) = (tmp_path / "spool").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600

    for _ in range(2):
        await _journal(database, tmp_path).take_in()
    assert not kept.exists()
    assert await _requests(database) == 2


async def test_a_file_that_is_no_list_of_batches_is_set_aside(database: Database, tmp_path: Path) -> None:
    kept = tmp_path / "spool" / "usage-x.jsonl"
    kept.parent.mkdir()
    kept.write_text("half a li")
    await _journal(database, tmp_path).take_in()
    assert kept.with_suffix(".broken").exists()


async def test_a_call_counts_on_the_day_on_which_it_ends(database: Database, tmp_path: Path) -> None:
    clock = [NOON_S]
    journal = Journal(
        Usage(database), Spool(tmp_path), is_model=lambda name: True, now_s=lambda: clock.pop(0)
    )
    midnight_s = NOON_S + 43_200
    clock[:] = [midnight_s - 0.1, midnight_s, midnight_s - 86_400, *[NOON_S] * 9]
    for _ in range(3):
        journal.note(ONE)
    await journal.flush()
    days = {account.day: sums.requests for account, sums in (await _by_day(database)).items()}
    assert days == {"2026-11-23": 2, "2026-11-24": 1}


async def _by_day(database: Database) -> dict[Account, Sums]:
    return await Usage(database).totals(["day"], Wanted())


async def test_memory_does_not_grow_with_requests_while_the_database_is_away(
    database: Database, tmp_path: Path
) -> None:
    journal = _journal(database, tmp_path, *["away"] * 3)
    for _ in range(3):
        for _ in range(1000):
            journal.note(ONE)
            journal.note(replace(ONE, outcome=Outcome.REFUSED))
        with pytest.raises(DatabaseUnavailable):
            await journal.flush()
    await journal.close()
    assert await _requests(database) == 6000


async def test_ten_thousand_calls_before_the_end_are_ten_thousand_after_it(
    database: Database, tmp_path: Path
) -> None:
    journal = _journal(database, tmp_path)
    for number in range(10_000):
        journal.note(replace(ONE, model="m", caller=Caller(f"key_{number % 100}")))
    await journal.close()
    totals = await Usage(database).totals(["key"], Wanted())
    assert [sums.requests for sums in totals.values()] == [100] * 100


steps = st.lists(st.sampled_from(["note", "flush", "away", "answer lost", "restart"]), max_size=30)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_whatever_happens_each_call_counts_once(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live_through(steps, Path(folder)))


async def _live_through(steps: list[str], folder: Path) -> None:
    database, troubles = Database(address.of_file(folder / "test.db")), list[str]()
    usage = Unsteady(database, troubles)
    journal, num_noted = _over(usage, folder), 0
    for step in steps:
        if step == "note":
            journal.note(ONE)
            num_noted += 1
        elif step == "restart":
            await journal.close()
            journal = _over(usage, folder)
        else:
            troubles.append(step)
            with contextlib.suppress(DatabaseUnavailable):
                await journal.flush()
                await journal.take_in()
    troubles.clear()
    await journal.close()
    await journal.take_in()
    assert await _requests(database) == num_noted
    await database.close()
