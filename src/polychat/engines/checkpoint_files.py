"""File names of a checkpoint: which of a repository's many files an engine needs. Pure."""

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

INDEX = "model.safetensors.index.json"
CONFIG = "config.json"
ADAPTER = "adapter_config.json"
MODULES = "modules.json"  # of sentence-transformers: which folder has which step

_TOKENIZERS = re.compile(
    r"(tokenizer\.(json|model)|tekken\.json|spiece\.model|sentencepiece\.bpe\.model|vocab\.(txt|json)"
    r"|.*\.tiktoken|.*\.spm)$"
)
_OBJECTS = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
_MODULE = re.compile(r"\d+_[A-Za-z]+")  # 1_Pooling: a step's folder
_TRANSFORMER = re.compile(r"\d+_(Transformer|BERT|RoBERTa)")
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_SMALL = (".json", ".jinja", ".txt", ".model", ".tiktoken", ".spm", ".py")
_NOT_WEIGHTS = re.compile(r"(consolidated|adapter_model|training_args|optimizer|scheduler|rng_state)")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")


def is_checkpoint(names: Collection[str]) -> bool:
    """Whether a folder with these files holds a model in transformers' form, or what is left of one."""
    return root(names) is not None


def root(names: Collection[str]) -> str | None:
    """The folder of the model's own config, "" for the top one; None if there is none."""
    if CONFIG in names:
        return ""
    nested = sorted(name for name in names if name.endswith("/" + CONFIG) and name.count("/") == 1)
    return next((folder for name in nested if _TRANSFORMER.fullmatch(folder := name.split("/")[0])), None)


def weights(names: Collection[str]) -> list[str]:
    """The safetensors files that loaders take, relative to the top; empty if there are none.

    One file beats shards, and both beat files for special use, as transformers itself has it.
    """
    top = root(names) or ""
    here = {_base(name): name for name in names if _folder(name) == top and name.endswith(".safetensors")}
    if "model.safetensors" in here:
        return [here["model.safetensors"]]
    shards = sorted(name for base, name in here.items() if _SHARD.fullmatch(base))
    return shards or sorted(name for base, name in here.items() if not _NOT_WEIGHTS.match(base))


def pickled(names: Collection[str]) -> list[str]:
    """Weights in Python's own format, which may run code when they are loaded."""
    top = root(names) or ""
    return sorted(
        name
        for name in names
        if _folder(name) == top and name.endswith(_PICKLES) and not _NOT_WEIGHTS.match(_base(name))
    )


def has_tokenizer(names: Collection[str]) -> bool:
    places = {"", root(names) or ""}
    return any(_folder(name) in places and _TOKENIZERS.match(_base(name)) for name in names)


def read_at_start(names: Collection[str]) -> list[str]:
    """The JSON objects, beside the config, that every engine reads."""
    top = root(names) or ""
    return sorted(name for name in names if _folder(name) == top and _base(name) in _OBJECTS)


def wanted(names: Collection[str]) -> list[str]:
    """What a checkpoint or an adapter needs, small files first: whoever has the last has all."""
    if ADAPTER in names and CONFIG not in names:
        kept = {name for name in names if not _folder(name) and name.endswith((".safetensors", *_SMALL))}
        return _small_first(kept)
    small = {name for name in names if _is_small(name)}
    modules = {name for name in names if _MODULE.fullmatch(_folder(name)) and name.endswith(".safetensors")}
    return _small_first({*small, *modules, *weights(names)})


def _is_small(name: str) -> bool:
    folder = _folder(name)
    return name.endswith(_SMALL) and (not folder or _MODULE.fullmatch(folder) is not None)


def _small_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.endswith(".safetensors"), name))


def _base(name: str) -> str:
    return PurePosixPath(name).name


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
