"""From a folder to a model of transformers' in memory, by what its config says it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
import transformers
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from polychat.engines.transformers.core.devices import check_room, device_of, dtype_of
from polychat.engines.transformers.core.quantization import quantization_config
from polychat.engines.transformers.core.refusals import refusing
from polychat.engines.transformers.job import ModelSettings
from polychat.errors import EngineStartError

Kind = Literal["decoder", "encoder-decoder", "vision", "embedding", "classifier"]

_CLASSES: Mapping[Kind, str] = {
    "decoder": "AutoModelForCausalLM",
    "encoder-decoder": "AutoModelForSeq2SeqLM",
    "vision": "AutoModelForImageTextToText",
    "embedding": "AutoModel",
    "classifier": "AutoModelForSequenceClassification",
}
_MAY_LACK = ("pooler.", "embeddings.position_ids", "rotary_emb.inv_freq")  # weights that nothing here needs


def read_config(settings: ModelSettings) -> PretrainedConfig:
    """What the model is.

    Raises:
        EngineStartError: the config is missing, broken, or of an architecture that the library lacks.
    """
    if not settings.gguf_file and not (Path(settings.folder) / "config.json").is_file():
        raise EngineStartError(f"{settings.folder} is not a whole model: it has no config.json")
    with refusing(settings):
        return AutoConfig.from_pretrained(settings.folder, **_source(settings))


def kind_of(config: PretrainedConfig, folder: Path) -> Kind:
    """What a model does, by its architecture.

    Raises:
        EngineStartError: nothing that this engine serves.
    """
    architecture = next(iter(config.architectures or ()), "")
    own_classes = getattr(config, "auto_map", None) or {}
    if architecture.endswith("ForSequenceClassification"):
        return "classifier"
    if (folder / "modules.json").is_file():
        return "embedding"
    if config.is_encoder_decoder and _is_in(config, "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING"):
        return "encoder-decoder"
    if architecture in modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.values():
        return "vision"
    if architecture in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        return "decoder"
    if architecture.endswith(("Model", "ForMaskedLM", "ForPreTraining")):
        return "embedding"
    if "AutoModelForCausalLM" in own_classes or _is_in(config, "MODEL_FOR_CAUSAL_LM_MAPPING"):
        return "decoder"
    raise EngineStartError(
        f"{folder} holds a {config.model_type} model ({architecture or 'of no named architecture'}), and "
        "this engine serves models of text and of images to text only"
    )


def load(settings: ModelSettings, config: PretrainedConfig, kind: Kind) -> PreTrainedModel:
    """The model with its weights, on its device, ready to compute.

    Raises:
        EngineStartError: one line that says what is wrong and what to do.
    """
    device = device_of(settings)
    stored = getattr(config, "dtype", None) or torch.float32
    dtype = dtype_of(settings, device, stored)
    check_room(settings, device, dtype, stored)
    with refusing(settings):
        model, info = getattr(transformers, _CLASSES[kind]).from_pretrained(
            settings.folder,
            config=config,
            dtype=dtype,
            device_map={"": device},
            quantization_config=quantization_config(settings, dtype),
            output_loading_info=True,
            **_source(settings),
        )
    _check_complete(settings, info["missing_keys"])
    ready: PreTrainedModel = model.eval()
    return ready


def _check_complete(settings: ModelSettings, missing: set[str]) -> None:
    """The library would go on with random numbers."""
    lacking = sorted(name for name in missing if not any(part in name for part in _MAY_LACK))
    if lacking:
        raise EngineStartError(
            f"the checkpoint in {settings.folder} lacks {len(lacking)} weights, such as {lacking[0]}: it is "
            "incomplete, or of another model than its config.json says. Download it again"
        )


def _source(settings: ModelSettings) -> dict[str, object]:
    gguf = {"gguf_file": settings.gguf_file} if settings.gguf_file else {}
    return {"trust_remote_code": settings.trust_remote_code, "local_files_only": True, **gguf}


def _is_in(config: PretrainedConfig, mapping: str) -> bool:
    return type(config) in getattr(transformers, mapping)
