"""SGLang. Flags and metrics read in version 0.5.23."""

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, flagged, named_pairs
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_PROGRAM = Program(name="", module="sglang.launch_server", install="pip install sglang")
_FLAGS = Flags(
    model=flagged("--model-path"),
    name="--served-model-name",
    key="--api-key",
    context_length="--context-length",
    slots="--max-running-requests",
    num_gpus="--tp-size",
    cpu=("--device", "cpu"),
    dtype="--dtype",
    quantization="--quantization",
    kv_cache_dtype="--kv-cache-dtype",
    pipeline_parallel="--pp-size",
    chat_template="--chat-template",
    tool_parser="--tool-call-parser",
    reasoning_parser="--reasoning-parser",
    trust_remote_code=("--trust-remote-code",),
    adapters=lambda adapters: ["--lora-paths", *named_pairs(adapters)],
    always=("--enable-metrics",),
    env={"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false"},  # else /health generates a token each time
)
_ENDPOINTS = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.TOKENIZE, Endpoint.DETOKENIZE})
_POOLING = frozenset({Endpoint.EMBEDDINGS, Endpoint.SCORE, Endpoint.CLASSIFY})


def _offer(spec: EngineSpec) -> Offer:
    is_pooling = "--is-embedding" in spec.tuning.arguments
    return Offer(_POOLING if is_pooling else _ENDPOINTS, context_length=spec.context_length)


LAUNCH = Launch(
    name="sglang",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS),
    offer=_offer,
    load_of=load_from(
        running="sglang:num_running_reqs",
        waiting="sglang:num_queue_reqs",
        kv_cache_usage="sglang:token_usage",
        output_tokens="sglang:generation_tokens_total",
    ),
    phases=(
        phase("setting up", "Init torch distributed begin"),
        phase("loading the weights", "Load weight begin"),
        phase("making the KV cache", "KV Cache is allocated|Memory pool end"),
        phase("capturing graphs", r"Capture .*cuda graph begin"),
        phase("warming up", "Application startup complete"),
    ),
    reasons=PYTHON_REASONS,
    stop_grace_s=10.0,
)
