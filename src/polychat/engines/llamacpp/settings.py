"""What a worker tells the process that llama.cpp runs in. Apart, so that a worker need not load llama.cpp."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

MODULE = "polychat.engines.llamacpp.child"
VARIABLE = "POLYCHAT_LLAMACPP"
SERVING = "serving"  # the first word of the line that it prints when it answers
FAILED = "failed:"  # and that of its log's last line when it cannot
HTTP_THREADS_SPARE = 256  # each connection holds a thread, waiting requests and idle ones too


@dataclass(frozen=True, slots=True)
class Settings:
    """What llama.cpp is started with."""

    model: str
    mmproj: str
    name: str
    host: str
    secret: str
    slots: int
    n_ctx: int  # tokens of KV cache, all slots together
    kv_unified: bool  # slots share one KV cache, each may use all of it
    kv_cache_type: str  # as llama.cpp calls it, such as q8_0
    n_batch: int  # tokens computed at once; 0: as llama.cpp likes
    gpu_layers: int  # -1: as many as fit
    num_gpus: int  # 0: all of them
    decode_threads: int
    prefill_threads: int
    cache_ram_mib: int  # 0: no prompts of earlier chats are kept
    port: int = 0
    embeds: bool = False
    ranks: bool = False
    adapters: tuple[str, ...] = ()  # files of LoRA adapters, in the order of their numbers
    draft_model: str = ""
    chat_template: str = ""  # Jinja; "": the file's own
    stop: tuple[str, ...] = ()  # what ends an answer, unless a request names others
    arguments: tuple[str, ...] = ()  # of llama.cpp's command line

    def to_env(self) -> dict[str, str]:
        return {VARIABLE: msgspec.json.encode(self).decode(), **self.gpus_env()}

    def gpus_env(self) -> dict[str, str]:
        return {"CUDA_VISIBLE_DEVICES": ",".join(map(str, range(self.num_gpus)))} if self.num_gpus else {}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        return msgspec.json.decode(env[VARIABLE], type=cls)
