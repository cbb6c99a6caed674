"""The files beside a model, checked before llama.cpp runs: LoRA adapters, a projector, a draft model."""

from dataclasses import dataclass
from pathlib import Path

from polychat.engines import gguf_header
from polychat.engines.gguf_header import Header
from polychat.engines.llamacpp import vocabulary
from polychat.engines.spec import Adapter, EngineSpec, ModelFiles
from polychat.errors import SetupError

_PROJECTOR = "clip"  # what all projectors call their architecture


@dataclass(frozen=True, slots=True)
class Companions:
    """What llama.cpp loads beside the model."""

    adapters: tuple[Path, ...] = ()  # in the order of their numbers
    mmproj: Path | None = None
    draft_model: Path | None = None
    draft: Header | None = None
    sees: bool = False  # the projector is one for images; there are others, for sound only

    @property
    def paths(self) -> tuple[Path, ...]:
        return (*self.adapters, *(path for path in (self.mmproj, self.draft_model) if path))


def checked(spec: EngineSpec, model: ModelFiles, header: Header) -> Companions:
    """The files that `spec` names and those found beside the model.

    Raises:
        SetupError: one of them is not what it is named as, or does not belong to this model.
    """
    tuning = spec.tuning
    for adapter in tuning.adapters:
        _require_adapter(adapter, header)
    mmproj = tuning.mmproj or model.mmproj
    draft = gguf_header.read(tuning.draft_model) if tuning.draft_model else None
    if tuning.draft_model:
        vocabulary.require_same(model.path, tuning.draft_model)
    return Companions(
        adapters=tuple(adapter.path for adapter in tuning.adapters),
        mmproj=mmproj,
        draft_model=tuning.draft_model,
        draft=draft,
        sees=mmproj is not None and _sees(mmproj),
    )


def _require_adapter(adapter: Adapter, model: Header) -> None:
    flag = f"--lora {adapter.name}={adapter.path}"
    if adapter.path.is_dir():
        raise SetupError(
            f"{flag} is a folder, and llama.cpp takes adapters as GGUF files; "
            "convert it with llama.cpp's convert_lora_to_gguf.py, or take --engine transformers"
        )
    told = gguf_header.metadata(adapter.path)
    if (told.get("general.type"), told.get("adapter.type")) != ("adapter", "lora"):
        raise SetupError(f"{flag} is no LoRA adapter but a {told.get('general.type', 'model')}")
    made_for = told.get("general.architecture")
    if made_for != model.architecture:
        raise SetupError(f"{flag} is for {made_for} models, and this model is a {model.architecture}")


def _sees(projector: Path) -> bool:
    told = gguf_header.metadata(projector)
    architecture = told.get("general.architecture")
    if architecture != _PROJECTOR:
        raise SetupError(
            f"--mmproj {projector} is no projector but a {architecture} model; "
            "projectors have mmproj in the name"
        )
    return told.get("clip.has_vision_encoder", True) is True
