"""What /api/tags, /api/ps and /api/show say of a model. What a gateway cannot know is empty or 0."""

import hashlib
from datetime import UTC, datetime

from polychat.routing.replica import Replica
from polychat.types import Endpoint, Feature

NEVER = datetime(2300, 1, 1, tzinfo=UTC)  # when a model is unloaded
_UNKNOWN = "unknown"  # the architecture; clients look up others keys by it


def tag(name: str, replica: Replica) -> dict[str, object]:
    """One model of /api/tags."""
    return _identity(name, replica) | {"modified_at": _since(replica)}


def running(name: str, replica: Replica) -> dict[str, object]:
    """One model of /api/ps."""
    facts = {"expires_at": NEVER, "size_vram": 0, "context_length": replica.context_length or 0}
    return _identity(name, replica) | facts


def show(name: str, replica: Replica) -> dict[str, object]:
    """The answer of /api/show."""
    return {
        "license": "",
        "modelfile": f"FROM {name}\n",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": _details(replica),
        "model_info": _model_info(name, replica),
        "capabilities": _capabilities(replica),
        "modified_at": _since(replica),
    }


def _identity(name: str, replica: Replica) -> dict[str, object]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"name": name, "model": name, "size": 0, "digest": digest, "details": _details(replica)}


def _details(replica: Replica) -> dict[str, object]:
    return {
        "parent_model": "",
        "format": "gguf" if replica.engine == "llamacpp" else "",
        "family": "",
        "families": [],
        "parameter_size": "",
        "quantization_level": "",
    }


def _model_info(name: str, replica: Replica) -> dict[str, object]:
    info: dict[str, object] = {"general.architecture": _UNKNOWN, "general.basename": name}
    if replica.context_length is not None:
        info[f"{_UNKNOWN}.context_length"] = replica.context_length
    return info


def _capabilities(replica: Replica) -> list[str]:
    """What is known that the model can do."""
    features = replica.features or frozenset()
    can = {
        "completion": bool(replica.endpoints & {Endpoint.CHAT, Endpoint.COMPLETIONS}),
        "tools": Feature.TOOLS in features,
        "insert": Feature.SUFFIX in features,
        "vision": Feature.VISION in features,
        "embedding": Endpoint.EMBEDDINGS in replica.endpoints,
    }
    return [name for name, is_able in can.items() if is_able]


def _since(replica: Replica) -> datetime:
    return datetime.fromtimestamp(replica.created, UTC)
