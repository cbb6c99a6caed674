"""What simulated replicas can do at most, about: for a load that is neither idle nor hopeless."""

from polychat.bench.simulate.replica import Engine
from polychat.bench.simulate.workload import Workload

_LOAD = 0.6


def sensible_rate(engine: Engine, workload: Workload, num_replicas: int) -> float:
    """Conversations per second that use so much of the replicas when no prompt is cached but its own turn."""
    turns = workload.turns if workload.kind == "multi-turn" else 1
    shared = 0 if workload.kind == "random" else workload.prefix_tokens
    mean_prompt = shared + workload.prompt_tokens * (turns + 1) / 2 + workload.output_tokens * (turns - 1) / 2
    prefill_s = engine.overhead_s + mean_prompt / engine.prefill_tokens_per_s
    step_s = engine.step_s + engine.slots * engine.step_each_s
    decode_s = workload.output_tokens * step_s / engine.slots
    return _LOAD * num_replicas / (turns * (prefill_s + decode_s))
