"""GGUF file names: which one of many is meant. Pure functions over names as folders and the hub list them."""

import re
from collections.abc import Iterable, Sequence

PREFERENCE = ("Q4_K_M", "Q8_0", "Q5_K_M", "Q4_0", "Q6_K", "Q4_K_S", "Q5_K_S", "F16", "BF16", "F32")
"""Quantisations from the one most people want down, when none is named."""

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_MMPROJ_PREFERENCE = ("F16", "BF16", "Q8_0", "F32")


def models(names: Iterable[str]) -> list[str]:
    """The model files among `names`, of a split model the first only, sorted."""
    return sorted(name for name in names if _is_gguf(name) and not _is_mmproj(name) and _number(name) == 1)


def choose(names: Sequence[str], quant: str) -> str | None:
    """The model file for `quant`, such as "Q8_0", or the most wanted one when it is empty."""
    candidates = models(names)
    if quant:
        return next((name for name in candidates if _is_quant(name, quant)), None)
    for wanted in PREFERENCE:
        for name in candidates:
            if _is_quant(name, wanted):
                return name
    return candidates[0] if candidates else None


def mmproj(names: Iterable[str]) -> str | None:
    """The projector file that belongs to a model that sees images; None if there is none."""
    candidates = sorted(name for name in names if _is_gguf(name) and _is_mmproj(name))
    for wanted in _MMPROJ_PREFERENCE:
        for name in candidates:
            if _is_quant(name, wanted):
                return name
    return candidates[0] if candidates else None


def parts(name: str) -> list[str]:
    """All files of the model whose first file is `name`, in order."""
    match = _SHARD.search(name)
    if match is None:
        return [name]
    return [f"{name[: match.start()]}-{n:05d}-of-{match[2]}.gguf" for n in range(1, int(match[2]) + 1)]


def stem(name: str) -> str:
    """A model's name from that of its first file."""
    return _SHARD.sub("", name).removesuffix(".gguf").removesuffix(".GGUF")


def _number(name: str) -> int:
    match = _SHARD.search(name)
    return int(match[1]) if match else 1


def _is_gguf(name: str) -> bool:
    return name.lower().endswith(".gguf")


def _is_mmproj(name: str) -> bool:
    return "mmproj" in name.rsplit("/", 1)[-1].lower()


def _is_quant(name: str, quant: str) -> bool:
    """Whether the path has `quant` as a word of its own: Q4_K is not Q4_K_M."""
    return re.search(rf"(^|[-./]){re.escape(quant)}([-./]|$)", name, re.IGNORECASE) is not None
