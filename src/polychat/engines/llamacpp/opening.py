"""From what people ask for to what llama.cpp is started with. All that can be refused is refused here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from polychat.engines import gguf_header, machine, memory
from polychat.engines.gguf_header import Header
from polychat.engines.llamacpp import arguments, chat_template, companions, kv_types, offer
from polychat.engines.llamacpp import plan as planning
from polychat.engines.llamacpp.companions import Companions
from polychat.engines.llamacpp.plan import Plan
from polychat.engines.llamacpp.settings import Settings
from polychat.engines.models import shards
from polychat.engines.spec import EngineSpec, ModelFiles
from polychat.types import Endpoint, Feature

_TAKEN = frozenset(
    {"kv_cache_dtype", "adapters", "chat_template", "mmproj", "draft_model", "program", "arguments"}
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that this machine can run, and how."""

    settings: Settings  # of all ports alike
    plan: Plan
    endpoints: frozenset[Endpoint]
    features: frozenset[Feature]


def opened(spec: EngineSpec, model: ModelFiles) -> Opened:
    """How to run `model` as `spec` asks.

    Raises:
        SetupError: a file is not what it should be, the machine is too small, or llama.cpp cannot do it.
    """
    spec.tuning.require_only("llamacpp", _TAKEN)
    if not spec.tuning.program:
        arguments.parsed(spec.tuning.arguments)
    header = gguf_header.read(model.path)
    files = companions.checked(spec, model, header)
    plan = _plan(spec, header, files, _bytes_of((*shards(model.path), *files.paths)))
    template = chat_template.chosen(spec, model, header)
    return Opened(
        replace(
            _settings(spec, model, plan, files),
            embeds=header.embeds,
            ranks=header.ranks,
            chat_template=template.jinja if template else "",
            stop=template.stop if template else (),
        ),
        plan,
        offer.endpoints(header, chats=template is not None),
        offer.features(header, sees=files.sees, drafts=files.draft is not None),
    )


def _plan(spec: EngineSpec, header: Header, files: Companions, weights_bytes: int) -> Plan:
    free_bytes = memory.available_bytes()
    if weights_bytes > free_bytes:
        planning.require_room(weights_bytes, machine.here(), spec.num_gpus)
    kv_type = kv_types.named(spec.tuning.kv_cache_dtype)
    return planning.plan(
        kv_types.costed(header, kv_type, files.draft),
        free_bytes=max(0, free_bytes - weights_bytes),
        context_length=spec.context_length,
        slots=spec.slots,
    )


def _settings(spec: EngineSpec, model: ModelFiles, plan: Plan, files: Companions) -> Settings:
    weights_bytes = _bytes_of(shards(model.path))
    return Settings(
        model=str(model.path),
        mmproj=str(files.mmproj or ""),
        name=spec.name or model.id,
        host=spec.host,
        secret=spec.secret,
        slots=plan.slots,
        n_ctx=plan.kv_tokens,
        kv_unified=plan.kv_unified,
        kv_cache_type=kv_types.named(spec.tuning.kv_cache_dtype),
        n_batch=plan.n_batch,
        gpu_layers=0 if spec.num_gpus == 0 else -1,
        num_gpus=spec.num_gpus or 0,
        decode_threads=planning.threads(weights_bytes, memory.physical_cores()),
        prefill_threads=planning.threads(weights_bytes, memory.usable_cpus()),
        cache_ram_mib=0 if files.adapters else plan.cache_ram_mib,  # it would mix up adapters' prompts
        adapters=tuple(map(str, files.adapters)),
        draft_model=str(files.draft_model or ""),
        arguments=spec.tuning.arguments,
    )


def _bytes_of(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
