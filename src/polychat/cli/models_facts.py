"""`polychat models show`: what a model is, what it needs, and which engine would run it."""

import json

import typer

from polychat.cli.models_disk import size
from polychat.engines import checkpoint, choice, gguf_header, models, requirements
from polychat.engines.checkpoint import Checkpoint
from polychat.engines.gguf_header import Header
from polychat.engines.selection import Around, facts_of
from polychat.engines.spec import PLAIN, ModelFiles
from polychat.errors import SetupError

CONTEXTS = (2048, 8192, 32768, 131072)  # tokens; what people ask for
_UNTOLD = 4096  # tokens, of a model that does not say

Facts = dict[str, object]


def print_facts(name: str, *, as_json: bool) -> None:
    """Raises SetupError when the model is not on this disk, or not whole."""
    model = models.cached(name)
    if model is None:
        raise SetupError(f"{name} is not on this disk; `polychat download {name}` gets it")
    around = Around.look()
    facts = of(name, model) | _run(name, model, around)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for key, value in facts.items():
        shown = size(value) if key.endswith("_bytes") and isinstance(value, int) else _line(value)
        typer.echo(f"{key.removesuffix('_bytes').replace('_', ' '):<15} {shown}")


def of(name: str, model: ModelFiles) -> Facts:
    """What the files say."""
    about: Facts = {"model": name, "path": str(model.path), "format": model.format}
    if model.format == "checkpoint":
        return about | _of_checkpoint(checkpoint.read(model.path))
    header = gguf_header.read(model.path)
    return about | _of_gguf(header, sum(shard.stat().st_size for shard in models.shards(model.path)))


def _of_checkpoint(found: Checkpoint) -> Facts:
    need = requirements.needs(found, engine="", tuning=PLAIN, on_cpu=False)
    return {
        "architecture": ", ".join(found.architectures) or found.model_type,
        "kind": found.kind.value,
        "parameters": found.num_parameters,
        "stored_as": found.quantization or found.dtype,
        "weights_bytes": found.weights_bytes,
        "context_length": found.context_length,
        "chat_template": found.has_chat_template,
        "memory_bytes": {n: need.total_bytes(n) for n in _contexts(found.context_length)},
    }


def _of_gguf(header: Header, weights_bytes: int) -> Facts:
    kind = "rerank" if header.ranks else "embed" if header.embeds else "generate"
    context = header.context_length or None
    return {
        "architecture": header.architecture,
        "kind": kind,
        "weights_bytes": weights_bytes,
        "context_length": context,
        "memory_bytes": {n: weights_bytes + n * header.kv_bytes_per_token for n in _contexts(context)},
    }


def _contexts(longest: int | None) -> list[int]:
    limit = longest or _UNTOLD
    return [*(n for n in CONTEXTS if n < limit), limit]


def _run(name: str, model: ModelFiles, around: Around) -> Facts:
    where, free_bytes = around.machine.pool(None)
    return {f"free_{where.replace(' ', '_')}_bytes": free_bytes, "engine": _engine(name, model, around)}


def _engine(name: str, model: ModelFiles, around: Around) -> str:
    try:
        return str(choice.choose(facts_of(name, model), around.machine, around.installed))
    except SetupError as exc:
        return f"none: {exc}"


def _line(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{size(bytes_)} at {tokens} tokens" for tokens, bytes_ in value.items())
        case bool():
            return "yes" if value else "no"
        case None:
            return "not told"
        case _:
            return str(value)
