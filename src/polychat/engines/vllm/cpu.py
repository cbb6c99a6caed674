"""vLLM on a CPU: how precise, how much memory for the KV cache, which cores. Pure, but for `here`."""

import os
from dataclasses import dataclass
from pathlib import Path

from polychat.engines import memory
from polychat.engines.checkpoint import Checkpoint
from polychat.engines.requirements import needs
from polychat.engines.spec import EngineSpec

REQUESTS = 32  # whole contexts that the KV cache has room for, where memory allows
SMALLEST_BYTES = 64 << 20
UNKNOWN_BYTES = 2 << 30  # for models whose config does not tell, and those that embed
_FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16", " bf16")  # of x86, x86, ARM
_CONTEXT = 4096  # tokens, of a model that does not tell its own


@dataclass(frozen=True, slots=True)
class Cpu:
    """What decides on a CPU."""

    free_bytes: int
    cpus: int  # that we may use, by quota too
    affine_cpus: int  # that the scheduler may put us on
    has_fast_bfloat16: bool


def here(root: Path = Path("/")) -> Cpu:
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return Cpu(
        memory.available_bytes(root), memory.usable_cpus(root), affine, _is_fast(root / "proc/cpuinfo")
    )


def dtype(checkpoint: Checkpoint, cpu: Cpu) -> str:
    """bfloat16 is two to six times slower than float32 on a CPU that does not compute in it."""
    is_half = checkpoint.dtype in ("bfloat16", "float16")
    return "" if (is_half and cpu.has_fast_bfloat16) or checkpoint.quantization else "float32"


def kv_cache_bytes(checkpoint: Checkpoint, spec: EngineSpec, cpu: Cpu) -> int:
    """Room for `REQUESTS` whole contexts, or for `--slots` of them; never more than half of what is free.

    vLLM itself takes nine tenths of the machine's memory, and does not start where less is free.
    """
    need = needs(checkpoint, engine="vllm", tuning=spec.tuning, on_cpu=True)
    each = need.kv_bytes(spec.context_length or checkpoint.context_length or _CONTEXT)
    half = max(0, cpu.free_bytes - need.weights_bytes) // 2
    wanted = each * (spec.slots or REQUESTS) or UNKNOWN_BYTES
    return max(SMALLEST_BYTES, each, min(half, wanted))


def threads(cpu: Cpu) -> dict[str, str]:
    """vLLM binds its threads to all cores but one, which its scheduler spins on; where only a share of the
    cores is ours, or there is but one, it must not bind."""
    if 1 < cpu.affine_cpus <= cpu.cpus:
        return {}
    return {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(max(1, cpu.cpus - 1))}


def _is_fast(cpuinfo: Path) -> bool:
    try:
        flags = next(
            (line for line in cpuinfo.read_text().splitlines() if line.startswith(("flags", "Features"))), ""
        )
    except OSError:
        return False
    return any(flag in flags for flag in _FAST_BFLOAT16)
