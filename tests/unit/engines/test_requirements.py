from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.checkpoint import Checkpoint, Kind
from polychat.engines.kv_cache import KvCache
from polychat.engines.machine import Gpu, Machine
from polychat.engines.requirements import OVERHEAD_BYTES, USABLE_SHARE, Needs, fitted_context, needs
from polychat.engines.spec import EngineSpec, Tuning
from polychat.errors import SetupError

GIB = 1 << 30
QWEN_8B = Checkpoint(  # 128 KiB of KV cache a token in bfloat16
    folder=Path("qwen"),
    architectures=("Qwen3ForCausalLM",),
    model_type="qwen3",
    kind=Kind.GENERATE,
    context_length=40960,
    kv_cache=KvCache(65536),
    weights_bytes=16 * GIB,
    num_parameters=8 * GIB,
    dtype="bfloat16",
    quantization="",
    has_chat_template=True,
)


def fitted(machine: Machine, checkpoint: Checkpoint = QWEN_8B, **wishes: object) -> int | None:
    spec = replace(EngineSpec(secret="s", engine="vllm"), **wishes)  # type: ignore[arg-type]
    return fitted_context("qwen", checkpoint, spec, machine)


def free(gib: float) -> Machine:
    """A machine with so much memory that engines may use."""
    return Machine(int((gib * GIB + OVERHEAD_BYTES) / USABLE_SHARE) + 1)


def test_a_model_with_room_keeps_its_own_context() -> None:
    assert fitted(free(64)) is None
    assert fitted(free(64), context_length=4096) == 4096


def test_an_engine_that_wants_all_of_the_context_is_told_what_fits() -> None:
    assert fitted(free(17)) == 8192
    assert fitted(free(33), engine="transformers") is None


def test_a_context_asked_for_that_does_not_fit_is_refused_with_the_largest() -> None:
    with pytest.raises(SetupError) as refusal:
        fitted(free(17), context_length=32768)
    assert str(refusal.value) == (
        "--context-length 32768 of qwen needs 4.0 GiB of KV cache beside 16.0 GiB of weights, and 19.4 GiB "
        "of memory are free; at most --context-length 8192 fits"
    )


def test_more_context_than_the_model_knows_is_refused() -> None:
    with pytest.raises(SetupError, match="65536 is more than the 40960 tokens qwen was trained on"):
        fitted(free(64), context_length=65536)


def test_a_model_that_does_not_fit_is_refused_with_numbers_and_options() -> None:
    with pytest.raises(SetupError) as refusal:
        fitted(Machine(10 * GIB), engine="transformers")
    assert str(refusal.value) == (
        "qwen needs 32.6 GiB of memory (32.0 GiB of weights, 0.1 GiB of KV cache for 512 tokens, the rest "
        "for the engine), and 10.0 GiB are free; take --quantization bitsandbytes-4bit (5.1 GiB); or take a "
        "GGUF of it, which llama.cpp runs in a quarter of the memory"
    )


@pytest.mark.parametrize(
    ("machine", "option"),
    [
        (Machine(64 * GIB, (Gpu("NVIDIA", "T4", 2 * GIB),)), "take --num-gpus 0, the CPU's memory"),
        (Machine(GIB, (Gpu("NVIDIA", "A", 12 * GIB), Gpu("NVIDIA", "A", 12 * GIB))), "take --num-gpus 2"),
        (Machine(GIB, (Gpu("NVIDIA", "A", 12 * GIB),)), r"take --quantization fp8 \(9\.1 GiB\)"),
        (Machine(GIB), r"are free; take a GGUF of it"),
    ],
)
def test_what_would_help_on_this_machine_is_offered(machine: Machine, option: str) -> None:
    with pytest.raises(SetupError, match=option):
        fitted(machine)


def test_transformers_computes_in_float32_on_a_cpu_unless_told_otherwise() -> None:
    with pytest.raises(SetupError, match=r"take --dtype bfloat16 \(16\.6 GiB\)"):
        fitted(free(20), engine="transformers")
    assert fitted(free(20), engine="transformers", tuning=Tuning(dtype="bfloat16")) is None
    gpu = Machine(GIB, (Gpu("NVIDIA", "A", 24 * GIB),))
    assert fitted(gpu, engine="transformers") is None


def test_bytes_follow_the_dtype_and_the_quantisation() -> None:
    asked = (Tuning(), Tuning(dtype="float32"), Tuning(quantization="fp8"), Tuning(quantization="awq"))
    weights = [needed(QWEN_8B, tuning).weights_bytes / GIB for tuning in asked]
    assert weights == [16.0, 32.0, 8.5, 4.5]


def test_a_quantised_checkpoint_stays_as_it_is() -> None:
    awq = replace(QWEN_8B, quantization="awq", weights_bytes=5 * GIB, dtype="i32")
    found = needed(awq, Tuning(dtype="float16"))
    assert (found.weights_bytes, found.kv_value_bytes) == (5 * GIB, 2.0)


def test_a_kv_cache_in_eight_bits_takes_half() -> None:
    assert needed(QWEN_8B, Tuning(kv_cache_dtype="fp8")).kv_bytes(16) == 1 << 20


def test_a_model_without_a_kv_cache_needs_its_weights() -> None:
    embedder = replace(QWEN_8B, kv_cache=None, weights_bytes=GIB, num_parameters=GIB // 2)
    assert fitted(free(1), embedder) is None


def needed(checkpoint: Checkpoint, tuning: Tuning) -> Needs:
    return needs(checkpoint, engine="vllm", tuning=tuning, on_cpu=False)


@given(st.integers(0, 10**6), st.integers(0, 10**10), st.integers(1, 10**6))
def test_the_largest_context_fits_and_the_next_one_does_not(values: int, free_bytes: int, limit: int) -> None:
    need = Needs(10**6, KvCache(values), 2.0)
    largest = need.largest_context(free_bytes, limit=limit)
    assert 0 <= largest <= limit
    assert largest == 0 or need.total_bytes(largest) <= free_bytes
    if largest < limit:
        assert need.total_bytes(min(limit, largest + 256)) > free_bytes
