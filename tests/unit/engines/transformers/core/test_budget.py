"""How much memory the KV cache takes."""

import dataclasses

import pytest

from polychat.engines.transformers.core.budget import PAGE_TOKENS, Shape, budget
from polychat.errors import SetupError

SMALL = Shape(token_bytes=12_288, value_bytes=4, trained_context=2048, needs_mask=True, on_gpu=False)
LARGE = Shape(token_bytes=131_072, value_bytes=2, trained_context=131_072, needs_mask=False, on_gpu=True)
GB = 1 << 30


def test_a_small_model_has_room_for_every_slots_whole_context() -> None:
    plan = budget(SMALL, free_bytes=8 * GB, context_length=None, slots=8)
    assert (plan.slots, plan.context_length) == (8, 2048)
    assert plan.kv_tokens >= 8 * 2048


def test_where_memory_is_short_slots_share_the_cache() -> None:
    plan = budget(LARGE, free_bytes=20 * GB, context_length=32_768, slots=16)
    assert 32_768 < plan.kv_tokens < 16 * 32_768


def test_the_cache_leaves_most_of_a_cpus_memory_to_others() -> None:
    plan = budget(SMALL, free_bytes=GB, context_length=None, slots=64)
    assert plan.kv_tokens * (SMALL.token_bytes + 4 * plan.batch_tokens) <= GB / 4


def test_a_tiny_machine_gets_a_short_context_and_one_request_always_fits() -> None:
    plan = budget(SMALL, free_bytes=10_000_000, context_length=None, slots=None)
    assert plan.context_length == 512
    assert plan.kv_tokens >= plan.context_length + PAGE_TOKENS


def test_the_mask_over_the_cache_is_paid_for() -> None:
    masked = dataclasses.replace(LARGE, needs_mask=True)
    plans = [budget(shape, free_bytes=20 * GB, context_length=None, slots=64) for shape in (LARGE, masked)]
    assert plans[1].num_pages < plans[0].num_pages


def test_a_longer_context_than_the_models_is_refused() -> None:
    with pytest.raises(SetupError, match="--context-length 4096 is more than the 2048"):
        budget(SMALL, free_bytes=GB, context_length=4096, slots=1)


def test_a_context_that_memory_cannot_hold_is_refused_with_numbers() -> None:
    with pytest.raises(SetupError, match=r"needs \d+\.\d GB .* at most \d+"):
        budget(LARGE, free_bytes=GB, context_length=131_072, slots=1)
