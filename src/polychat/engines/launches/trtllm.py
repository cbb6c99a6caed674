"""TensorRT-LLM's `trtllm-serve`. Flags read in its sources at commit 00209af, statistics in their docs."""

from dataclasses import replace

import msgspec

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, positional
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint, Load

_PROGRAM = Program(name="trtllm-serve", module="", install="pip install tensorrt-llm")
_FLAGS = Flags(
    model=positional,
    context_length="--max_seq_len",
    slots="--max_batch_size",
    num_gpus="--tp_size",
    pipeline_parallel="--pp_size",
    chat_template="--chat_template",
    tool_parser="--tool_parser",
    reasoning_parser="--reasoning_parser",
    trust_remote_code=("--trust_remote_code",),
)


class _Blocks(msgspec.Struct, rename="camel"):
    used_num_blocks: int = 0
    max_num_blocks: int = 0


class _Iteration(msgspec.Struct, rename="camel"):
    num_active_requests: int = 0
    num_queued_requests: int = 0
    kv_cache_stats: _Blocks | None = None


def load_of(answer: bytes, before: Load) -> Load:
    """From the iterations since it was asked last; none when it idles, or keeps no statistics."""
    iterations = msgspec.json.decode(answer, type=list[_Iteration])
    if not iterations:
        return replace(before, running=0, waiting=0)
    last = iterations[-1]
    blocks = last.kv_cache_stats or _Blocks()
    return replace(
        before,
        running=last.num_active_requests,
        waiting=last.num_queued_requests,
        kv_cache_usage=blocks.used_num_blocks / (blocks.max_num_blocks or 1),
    )


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}), context_length=spec.context_length)


LAUNCH = Launch(
    name="trtllm",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS),
    offer=_offer,
    load_of=load_of,
    phases=(
        phase("loading the weights", "prefetching .* to memory|for model weights"),
        phase("opening its port", "Application startup complete"),
    ),
    reasons=PYTHON_REASONS,
    has_secret=False,
    stop_grace_s=10.0,
)
