"""LoRA adapters while the model runs, in the shapes of vLLM's API."""

import asyncio
from pathlib import Path

from polychat.engines.transformers.job import AdapterRefused, UnknownAdapter
from polychat.engines.transformers.served import Served
from polychat.errors import RequestError, UnknownModel
from polychat.schema.adapters import LoadAdapterRequest, UnloadAdapterRequest
from polychat.schema.validation import parser_of

_parse_load = parser_of(LoadAdapterRequest)
_parse_unload = parser_of(UnloadAdapterRequest)


async def load(served: Served, body: bytes) -> bytes:
    """Let requests ask for an adapter on this machine's disk.

    Raises:
        RequestError: 404 when it is not there, 400 when it does not fit or its name is taken.
    """
    request = _parse_load(body)
    name = request.lora_name
    if not await asyncio.to_thread(Path(request.lora_path).is_dir):
        error = RequestError(
            f"There is no folder {request.lora_path!r} on the worker's machine.", param="lora_path"
        )
        error.status = 404
        raise error
    if name == served.name:
        raise RequestError(f"{name!r} is the model's own name.", param="lora_name")
    if request.load_inplace and name in served.generator.adapters:
        await served.generator.unload_adapter(name)
    try:
        await served.generator.load_adapter(name, request.lora_path)
    except AdapterRefused as exc:
        raise RequestError(f"The adapter cannot be loaded: {exc}.", param="lora_path") from exc
    served.gone_adapters.discard(name)
    return b'"loaded"'


async def unload(served: Served, body: bytes) -> bytes:
    """Forget an adapter once nobody uses it any more."""
    name = _parse_unload(body).lora_name
    served.gone_adapters.add(name)
    try:
        await served.generator.unload_adapter(name)
    except UnknownAdapter as exc:
        served.gone_adapters.discard(name)
        raise UnknownModel(name) from exc
    return b'"unloaded"'
