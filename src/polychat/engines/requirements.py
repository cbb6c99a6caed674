"""Whether a checkpoint fits into this machine's memory: asked before anything is loaded. Pure arithmetic."""

import re
from dataclasses import dataclass

from polychat.engines.checkpoint import DTYPE_BYTES, Checkpoint
from polychat.engines.kv_cache import KvCache
from polychat.engines.machine import Machine
from polychat.engines.spec import EngineSpec, Tuning
from polychat.errors import SetupError

SMALLEST_CONTEXT = 512  # tokens; below that nothing useful fits
OVERHEAD_BYTES = 512 << 20  # the libraries themselves, and one batch's activations
USABLE_SHARE = 0.9  # of free memory; engines leave the rest alone, too
_KEEP_LATENTS = ("vllm", "sglang")  # engines that cache what MLA models make keys and values from
_WANT_ALL = ("vllm",)  # engines that do not start unless the whole context fits
_STEP = 256  # tokens; what we choose is a multiple
_FOUR_BIT, _EIGHT_BIT = 0.5625, 1.0625  # bytes of a parameter, with the scales of its block
_IS_FOUR_BIT = re.compile("4|awq|gptq|^bitsandbytes$")
_QUANTIZATIONS = {  # that an engine makes while it loads, the most exact first
    "transformers": ("torchao-int8", "bitsandbytes-4bit"),
    "vllm": ("fp8", "bitsandbytes"),
}
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Needs:
    """Memory that a model takes as an engine will load it."""

    weights_bytes: int
    kv_cache: KvCache | None
    kv_value_bytes: float
    keeps_latents: bool = False

    def kv_bytes(self, tokens: int) -> int:
        """KV cache of one request of so many tokens."""
        if self.kv_cache is None:
            return 0
        return int(self.kv_cache.num_values(tokens, keeps_latents=self.keeps_latents) * self.kv_value_bytes)

    def total_bytes(self, tokens: int) -> int:
        return self.weights_bytes + OVERHEAD_BYTES + self.kv_bytes(tokens)

    def largest_context(self, free_bytes: int, *, limit: int) -> int:
        """The most tokens, up to `limit`, that one request may have; 0 when not even the weights fit."""
        if self.total_bytes(limit) <= free_bytes:
            return limit
        low, high = 0, limit // _STEP
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (
                (middle, high) if self.total_bytes(middle * _STEP) <= free_bytes else (low, middle - 1)
            )
        return low * _STEP


def needs(checkpoint: Checkpoint, *, engine: str, tuning: Tuning, on_cpu: bool) -> Needs:
    """What `checkpoint` takes with the dtype and quantisation that are asked for."""
    dtype = "" if tuning.dtype == "auto" else tuning.dtype
    if not dtype and engine == "transformers" and on_cpu:
        dtype = "float32"  # which it computes in there, as others are slow
    weights = int(checkpoint.num_parameters * _parameter_bytes(checkpoint, dtype, tuning.quantization))
    compute = dtype or ("bfloat16" if checkpoint.quantization else checkpoint.dtype)
    value_bytes = 1.0 if "8" in tuning.kv_cache_dtype else DTYPE_BYTES.get(compute, 2.0)
    return Needs(weights, checkpoint.kv_cache, value_bytes, engine in _KEEP_LATENTS)


def fitted_context(name: str, checkpoint: Checkpoint, spec: EngineSpec, machine: Machine) -> int | None:
    """The context to load the model with: the one asked for; else None, the engine's choice.

    An engine that would not start with less than the model's own context is told what fits.

    Raises:
        SetupError: the model, or the context asked for, does not fit; has numbers and what to do.
    """
    trained = checkpoint.context_length
    asked = spec.context_length
    if asked and trained and asked > trained:
        raise SetupError(
            f"--context-length {asked} is more than the {trained} tokens {name} was trained on; lower it"
        )
    need = _needs(checkpoint, spec, machine)
    where, free_bytes = machine.pool(spec.num_gpus)
    limit = asked or trained or SMALLEST_CONTEXT
    largest = need.largest_context(int(free_bytes * USABLE_SHARE), limit=limit)
    if largest < min(limit, SMALLEST_CONTEXT):
        raise SetupError(_too_large(name, checkpoint, spec, machine))
    if asked and largest < asked:
        raise SetupError(
            f"--context-length {asked} of {name} needs {_gib(need.kv_bytes(asked))} of KV cache beside "
            f"{_gib(need.weights_bytes)} of weights, and {_gib(free_bytes)} of {where} are free; "
            f"at most --context-length {largest} fits"
        )
    return largest if asked or (largest < limit and spec.engine in _WANT_ALL) else None


def _needs(checkpoint: Checkpoint, spec: EngineSpec, machine: Machine, tuning: Tuning | None = None) -> Needs:
    on_cpu = machine.pool(spec.num_gpus)[0] == "memory" and machine.vendor != "Apple"
    return needs(checkpoint, engine=spec.engine, tuning=tuning or spec.tuning, on_cpu=on_cpu)


def _too_large(name: str, checkpoint: Checkpoint, spec: EngineSpec, machine: Machine) -> str:
    need = _needs(checkpoint, spec, machine)
    where, free_bytes = machine.pool(spec.num_gpus)
    options = "; or ".join(_options(checkpoint, spec, machine)) or "stop programs, or take a smaller model"
    return (
        f"{name} needs {_gib(need.total_bytes(SMALLEST_CONTEXT))} of {where} ({_gib(need.weights_bytes)} of "
        f"weights, {_gib(need.kv_bytes(SMALLEST_CONTEXT))} of KV cache for {SMALLEST_CONTEXT} tokens, the "
        f"rest for the engine), and {_gib(free_bytes)} are free; {options}"
    )


def _options(checkpoint: Checkpoint, spec: EngineSpec, machine: Machine) -> list[str]:
    """What would make it fit, the least costly first."""
    free_bytes = int(machine.pool(spec.num_gpus)[1] * USABLE_SHARE)
    found = []
    for flag, tuning in _smaller(checkpoint, spec):
        total = _needs(checkpoint, spec, machine, tuning).total_bytes(SMALLEST_CONTEXT)
        if total <= free_bytes:
            found.append(f"take {flag} ({_gib(total)})")
    as_asked = _needs(checkpoint, spec, machine).total_bytes(SMALLEST_CONTEXT)
    if spec.num_gpus != 0 and machine.gpus:
        if machine.pool(len(machine.gpus))[1] * USABLE_SHARE >= as_asked:
            found.append(f"take --num-gpus {len(machine.gpus)}")
        elif machine.free_bytes * USABLE_SHARE >= as_asked:
            found.append("take --num-gpus 0, the CPU's memory")
    found.append("take a GGUF of it, which llama.cpp runs in a quarter of the memory")
    return found


def _smaller(checkpoint: Checkpoint, spec: EngineSpec) -> list[tuple[str, Tuning]]:
    if checkpoint.quantization or spec.tuning.quantization:
        return []
    names = _QUANTIZATIONS.get(spec.engine, ())
    flags = [(f"--quantization {name}", Tuning(quantization=name)) for name in names]
    return [("--dtype bfloat16", Tuning(dtype="bfloat16")), *flags]


def _parameter_bytes(checkpoint: Checkpoint, dtype: str, quantization: str) -> float:
    """Bytes of one parameter in memory, on average."""
    as_stored = checkpoint.weights_bytes / max(checkpoint.num_parameters, 1)
    if checkpoint.quantization:
        return as_stored
    if quantization:
        return _FOUR_BIT if _IS_FOUR_BIT.search(quantization) else _EIGHT_BIT
    return DTYPE_BYTES.get(dtype, as_stored)


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.1f} GiB" if size_bytes >= _GIB // 10 else f"{size_bytes / (1 << 20):.1f} MiB"
