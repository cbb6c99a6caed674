"""What vLLM may take of a CPU and its memory."""

from dataclasses import replace
from pathlib import Path

import pytest

from polychat.engines import checkpoint
from polychat.engines.spec import EngineSpec
from polychat.engines.vllm import cpu
from polychat.engines.vllm.cpu import Cpu
from tests.support import tiny_checkpoint

GIB = 1 << 30
OLD = Cpu(8 * GIB, cpus=4, affine_cpus=4, has_fast_bfloat16=False)
NEW = replace(OLD, has_fast_bfloat16=True)
LARGE = {
    **tiny_checkpoint.LLAMA,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 32,
    "max_position_embeddings": 8192,
}  # 128 KiB of KV cache a token in bfloat16


def test_half_precision_is_for_cpus_that_compute_in_it(folder: Path) -> None:
    facts = checkpoint.read(folder)

    assert cpu.dtype(facts, OLD) == "float32"
    assert cpu.dtype(facts, NEW) == ""
    assert cpu.dtype(replace(facts, dtype="float32"), NEW) == "float32"


def test_a_quantised_checkpoint_says_itself_what_it_computes_in(folder: Path) -> None:
    assert cpu.dtype(replace(checkpoint.read(folder), quantization="awq"), OLD) == ""


@pytest.mark.parametrize(
    ("free_gib", "slots", "cache_gib"),
    [(100, None, 32), (100, 4, 4), (16, None, 8), (1.5, None, 1)],
    ids=["32 contexts", "one for each slot", "half of what is free", "one context in any case"],
)
def test_the_kv_cache_has_room_for(
    spec: EngineSpec, folder: Path, free_gib: float, slots: int | None, cache_gib: int
) -> None:
    facts = checkpoint.read(tiny_checkpoint.write(folder, tiny_checkpoint.files(LARGE)))
    here = replace(NEW, free_bytes=int(free_gib * GIB))

    taken = cpu.kv_cache_bytes(facts, replace(spec, slots=slots), here)

    assert taken == pytest.approx(cache_gib * GIB, rel=0.001)


def test_threads_are_bound_where_all_cores_are_ours() -> None:
    assert cpu.threads(OLD) == {}


@pytest.mark.parametrize(("cpus", "affine", "threads"), [(1, 1, "1"), (2, 64, "1"), (8, 64, "7")])
def test_threads_are_not_bound_where_a_share_of_the_cores_is_ours(
    cpus: int, affine: int, threads: str
) -> None:
    told = cpu.threads(replace(OLD, cpus=cpus, affine_cpus=affine))

    assert told == {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": threads}


@pytest.mark.parametrize(
    ("cpuinfo", "is_fast"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("Features\t: fp asimd bf16\n", True),
        ("", False),
    ],
)
def test_the_cpu_says_what_it_computes_in(tmp_path: Path, cpuinfo: str, is_fast: bool) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(cpuinfo)

    assert cpu.here(tmp_path).has_fast_bfloat16 is is_fast
