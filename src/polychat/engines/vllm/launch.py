"""vLLM as a `Launch`. Flags, metrics and log read in version 0.32.0; parsers by name from 0.20 on."""

from polychat.engines.launch import Launch
from polychat.engines.launches.loads import load_from
from polychat.engines.vllm import log
from polychat.engines.vllm.arguments import PROGRAM, command
from polychat.engines.vllm.offer import offer

LAUNCH = Launch(
    name="vllm",
    program=PROGRAM,
    command=command,
    offer=offer,
    load_of=load_from(
        running="vllm:num_requests_running",
        waiting="vllm:num_requests_waiting",
        kv_cache_usage="vllm:kv_cache_usage_perc",
        output_tokens="vllm:generation_tokens_total",
    ),
    phases=log.PHASES,
    reasons=log.REASONS,
    stop_grace_s=10.0,
)
