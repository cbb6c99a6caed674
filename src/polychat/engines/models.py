"""What a model argument means: `builtin`, a file or folder, or an id of a hub.

A folder holds a GGUF file or a checkpoint. A hub id is `user/repo`, `user/repo:QUANT` for one GGUF file of
it, and `modelscope:user/repo` for a model of ModelScope.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from polychat.engines import checkpoint_files, gguf_files
from polychat.engines.spec import ModelFiles, ModelFormat
from polychat.errors import SetupError

if TYPE_CHECKING:
    from polychat.engines.store.download import Hub
    from polychat.engines.store.wish import Wish

BUILTIN = "polychat-mini"
BUILTIN_PATH = Path(__file__).parent / "builtin" / f"{BUILTIN}.gguf"
BUILTIN_WORDS = ("builtin", BUILTIN)
ANY_FORMAT: tuple[ModelFormat, ...] = ("gguf", "checkpoint")
MODELSCOPE = "modelscope:"

_HUB_ID = re.compile(r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?::(?P<quant>[\w.-]+))?")
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")


def resolve(
    argument: str, *, revision: str | None = None, formats: Sequence[ModelFormat] = ANY_FORMAT
) -> ModelFiles:
    """The files behind a model argument; a model of a hub is downloaded when it is not here yet.

    `formats`: what a hub's repository is wanted in, the best first. A file or folder is what it is.

    Raises:
        WrongFormat: the repository has it in none of them.
        SetupError: there is no such model; says what to do.
    """
    found = local(argument)
    if found is not None:
        return found
    from polychat.engines.store.download import download

    hub, wish = on_hub(argument)
    return download(hub, replace(wish, revision=revision, formats=tuple(formats)))


def local(argument: str) -> ModelFiles | None:
    """The model if the argument names a file, a folder or the built-in model; None if it may be a hub's.

    Raises:
        SetupError: the file or folder holds no model.
    """
    if argument in BUILTIN_WORDS and not Path(argument).exists():
        return _builtin()
    path = Path(argument).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        _require_whole_model(path)
        return ModelFiles(path, gguf_files.stem(path.name), _beside(path))
    return None


def cached(argument: str, *, revision: str | None = None) -> ModelFiles | None:
    """The model as far as it is on this disk, in whatever format; nobody is asked."""
    found = local(argument)
    if found is not None:
        return found
    from polychat.engines.store.download import find

    hub, wish = on_hub(argument)
    return find(hub, replace(wish, revision=revision))


def hub_id(argument: str) -> tuple[str, str]:
    """The repository and the quantisation, "" if none is named, of a model of a hub.

    Raises:
        SetupError: `argument` has not the form of a hub id.
    """
    match = _HUB_ID.fullmatch(argument.removeprefix(MODELSCOPE))
    if match is None or argument.lower().endswith(".gguf"):
        raise SetupError(
            f"there is no model {argument!r}: a model is 'builtin', a GGUF file, a folder with one or with "
            "safetensors, or a hub id such as user/repo or user/repo:Q4_K_M"
        )
    return match["repo"], match["quant"] or ""


def on_hub(argument: str) -> "tuple[Hub, Wish]":
    """The hub that a hub id is of, and what is wanted there."""
    from polychat.engines.store.wish import Wish

    repo, quant = hub_id(argument)
    if argument.startswith(MODELSCOPE):
        from polychat.engines.store.modelscope import ModelScope

        return ModelScope(), Wish(repo, quant)
    from polychat.engines.store.hub import HuggingFace

    return HuggingFace(), Wish(repo, quant)


def shards(path: Path) -> list[Path]:
    """Every file of the model whose first file is `path`.

    Raises:
        SetupError: one is missing.
    """
    files = [path.with_name(name) for name in gguf_files.parts(path.name)]
    for file in files:
        if not file.exists():
            raise SetupError(
                f"{file} is missing: {path.name} is one of {len(files)} files that belong together"
            )
    return files


def _builtin() -> ModelFiles:
    if not BUILTIN_PATH.exists():
        raise SetupError(
            f"the built-in model is not in this install ({BUILTIN_PATH}); name a GGUF file instead"
        )
    return ModelFiles(BUILTIN_PATH, BUILTIN)


def _in_folder(folder: Path) -> ModelFiles:
    names = [
        path.relative_to(folder).as_posix() for path in (*folder.glob("*"), *folder.glob("*/config.json"))
    ]
    ggufs = gguf_files.models(names)
    if len(ggufs) > 1:
        raise SetupError(f"{folder} holds several models; name one file: {', '.join(ggufs)}")
    if ggufs:
        projector = gguf_files.mmproj(names)
        shards(folder / ggufs[0])
        return ModelFiles(folder / ggufs[0], folder.resolve().name, folder / projector if projector else None)
    if checkpoint_files.is_checkpoint(names) or _has_weights(names):
        return ModelFiles(folder, folder.resolve().name, format="checkpoint")
    raise SetupError(
        f"{folder} holds neither a GGUF file nor a checkpoint (config.json and safetensors); give a folder "
        "with one, a GGUF file, or a hub id such as user/repo"
    )


def _has_weights(names: Sequence[str]) -> bool:
    """What `checkpoint.read` can say more of than that it is nothing."""
    return checkpoint_files.ADAPTER in names or any(name.endswith(".safetensors") for name in names)


def _beside(path: Path) -> Path | None:
    """The projector of a model file that has its folder to itself."""
    names = [file.name for file in path.parent.glob("*.gguf")]
    projector = gguf_files.mmproj(names)
    return path.parent / projector if projector and len(gguf_files.models(names)) == 1 else None


def _require_whole_model(path: Path) -> None:
    if path.suffix.lower() in _WEIGHTS:
        raise SetupError(f"{path} is one file of a checkpoint; name its folder, {path.parent}, instead")
