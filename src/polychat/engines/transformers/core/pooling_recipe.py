"""How a sentence-transformers folder makes one vector of a text's hidden states."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PretrainedConfig

from polychat.errors import EngineStartError

_MODES = {  # keys of 1_Pooling/config.json, and the newer single name
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_ACTIVATIONS = {
    "Tanh": torch.tanh,
    "Identity": lambda states: states,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
}


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer over the pooled vector."""

    weight: Tensor
    bias: Tensor | None
    activation: str

    def apply(self, vectors: Tensor) -> Tensor:
        changed = torch.nn.functional.linear(vectors, self.weight.to(vectors), _moved(self.bias, vectors))
        return _ACTIVATIONS[self.activation](changed)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Pooling, then the dense layers, then length 1."""

    modes: tuple[str, ...]
    layers: tuple[Dense, ...] = ()

    def vectors(self, states: Tensor, mask: Tensor) -> Tensor:
        """states: (texts, tokens, width); mask: (texts, tokens), 1 on tokens and then 0 on padding."""
        pooled = torch.cat([pool(mode, states, mask) for mode in self.modes], dim=-1)
        for layer in self.layers:
            pooled = layer.apply(pooled)
        return torch.nn.functional.normalize(pooled.float(), dim=-1)

    def dimensions(self, width: int) -> int:
        return self.layers[-1].weight.shape[0] if self.layers else width * len(self.modes)


def pool(mode: str, states: Tensor, mask: Tensor) -> Tensor:
    """One vector a text: (texts, width)."""
    weights = mask[:, :, None].to(states.dtype)
    length = weights.sum(1)
    match mode:
        case "cls":
            return states[:, 0]
        case "lasttoken":
            return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1]
        case "max":
            return states.masked_fill(weights == 0, float("-inf")).amax(1)
        case "mean_sqrt_len_tokens":
            return (states * weights).sum(1) / length.sqrt()
        case "weightedmean":
            places = weights * torch.arange(1, states.shape[1] + 1, device=states.device)[None, :, None]
            return (states * places).sum(1) / places.sum(1)
        case _:
            return (states * weights).sum(1) / length


def read_recipe(folder: Path, config: PretrainedConfig) -> Recipe:
    """What the folder says; without a word, the mean of an encoder and the last token of a decoder.

    Raises:
        EngineStartError: it says something that is not known here.
    """
    if not (folder / "modules.json").is_file():
        return Recipe(("lasttoken",) if _reads_forward_only(config) else ("mean",))
    modules = json.loads((folder / "modules.json").read_text())
    modes: tuple[str, ...] = ("mean",)
    layers: list[Dense] = []
    for module in modules:
        path = folder / module["path"]
        match module["type"].rsplit(".", 1)[-1]:
            case "Pooling":
                modes = _modes(json.loads((path / "config.json").read_text()))
            case "Dense":
                layers.append(_dense(path))
            case "Transformer" | "Normalize":
                continue
            case other:
                raise EngineStartError(
                    f"{folder / 'modules.json'} names a module {other}, which is not known here"
                )
    return Recipe(modes, tuple(layers))


def _modes(config: Mapping[str, Any]) -> tuple[str, ...]:  # Any: decoded JSON
    named = config.get("pooling_mode")
    if isinstance(named, str):
        return (named,)
    if isinstance(named, Sequence):
        return tuple(named)
    return tuple(mode for key, mode in _MODES.items() if config.get(key)) or ("mean",)


def _dense(path: Path) -> Dense:
    config = json.loads((path / "config.json").read_text())
    weights = load_file(path / "model.safetensors")
    activation = config.get("activation_function", "Identity").rsplit(".", 1)[-1]
    if activation not in _ACTIVATIONS:
        raise EngineStartError(f"{path} asks for the activation {activation}, which is not known here")
    return Dense(weights["linear.weight"], weights.get("linear.bias"), activation)


def _moved(bias: Tensor | None, like: Tensor) -> Tensor | None:
    return None if bias is None else bias.to(like)


def _reads_forward_only(config: PretrainedConfig) -> bool:
    architecture = next(iter(config.architectures or ()), "")
    encoders = ("bert", "nomic", "gte", "t5", "mpnet", "roberta", "deberta", "electra", "albert")
    return not any(name in architecture.lower() or name in config.model_type for name in encoders)
