"""POST /v1/load_lora_adapter and /v1/unload_lora_adapter, as vLLM has published them: the requests.

Source: https://docs.vllm.ai/en/stable/features/lora.html, "Dynamically serving LoRA adapters".
"""

import msgspec

from polychat.schema.generation import NonEmpty


class LoadAdapterRequest(msgspec.Struct, kw_only=True):
    lora_name: NonEmpty
    lora_path: NonEmpty  # on the machine of the model's workers
    load_inplace: bool | None = None  # replace one of the same name
    model: NonEmpty | None = None  # ours: which model it belongs to, where several take adapters


class UnloadAdapterRequest(msgspec.Struct, kw_only=True):
    lora_name: NonEmpty
    model: NonEmpty | None = None
