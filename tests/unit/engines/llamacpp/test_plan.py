import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.gguf_header import Header
from polychat.engines.llamacpp.plan import (
    LARGEST_PROMPT_CACHE_MIB,
    SMALLEST_CONTEXT,
    plan,
    require_room,
    threads,
)
from polychat.engines.machine import Gpu, Machine
from polychat.errors import SetupError

GIB = 1 << 30
MINI = Header("llama", context_length=2048, kv_bytes_per_token=2560, embeds=False)
QWEN_06B = Header("qwen3", context_length=40960, kv_bytes_per_token=114688, embeds=False)


def test_a_small_model_gives_every_slot_its_whole_context() -> None:
    small = plan(MINI, free_bytes=16 * GIB, context_length=None, slots=None)
    assert (small.slots, small.context_length, small.kv_tokens, small.kv_unified) == (4, 2048, 8192, False)


def test_slots_share_what_memory_allows_when_it_is_less_than_a_context_each() -> None:
    shared = plan(QWEN_06B, free_bytes=20 * GIB, context_length=None, slots=4)
    assert shared.kv_unified
    assert shared.context_length == 40960
    assert 40960 <= shared.kv_tokens < 4 * 40960
    assert shared.kv_tokens * QWEN_06B.kv_bytes_per_token <= 5 * GIB


@pytest.mark.parametrize(
    ("header", "n_batch"),
    [
        (MINI, 0),
        (Header("bert", 512, 0, embeds=True), 512),
        (Header("bert", 512, 0, embeds=False, ranks=True), 512),
        (Header("qwen3", 512, 0, embeds=True, pools_last=True), 0),
    ],
)
def test_what_pools_all_tokens_computes_a_whole_input_at_once(header: Header, n_batch: int) -> None:
    assert plan(header, free_bytes=16 * GIB, context_length=None, slots=None).n_batch == n_batch


@pytest.mark.parametrize(
    "header",
    [
        Header("qwen3", 512, 2560, embeds=True, pools_last=True),
        Header("gemma", 512, 2560, embeds=True),
        Header("qwen3", 512, 2560, embeds=False, ranks=True),
    ],
)
def test_inputs_that_are_pooled_share_one_kv_cache_or_llamacpp_mixes_them_up(header: Header) -> None:
    assert plan(header, free_bytes=16 * GIB, context_length=None, slots=None).kv_unified


def test_little_memory_shortens_the_context() -> None:
    tight = plan(QWEN_06B, free_bytes=2 * GIB, context_length=None, slots=None)
    assert tight.context_length == tight.kv_tokens == 4608


def test_a_context_asked_for_may_take_nearly_all_memory() -> None:
    asked = plan(QWEN_06B, free_bytes=5 * GIB, context_length=40960, slots=2)
    assert (asked.context_length, asked.kv_unified) == (40960, True)


def test_a_context_that_does_not_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(SetupError, match=r"--context-length 40960 needs 4480 MiB .* at most 8426 tokens fit"):
        plan(QWEN_06B, free_bytes=1 * GIB, context_length=40960, slots=1)


def test_a_context_beyond_the_models_is_refused() -> None:
    with pytest.raises(SetupError, match="4096 is more than the 2048 tokens"):
        plan(MINI, free_bytes=16 * GIB, context_length=4096, slots=None)


@given(
    free=st.integers(0, 256 * GIB),
    trained=st.integers(0, 1 << 20),
    token_bytes=st.integers(0, 1 << 20),
    slots=st.integers(1, 64) | st.none(),
)
def test_each_request_always_fits_into_the_kv_cache(
    free: int, trained: int, token_bytes: int, slots: int | None
) -> None:
    made = plan(Header("x", trained, token_bytes, False), free_bytes=free, context_length=None, slots=slots)
    assert made.context_length <= made.kv_tokens <= made.context_length * made.slots
    assert made.kv_unified == (made.kv_tokens < made.context_length * made.slots) or made.slots == 1
    assert made.context_length <= max(trained or 4096, SMALLEST_CONTEXT)
    assert 0 <= made.cache_ram_mib <= LARGEST_PROMPT_CACHE_MIB


def test_a_tiny_model_runs_on_one_thread_and_others_on_every_core() -> None:
    assert threads(5 << 20, 8) == 1
    assert threads(600 << 20, 8) == 8


def machine(free_gib: int, *gpus_gib: int | None) -> Machine:
    gpus = [Gpu("NVIDIA", "GPU", None if free is None else free * GIB) for free in gpus_gib]
    return Machine(free_gib * GIB, tuple(gpus))


def test_weights_that_fit_nowhere_are_refused_with_the_numbers() -> None:
    with pytest.raises(SetupError, match=r"weights take 40\.0 GiB, and 24\.0 GiB are free; take a smaller"):
        require_room(40 * GIB, machine(16, 8), num_gpus=None)


@pytest.mark.parametrize(
    ("here", "num_gpus"), [(machine(16, 24), None), (machine(16, 24, 24), 2), (machine(16, None), None)]
)
def test_weights_may_be_shared_by_gpus_and_memory(here: Machine, num_gpus: int | None) -> None:
    require_room(40 * GIB, here, num_gpus)


def test_gpus_that_are_not_to_be_used_make_no_room() -> None:
    with pytest.raises(SetupError, match=r"16\.0 GiB are free"):
        require_room(40 * GIB, machine(16, 80), num_gpus=0)
