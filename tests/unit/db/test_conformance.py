from dataclasses import replace

from polychat.db.conformance import Conformance, ConformanceResult
from polychat.db.database import Database

RESULT = ConformanceResult("m", "llamacpp", 10.0, '{"tools":true}')


async def test_the_latest_result_of_a_model_comes_back(database: Database) -> None:
    table = Conformance(database)
    await table.save(RESULT)
    newer = replace(RESULT, engine="vllm", taken_at=20.0)
    await table.save(newer)
    assert await table.latest("m") == newer


async def test_a_result_replaces_the_one_before_it(database: Database) -> None:
    table = Conformance(database)
    await table.save(RESULT)
    await table.save(replace(RESULT, results="{}"))
    assert await table.latest("m") == replace(RESULT, results="{}")


async def test_a_model_that_was_never_examined_has_none(database: Database) -> None:
    assert await Conformance(database).latest("m") is None
