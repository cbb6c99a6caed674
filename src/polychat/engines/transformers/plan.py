"""From what people ask for to what the child is started with. All that can be refused is refused here."""

import logging
from dataclasses import dataclass

from polychat.engines import checkpoint, templates
from polychat.engines.checkpoint import POOLS, Checkpoint, Kind
from polychat.engines.spec import EngineSpec, ModelFiles
from polychat.engines.templates import Template
from polychat.engines.transformers.job import ModelSettings
from polychat.engines.transformers.reading import MARKS
from polychat.engines.transformers.settings import Settings
from polychat.errors import SetupError
from polychat.types import Endpoint

log = logging.getLogger(__name__)

_TAKEN = frozenset(
    {"dtype", "quantization", "adapters", "allow_adapter_updates", "chat_template", "tool_parser"}
    | {"trust_remote_code"}
)
_POOLING = {
    Kind.EMBED: {Endpoint.EMBEDDINGS, Endpoint.RERANK, Endpoint.SCORE},
    Kind.RERANK: {Endpoint.RERANK, Endpoint.SCORE},
    Kind.CLASSIFY: {Endpoint.CLASSIFY},
}
_OWN = Template("", "")  # the tokenizer's


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run a model, and what it will serve."""

    settings: Settings
    endpoints: frozenset[Endpoint]


def planned(spec: EngineSpec, model: ModelFiles) -> Plan:
    """How to run `model` as `spec` asks.

    Raises:
        SetupError: a file is not what it should be, or the engine cannot do what is asked.
    """
    spec.tuning.require_only("transformers", _TAKEN)
    _require_known_parser(spec.tuning.tool_parser)
    facts = checkpoint.read(model.path)
    template = None if facts.kind in POOLS else _template(spec, model, facts)
    settings = Settings(
        model=_model(spec, model),
        name=spec.name or model.id,
        host=spec.host,
        secret=spec.secret,
        sees=facts.kind is Kind.VISION,
        chat_template=template.jinja if template else "",
        stop=template.stop if template else (),
        stop_token_ids=template.stop_token_ids if template else (),
        tool_parser=spec.tuning.tool_parser,
    )
    return Plan(settings, _endpoints(spec, facts, chats=template is not None))


def _model(spec: EngineSpec, model: ModelFiles) -> ModelSettings:
    tuning = spec.tuning
    for adapter in tuning.adapters:
        if not (adapter.path / "adapter_config.json").is_file():
            raise SetupError(
                f"--lora {adapter.name}={adapter.path}: it has no adapter_config.json; name another folder"
            )
    return ModelSettings(
        folder=str(model.path),
        device=_device(spec),
        dtype=tuning.dtype,
        quantization=tuning.quantization,
        trust_remote_code=tuning.trust_remote_code,
        context_length=spec.context_length,
        slots=spec.slots,
        adapters={adapter.name: str(adapter.path) for adapter in tuning.adapters},
        adapter_updates=tuning.allow_adapter_updates,
    )


def _device(spec: EngineSpec) -> str:
    if spec.num_gpus is not None and spec.num_gpus > 1:
        raise SetupError(
            f"the engine transformers uses one GPU, not {spec.num_gpus}: --num-gpus 1, or --engine vllm"
        )
    return "cpu" if spec.num_gpus == 0 else ""


def _template(spec: EngineSpec, model: ModelFiles, facts: Checkpoint) -> Template | None:
    """The one asked for, the tokenizer's own, or its family's; None: the model runs no chats."""
    if spec.tuning.chat_template:
        return templates.find(spec.tuning.chat_template)
    if facts.has_chat_template:
        return _OWN
    names = (model.id, str(model.path))
    for name in names:
        if found := templates.for_model(name, facts.model_type, facts.architectures):
            return found
    log.warning("chats are off: %s", templates.refusal(spec.name or model.id))
    return None


def _endpoints(spec: EngineSpec, facts: Checkpoint, *, chats: bool) -> frozenset[Endpoint]:
    common = {Endpoint.TOKENIZE, Endpoint.DETOKENIZE}
    if facts.kind in POOLS:
        return frozenset(common | _POOLING[facts.kind])
    if spec.tuning.allow_adapter_updates:
        common |= {Endpoint.LOAD_ADAPTER, Endpoint.UNLOAD_ADAPTER}
    return frozenset(common | {Endpoint.COMPLETIONS} | ({Endpoint.CHAT} if chats else set()))


def _require_known_parser(name: str) -> None:
    if name and name not in MARKS:
        raise SetupError(f"--tool-parser {name} is none of {', '.join(MARKS)}")
