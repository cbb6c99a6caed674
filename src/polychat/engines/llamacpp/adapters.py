"""LoRA adapters of llama.cpp: loaded at its start, each request says by number which one it wants."""

from polychat.engines.base import RequestView
from polychat.engines.llamacpp import fields
from polychat.types import Endpoint

_GENERATE = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS})


def asked(body: bytes, view: RequestView) -> bytes:
    """The body with the adapter that the model's name means; the very same one where there are none."""
    if not view.adapters or view.endpoint not in _GENERATE:
        return body
    return fields.added(body, wanted(view))


def wanted(view: RequestView) -> dict[str, object]:
    """llama.cpp's field for it.

    The bare model is asked for as "adapter 0 by nothing": without the field, llama.cpp would go on with what
    another adapter has put into the KV cache (seen with b11434, launch_slot_with_task).
    """
    if not view.adapters:
        return {}
    if view.model in view.adapters:
        return {"lora": [{"id": view.adapters.index(view.model), "scale": 1.0}]}
    return {"lora": [{"id": 0, "scale": 0.0}]}
