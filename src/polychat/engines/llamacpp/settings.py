"""What a worker tells the process that llama.cpp runs in. Apart, so that a worker need not load llama.cpp."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

MODULE = "polychat.engines.llamacpp.child"
VARIABLE = "POLYCHAT_LLAMACPP"
SERVING = "serving"  # the first word of the line that it prints when it answers


@dataclass(frozen=True, slots=True)
class Settings:
    """What llama.cpp is started with."""

    model: str
    mmproj: str
    name: str
    host: str
    port: int
    secret: str
    slots: int
    n_ctx: int  # tokens of KV cache, all slots together
    kv_unified: bool  # slots share one KV cache, each may use all of it
    n_batch: int  # tokens computed at once; 0: as llama.cpp likes
    embeds: bool
    ranks: bool
    gpu_layers: int  # -1: as many as fit
    num_gpus: int  # 0: all of them
    decode_threads: int
    prefill_threads: int
    cache_ram_mib: int

    def to_env(self) -> dict[str, str]:
        gpus = {"CUDA_VISIBLE_DEVICES": ",".join(map(str, range(self.num_gpus)))} if self.num_gpus else {}
        return {VARIABLE: json.dumps(asdict(self)), **gpus}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        return cls(**json.loads(env[VARIABLE]))
