"""TGI, Hugging Face's text-generation-inference. Flags, routes and metrics read in version 3.3.7."""

from collections.abc import Sequence
from re import compile as pattern

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, flagged, named_pairs
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import Adapter, EngineSpec
from polychat.types import Endpoint

_PROGRAM = Program(
    name="text-generation-launcher",
    module="",
    install="git clone https://github.com/huggingface/text-generation-inference, then `make install` in it",
)


def _adapters(adapters: Sequence[Adapter]) -> Sequence[str]:
    return ["--lora-adapters", ",".join(named_pairs(adapters))]


_FLAGS = Flags(
    model=flagged("--model-id"),
    host="--hostname",
    key_variable="API_KEY",
    context_length="--max-total-tokens",
    slots="--max-batch-size",
    num_gpus="--num-shard",
    dtype="--dtype",
    quantization="--quantize",
    kv_cache_dtype="--kv-cache-dtype",
    trust_remote_code=("--trust-remote-code",),
    adapters=_adapters,
    always=("--usage-stats", "off"),
)


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}), context_length=spec.context_length)


LAUNCH = Launch(
    name="tgi",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS),
    offer=_offer,
    model_name="tgi",  # every other name is an adapter's to it
    load_of=load_from(
        running="tgi_batch_current_size",
        waiting="tgi_queue_size",
        output_tokens="tgi_request_generated_tokens_sum",
    ),
    phases=(
        phase("downloading", "Starting check and download process"),
        phase("loading the weights", "Starting shard"),
        phase("warming up", "Starting Webserver|Warming up model"),
    ),
    reasons=(
        *PYTHON_REASONS,
        pattern(r"Error: (\w+)$"),  # the launcher's own last word: ShardCannotStart
    ),
    stop_grace_s=10.0,
)
