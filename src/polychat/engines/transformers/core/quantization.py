"""Weights in fewer bits than the checkpoint holds them in, made while loading."""

import importlib.util

import torch
from transformers import BitsAndBytesConfig, TorchAoConfig
from transformers.utils.quantization_config import QuantizationConfigMixin

from polychat.engines.transformers.job import ModelSettings
from polychat.errors import SetupError

_PACKAGES = {
    "bitsandbytes-4bit": "bitsandbytes",
    "bitsandbytes-8bit": "bitsandbytes",
    "torchao-int8": "torchao",
}


def quantization_config(settings: ModelSettings, dtype: torch.dtype) -> QuantizationConfigMixin | None:
    """What transformers is to do to the weights; None: leave them as the checkpoint has them.

    Raises:
        SetupError: the method is unknown, or its package is not installed.
    """
    asked = settings.quantization
    if not asked:
        return None
    if asked not in _PACKAGES:
        raise SetupError(
            f"--quantization {asked} is none of {', '.join(_PACKAGES)}; a checkpoint that is quantised "
            "already needs no option"
        )
    package = _PACKAGES[asked]
    if importlib.util.find_spec(package) is None:
        raise SetupError(f"--quantization {asked} needs {package}: pip install {package}")
    match asked:
        case "bitsandbytes-4bit":
            made = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=dtype)
        case "bitsandbytes-8bit":
            made = BitsAndBytesConfig(load_in_8bit=True)
        case _:
            from torchao.quantization import Int8WeightOnlyConfig

            made = TorchAoConfig(Int8WeightOnlyConfig())
    return made
