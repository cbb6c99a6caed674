"""What a checkpoint in transformers' form says about its model, read without loading it.

`checkpoint_files.py` knows its files' names, `safetensors_header.py` the weights, `kv_cache.py` the cache.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec

from polychat.engines import checkpoint_files as names
from polychat.engines import kv_cache, safetensors_header
from polychat.engines.kv_cache import Config, KvCache
from polychat.engines.safetensors_header import Tensor
from polychat.errors import SetupError

DTYPE_BYTES = {"float64": 8.0, "float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "float8": 1.0, "int8": 1.0}
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I8": "int8",
    "U8": "int8",
}
T = TypeVar("T")
_TEMPLATES = ("chat_template.jinja", "chat_template.json")


class Kind(StrEnum):
    """What a model is for."""

    GENERATE = "generate"
    VISION = "vision-language"  # generates, and sees images
    SEQ2SEQ = "seq2seq"  # an encoder and a decoder
    EMBED = "embed"
    RERANK = "rerank"
    CLASSIFY = "classify"


POOLS = frozenset({Kind.EMBED, Kind.RERANK, Kind.CLASSIFY})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The facts that decide how to run a model."""

    folder: Path
    architectures: tuple[str, ...]
    model_type: str
    kind: Kind
    context_length: int | None  # tokens it was trained on
    kv_cache: KvCache | None  # None: not told, or it keeps none
    weights_bytes: int  # on disk
    num_parameters: int
    dtype: str  # of most of its weights, as torch calls it
    quantization: str  # the method it was quantised with, "" for none
    has_chat_template: bool


def read(folder: Path) -> Checkpoint:
    """Read and check the checkpoint in `folder`; of the weights the headers only.

    Raises:
        SetupError: a file is missing, damaged or of a kind that is not loaded; names it and the fix.
    """
    present = _files(folder)
    top = names.root(present)
    if top is None:
        raise SetupError(_no_config(folder, present))
    config = _json(folder / top / names.CONFIG)
    tensors = _tensors(folder, present)
    if not names.has_tokenizer(present):
        raise SetupError(
            f"{folder} has no tokenizer (tokenizer.json, tokenizer.model or vocab.txt); take the missing "
            "files from the repository that it is from"
        )
    for name in names.read_at_start(present):
        _require_json(folder / name)
    return _facts(folder, config, tensors, present)


def is_whole(folder: Path) -> bool:
    """Whether every file of the weights is there; what is in them is not looked at."""
    present = _files(folder)
    try:
        return bool(names.root(present) is not None and _weight_files(folder, present))
    except SetupError:
        return False


def _files(folder: Path) -> frozenset[str]:
    """Names of files in the folder and in those right below it."""
    if not folder.is_dir():
        raise SetupError(f"there is no folder {folder}")
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return frozenset(path.relative_to(folder).as_posix() for path in found if path.is_file())


def _no_config(folder: Path, present: Iterable[str]) -> str:
    if names.ADAPTER in present:
        base = _json(folder / names.ADAPTER).get("base_model_name_or_path") or "its base model"
        return (
            f"{folder} is a LoRA adapter; serve it with its base: polychat worker {base} --lora NAME={folder}"
        )
    return f"{folder} has no config.json; take it from the repository that the checkpoint is from"


def _tensors(folder: Path, present: frozenset[str]) -> list[Tensor]:
    files = _weight_files(folder, present)
    return [tensor for name in files for tensor in safetensors_header.read(folder / name).values()]


def _weight_files(folder: Path, present: frozenset[str]) -> list[str]:
    """The files of the weights.

    Raises:
        SetupError: there are none, or some are missing.
    """
    top = names.root(present) or ""
    index = folder / top / names.INDEX
    files = names.weights(present)
    if index.is_file() and files != [_joined(top, "model.safetensors")]:
        shards = _json(index).get("weight_map")
        if not isinstance(shards, dict):
            raise SetupError(f"{index} is damaged: it names no files; download it again")
        files = sorted({_joined(top, str(name)) for name in shards.values()})
        missing = [name for name in files if name not in present]
        if missing:
            others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise SetupError(
                f"{folder / missing[0]}{others} of {len(files)} files is missing; download it again"
            )
    if not files:
        raise SetupError(no_weights(str(folder), present))
    return files


def no_weights(where: str, present: Iterable[str]) -> str:
    """What to say of a checkpoint without safetensors files."""
    if found := names.pickled(frozenset(present)):
        return (
            f"{where} has its weights only as {found[0].rpartition('/')[2]}, a format that can run code when "
            "it is loaded; take a revision with safetensors (--revision refs/pr/N if its page lists one), or "
            "save it anew with transformers' save_pretrained where you trust it"
        )
    return f"{where} has no weights (model.safetensors); download them, or name another folder"


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _facts(folder: Path, config: Config, tensors: list[Tensor], present: frozenset[str]) -> Checkpoint:
    text = _text(config)
    kind = kind_of(config, is_sentence_transformer=names.MODULES in present)
    return Checkpoint(
        folder=folder,
        architectures=_architectures(config),
        model_type=str(config.get("model_type") or ""),
        kind=kind,
        context_length=context_length(text),
        kv_cache=None if kind in POOLS else kv_cache.of(text),
        weights_bytes=sum(tensor.size_bytes for tensor in tensors),
        num_parameters=sum(tensor.num_values for tensor in tensors),
        dtype=_dtype(tensors),
        quantization=_quantization(config, text),
        has_chat_template=_has_chat_template(folder / (names.root(present) or "")),
    )


def kind_of(config: Config, *, is_sentence_transformer: bool = False) -> Kind:
    """What the model is for, by the class that its config names."""
    architecture = next(iter(_architectures(config)), "")
    if architecture.endswith("ForSequenceClassification"):
        return Kind.RERANK if _num_labels(config) == 1 else Kind.CLASSIFY
    if is_sentence_transformer or architecture.endswith(("Model", "ForMaskedLM")):
        return Kind.EMBED
    if any(isinstance(config.get(key), dict) for key in ("vision_config", "visual", "vit_config")):
        return Kind.VISION
    if config.get("is_encoder_decoder") is True:
        return Kind.SEQ2SEQ
    return Kind.GENERATE


def _num_labels(config: Config) -> int:
    labels = config.get("id2label")
    if isinstance(labels, dict):
        return len(labels)
    number = config.get("num_labels")
    return number if isinstance(number, int) else 2  # transformers' own default


def _architectures(config: Config) -> tuple[str, ...]:
    found = config.get("architectures")
    return tuple(str(name) for name in found) if isinstance(found, list) else ()


def _text(config: Config) -> Config:
    """The part about the language model of a model that does more."""
    for key in ("text_config", "llm_config", "language_config"):
        part = config.get(key)
        if isinstance(part, dict):
            return {**config, **part}
    return config


def context_length(config: Config) -> int | None:
    """Tokens that the positions of a model with this config reach; None if it does not tell."""
    keys = ("max_position_embeddings", "n_positions", "seq_length", "n_ctx", "max_sequence_length")
    told = next((n for key in keys if (n := _whole(config.get(key))) > 0), 0)
    if "roberta" in str(config.get("model_type")):
        told -= _whole(config.get("pad_token_id")) + 1  # its positions begin after that of the padding
    return max(told, _stretched(config, told)) or None


def _stretched(config: Config, told: int) -> int:
    """What scaled rotary positions reach; llama3's and longrope's are in the config's own length already."""
    scaling = config.get("rope_scaling") or config.get("rope_parameters")
    if not isinstance(scaling, dict):
        return 0
    kind = scaling.get("rope_type") or scaling.get("type")
    factor = scaling.get("factor")
    if kind not in ("linear", "dynamic", "yarn") or not isinstance(factor, int | float):
        return 0
    return int((_whole(scaling.get("original_max_position_embeddings")) or told) * factor)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _dtype(tensors: list[Tensor]) -> str:
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.dtype] += tensor.size_bytes
    most = sizes.most_common(1)[0][0] if sizes else "F32"
    return _DTYPES.get(most, "float8" if most.startswith("F8") else most.lower())


def _quantization(config: Config, text: Config) -> str:
    for part in (config.get("quantization_config"), text.get("quantization_config")):
        if isinstance(part, dict):
            return str(part.get("quant_method") or "quantized")
    return ""


def _has_chat_template(folder: Path) -> bool:
    if any((folder / name).is_file() for name in _TEMPLATES):
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(_json(settings).get("chat_template"))


def _require_json(path: Path) -> None:
    """Raises SetupError if it is cut off: engines' own words for that name no file."""
    _decoded(path, dict[str, msgspec.Raw])


def _json(path: Path) -> Mapping[str, object]:
    return _decoded(path, dict[str, object])


def _decoded(path: Path, form: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=form)
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path} is damaged: it holds no JSON object; download it again") from exc
