from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.db.database import Database
from polychat.db.usage import Account, Batch, Sums, Usage, Used, Wanted

ACCOUNT = Account("2026-11-23", "key_ann", "m", "/v1/chat/completions", "answered")
ONE = Sums(1, 10, 4, 5, 1, 0.25, 1.5, 0.5)
BATCH = Batch("writer", 1, {ACCOUNT: ONE})


@pytest.fixture
def usage(database: Database) -> Usage:
    return Usage(database)


async def test_batches_add_up(usage: Usage) -> None:
    for number in (1, 2, 3):
        assert await usage.add(replace(BATCH, number=number), now_s=10.0)
    assert await usage.totals(["day", "key", "model", "endpoint", "outcome"], Wanted()) == {
        ACCOUNT: Sums(3, 30, 12, 15, 3, 0.75, 4.5, 1.5)
    }


async def test_a_batch_that_is_sent_twice_counts_once(usage: Usage) -> None:
    assert await usage.add(BATCH, now_s=10.0)
    assert not await usage.add(BATCH, now_s=11.0)
    assert await usage.totals([], Wanted()) == {Account(): ONE}


async def test_batches_of_two_writers_count_both(usage: Usage) -> None:
    await usage.add(BATCH, now_s=10.0)
    assert await usage.add(replace(BATCH, writer="another"), now_s=10.0)
    assert (await usage.totals([], Wanted()))[Account()].requests == 2


async def test_usage_is_told_apart_by_what_is_asked(usage: Usage) -> None:
    other = replace(ACCOUNT, day="2026-11-24", model="n")
    await usage.add(replace(BATCH, sums={ACCOUNT: ONE, other: ONE + ONE}), now_s=10.0)
    assert await usage.totals(["model"], Wanted()) == {Account(model="m"): ONE, Account(model="n"): ONE + ONE}
    assert await usage.totals(["day", "key"], Wanted(until_day="2026-11-23")) == {
        Account("2026-11-23", "key_ann"): ONE
    }


async def test_only_what_is_wanted_is_summed(usage: Usage) -> None:
    other = Account("2026-11-24", "key_bob", "n", "/v1/embeddings", "failed")
    await usage.add(replace(BATCH, sums={ACCOUNT: ONE, other: ONE}), now_s=10.0)
    for wanted in (
        Wanted(since_day="2026-11-24"),
        Wanted(key_ids=["key_bob"]),
        Wanted(models=["n"]),
    ):
        assert await usage.totals(["key"], wanted) == {Account(key_id="key_bob"): ONE}


async def test_nothing_used_has_no_totals(usage: Usage) -> None:
    assert await usage.totals([], Wanted()) == {}


async def test_a_keys_budget_counts_prompts_and_completions(usage: Usage) -> None:
    await usage.add(BATCH, now_s=10.0)
    used = await usage.used(["key_ann", "key_bob"], since_day="2026-11-23")
    assert used == {"key_ann": Used(15, 0.5)}
    assert await usage.used(["key_ann"], since_day="2026-11-24") == {}


async def test_writers_that_are_long_gone_are_forgotten(usage: Usage) -> None:
    for number, writer in ((1, "old"), (2, "old"), (1, "new")):
        await usage.add(replace(BATCH, writer=writer, number=number), now_s=10.0 if writer == "old" else 20.0)
    assert await usage.forget_writers(before_s=15.0) == 2
    assert not await usage.add(replace(BATCH, writer="new"), now_s=21.0)


counts = st.integers(min_value=0, max_value=10**12)
sums = st.builds(Sums, counts, counts, counts, counts, counts)


@given(sums, sums, sums)
def test_the_order_in_which_sums_are_added_does_not_matter(a: Sums, b: Sums, c: Sums) -> None:
    assert (a + b) + c == a + (b + c) == (c + a) + b
    assert a + Sums() == a


async def test_both_batches_that_a_gateway_left_may_come_again(usage: Usage) -> None:
    left = [replace(BATCH, number=number) for number in (1, 2)]
    for batch in left:
        assert await usage.add(batch, now_s=10.0)
    for batch in left:
        assert not await usage.add(batch, now_s=11.0)
