import asyncio
from dataclasses import replace

import pytest

from polychat.db.database import Database
from polychat.db.responses import Responses, StoredResponse

FIRST = StoredResponse("resp_1", "ann", "m", 10.0, 10.0, "completed", None, '{"id":"resp_1"}', "[]")


@pytest.fixture
def responses(database: Database) -> Responses:
    return Responses(database)


async def test_what_is_saved_comes_back(responses: Responses) -> None:
    await responses.save(FIRST)
    assert await responses.get("resp_1", owner="ann") == FIRST


async def test_it_is_there_for_another_connection(responses: Responses, database: Database) -> None:
    await responses.save(FIRST)
    other = Database(database.address)
    assert await Responses(other).get("resp_1", owner="ann") == FIRST
    await other.close()


async def test_saving_again_replaces(responses: Responses) -> None:
    await responses.save(FIRST)
    await responses.save(replace(FIRST, status="failed"))
    found = await responses.get("resp_1", owner="ann")
    assert found is not None
    assert found.status == "failed"


async def test_another_owner_neither_sees_nor_deletes(responses: Responses) -> None:
    await responses.save(FIRST)
    assert await responses.get("resp_1", owner="bob") is None
    assert not await responses.delete("resp_1", owner="bob")
    assert await responses.chain("resp_1", owner="bob") == []


async def test_what_is_deleted_is_gone(responses: Responses) -> None:
    await responses.save(FIRST)
    assert await responses.delete("resp_1", owner="ann")
    assert await responses.get("resp_1", owner="ann") is None
    assert not await responses.delete("resp_1", owner="ann")


async def test_a_chain_is_oldest_first(responses: Responses) -> None:
    second = replace(FIRST, id="resp_2", previous_response_id="resp_1")
    third = replace(FIRST, id="resp_3", previous_response_id="resp_2")
    for stored in (third, FIRST, second):
        await responses.save(stored)
    assert await responses.chain("resp_3", owner="ann") == [FIRST, second, third]


async def test_a_chain_never_leaves_its_owner(responses: Responses) -> None:
    await responses.save(replace(FIRST, owner="bob"))
    second = replace(FIRST, id="resp_2", previous_response_id="resp_1")
    await responses.save(second)
    assert await responses.chain("resp_2", owner="ann") == [second]


async def test_a_change_happens_only_from_the_states_it_names(responses: Responses) -> None:
    await responses.save(replace(FIRST, status="cancelled"))
    assert not await responses.change(FIRST, only_from=frozenset({"in_progress"}))
    assert await responses.change(FIRST, only_from=frozenset({"cancelled"}))
    assert await responses.get("resp_1", owner="ann") == FIRST


async def test_a_touch_is_a_sign_of_life(responses: Responses) -> None:
    running = replace(FIRST, status="in_progress")
    await responses.save(running)
    await responses.save(replace(FIRST, id="resp_2", status="cancelled"))
    both = ("resp_1", "resp_2")
    assert await responses.touch(both, now_s=99.0, only_from=frozenset({"in_progress"})) == {"resp_1"}
    assert await responses.get("resp_1", owner="ann") == replace(running, updated_at=99.0)


async def test_old_ones_are_removed_and_counted(responses: Responses) -> None:
    await responses.save(FIRST)
    young = replace(FIRST, id="resp_2", created_at=20.0)
    await responses.save(young)
    assert await responses.remove_older(than_s=15.0) == 1
    assert await responses.get("resp_2", owner="ann") == young


async def test_many_writers_on_two_connections_lose_nothing(responses: Responses, database: Database) -> None:
    other = Database(database.address)
    both = (responses, Responses(other))
    await asyncio.gather(*(both[i % 2].save(replace(FIRST, id=f"resp_{i}")) for i in range(100)))
    found = [await responses.get(f"resp_{i}", owner="ann") for i in range(100)]
    await other.close()
    assert None not in found
