"""The chat template that vLLM renders a checkpoint's conversations with."""

import logging
from dataclasses import dataclass
from pathlib import Path

import msgspec

from polychat.engines import templates
from polychat.engines.checkpoint import Checkpoint
from polychat.engines.spec import EngineSpec

log = logging.getLogger(__name__)

_TEKKEN = "tekken.json"  # Mistral's own tokenizer, which writes prompts without a template


@dataclass(frozen=True, slots=True)
class Chats:
    """How a model is spoken to. Without a template, vLLM has nothing to render messages with."""

    template: str = ""  # Jinja
    is_own: bool = True  # the checkpoint's: vLLM finds it there

    @property
    def is_possible(self) -> bool:
        return bool(self.template)


def of(spec: EngineSpec, checkpoint: Checkpoint) -> Chats:
    """The template asked for, the checkpoint's own, or its family's.

    Raises:
        SetupError: the one asked for is not there.
    """
    if spec.tuning.chat_template:
        return Chats(templates.find(spec.tuning.chat_template).jinja, is_own=False)
    if own := own_template(checkpoint.folder):
        return Chats(own)
    if (checkpoint.folder / _TEKKEN).is_file():
        return Chats("[AVAILABLE_TOOLS] [TOOL_CALLS] tools")
    name = spec.model.id if spec.model else spec.name
    found = templates.for_model(name, checkpoint.model_type, checkpoint.architectures)
    return Chats(found.jinja, is_own=False) if found else Chats()


def own_template(folder: Path) -> str:
    """The text of the checkpoint's own template, "" if it has none; of several the one for tools."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8", errors="replace")
    for name in ("chat_template.json", "tokenizer_config.json"):
        found = _field(folder / name)
        if found:
            return found
    return ""


def _field(path: Path) -> str:
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, object]).get("chat_template")
    except (OSError, msgspec.DecodeError):
        return ""
    if isinstance(told, list):
        named = {str(each.get("name")): str(each.get("template")) for each in told if isinstance(each, dict)}
        return named.get("tool_use") or named.get("default") or ""
    return told if isinstance(told, str) else ""
