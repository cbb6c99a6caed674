"""LMDeploy's `lmdeploy serve api_server`. Flags and metrics read in version 0.16.0."""

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, named_pairs, positional
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_NAME = "polychat"  # its own choice would be a path
_PROGRAM = Program(name="lmdeploy", module="lmdeploy", install="pip install lmdeploy")
_FLAGS = Flags(
    model=positional,
    host="--server-name",
    port="--server-port",
    key="--api-keys",
    context_length="--session-len",
    slots="--max-batch-size",
    num_gpus="--tp",
    dtype="--dtype",
    quantization="--model-format",
    kv_cache_dtype="--quant-policy",
    tool_parser="--tool-call-parser",
    reasoning_parser="--reasoning-parser",
    trust_remote_code=("--trust-remote-code",),
    adapters=lambda adapters: ["--adapters", *named_pairs(adapters), "--backend", "pytorch"],
    always=("--model-name", _NAME, "--log-level", "INFO", "--allow-origins", ""),
)


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}), context_length=spec.context_length)


LAUNCH = Launch(
    name="lmdeploy",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS, "serve", "api_server"),
    offer=_offer,
    model_name=_NAME,
    load_of=load_from(
        running="lmdeploy:num_requests_running",
        waiting="lmdeploy:num_requests_waiting",
        kv_cache_usage="lmdeploy:gpu_cache_usage_perc",
        output_tokens="lmdeploy:generation_tokens_total",
    ),
    phases=(
        phase("loading the weights", "input backend=|model_source: "),
        phase("opening its port", "HINT: +Please open"),
    ),
    reasons=PYTHON_REASONS,
    stop_grace_s=10.0,
)
