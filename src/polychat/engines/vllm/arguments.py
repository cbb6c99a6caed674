"""vLLM's command line: what people ask in its own words, and what it must be told on this machine."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from polychat.engines import checkpoint as checkpoints
from polychat.engines import machine as machines
from polychat.engines.checkpoint import POOLS, Checkpoint
from polychat.engines.choice import INSTALL
from polychat.engines.launch import Command, Program
from polychat.engines.launches.flags import Flags, files_of
from polychat.engines.machine import Machine
from polychat.engines.spec import EngineSpec
from polychat.engines.vllm import adapters, chats, cpu, families
from polychat.engines.vllm.cpu import Cpu
from polychat.errors import SetupError

PROGRAM = Program(name="vllm", module="vllm.entrypoints.openai.api_server", install=INSTALL["vllm"])
_GUARD = str(Path(__file__).parent / "guard")
_COMPUTES = ("NVIDIA", "AMD")
_COMPILED = "--no-enforce-eager"
_FLAGS = Flags(
    model=lambda spec: (),
    name="--served-model-name",
    key_variable="VLLM_API_KEY",
    context_length="--max-model-len",
    slots="--max-num-seqs",
    num_gpus="--tensor-parallel-size",
    cpu=("--enforce-eager",),
    dtype="--dtype",
    quantization="--quantization",
    kv_cache_dtype="--kv-cache-dtype",
    pipeline_parallel="--pipeline-parallel-size",
    chat_template="--chat-template",
    tool_parser="--tool-call-parser",
    reasoning_parser="--reasoning-parser",
    trust_remote_code=("--trust-remote-code",),
    adapters=adapters.modules,
    always=(
        "--middleware",
        "polychat_guard.Guard",
        "--enable-prompt-tokens-details",
        "--disable-uvicorn-access-log",
    ),
    env={"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_COLOR": "0"},
)


def command(spec: EngineSpec, port: int) -> Command:
    """The command line for this machine, the person's own words last.

    Raises:
        SetupError: vLLM is not installed, or cannot do what is asked here.
    """
    return command_on(machines.here(), cpu.here(), spec, port)


def command_on(machine: Machine, processor: Cpu, spec: EngineSpec, port: int) -> Command:
    """The command line for a machine."""
    checkpoint = checkpoints.read(files_of(spec).path)
    on_cpu = spec.num_gpus == 0 or machine.vendor not in _COMPUTES
    if not on_cpu:
        _require_gpus(spec, machine)
    used = processor if on_cpu else None
    told = _told(spec, checkpoint, used)
    flags = replace(_FLAGS, always=(*_FLAGS.always, *_more(told, checkpoint, used)))
    flags.require_able(replace(told, tuning=replace(told.tuning, allow_adapter_updates=False)))
    made = flags.command(told, [*PROGRAM.prefix(spec.tuning.program), *_model(spec)], port)
    return replace(made, env={**made.env, **_environment(spec, used)})


def _model(spec: EngineSpec) -> tuple[str, ...]:
    """The console script has commands, the module has not."""
    path = str(files_of(spec).path)
    is_module = PROGRAM.prefix(spec.tuning.program)[-1] == PROGRAM.module
    return ("--model", path) if is_module else ("serve", path)


def _require_gpus(spec: EngineSpec, machine: Machine) -> None:
    stages = spec.tuning.pipeline_parallel or 1
    if spec.num_gpus and spec.num_gpus % stages:
        raise SetupError(
            f"--num-gpus {spec.num_gpus} cannot be shared by --pipeline-parallel {stages} stages; "
            "make it a multiple"
        )
    if max(stages, spec.num_gpus or 1) > len(machine.gpus):
        flag = f"--num-gpus {spec.num_gpus}" if spec.num_gpus else f"--pipeline-parallel {stages}"
        raise SetupError(f"{flag} is too many: {machine.in_words()}")


def _told(spec: EngineSpec, checkpoint: Checkpoint, processor: Cpu | None) -> EngineSpec:
    """With what people leave to us. `processor`: what computes, None for GPUs."""
    talk = chats.of(spec, checkpoint)
    chosen = families.parsers(checkpoint.model_type, talk.template, spec.tuning)
    is_chat = talk.is_possible and checkpoint.kind not in POOLS
    tuning = replace(
        spec.tuning,
        dtype=spec.tuning.dtype or (cpu.dtype(checkpoint, processor) if processor else ""),
        chat_template="" if talk.is_own else talk.template,
        tool_parser=chosen.tools if is_chat else "",
        reasoning_parser=chosen.reasoning if is_chat else "",
    )
    gpus = spec.num_gpus and spec.num_gpus // (spec.tuning.pipeline_parallel or 1)
    return replace(spec, num_gpus=0 if processor else gpus, tuning=tuning)


def _more(spec: EngineSpec, checkpoint: Checkpoint, processor: Cpu | None) -> Sequence[str]:
    words: list[str] = []
    if spec.tuning.tool_parser:
        words.append("--enable-auto-tool-choice")
    if checkpoint.kind in POOLS:
        words += ("--runner", "pooling")
    if spec.tuning.adapters or spec.tuning.allow_adapter_updates:
        words += adapters.enabled(spec.tuning)
    if processor:
        words += ("--kv-cache-memory-bytes", str(cpu.kv_cache_bytes(checkpoint, spec, processor)))
    return words


def _environment(spec: EngineSpec, processor: Cpu | None) -> dict[str, str]:
    paths = [_GUARD, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {"PYTHONPATH": os.pathsep.join(paths)}
    if spec.tuning.allow_adapter_updates:
        env["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"
    if processor and _COMPILED not in spec.tuning.arguments:
        env["TORCHDYNAMO_DISABLE"] = (
            "1"  # else it compiles at the first logprobs: ten seconds, and a compiler
        )
    return {**env, **(cpu.threads(processor) if processor else {})}
