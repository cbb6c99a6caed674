"""What a model argument means: `builtin`, a GGUF file, a folder with one, or a hub id `user/repo[:quant]`."""

import re
from pathlib import Path

from polychat.engines import gguf_files
from polychat.engines.spec import ModelFiles
from polychat.errors import SetupError

BUILTIN = "polychat-mini"
BUILTIN_PATH = Path(__file__).parent / "builtin" / f"{BUILTIN}.gguf"
BUILTIN_WORDS = ("builtin", BUILTIN)

_HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<quant>[\w.-]+))?")


def resolve(argument: str, *, revision: str | None = None) -> ModelFiles:
    """The files behind a model argument; a model of the hub is downloaded when it is not here yet.

    Raises:
        SetupError: there is no such model; says what to do.
    """
    if argument in BUILTIN_WORDS and not Path(argument).exists():
        return _builtin()
    path = Path(argument).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        _require_gguf(path)
        return ModelFiles(path, gguf_files.stem(path.name), _beside(path))
    return _from_hub(argument, revision)


def hub_id(argument: str) -> tuple[str, str]:
    """The repository and the quantisation, "" if none is named, of a model of the hub.

    Raises:
        SetupError: `argument` has not the form of a hub id.
    """
    match = _HUB_ID.fullmatch(argument)
    if match is None or argument.lower().endswith(".gguf"):
        raise SetupError(
            f"there is no model {argument!r}: a model is 'builtin', a GGUF file, a folder with one, "
            "or a hub id such as user/repo or user/repo:Q4_K_M"
        )
    return match["repo"], match["quant"] or ""


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
    names = [file.name for file in folder.iterdir() if file.is_file()]
    found = gguf_files.models(names)
    if len(found) > 1:
        raise SetupError(f"{folder} holds several models; name one file: {', '.join(found)}")
    if not found:
        hint = (
            "it is a transformers checkpoint: convert it to GGUF with llama.cpp's convert_hf_to_gguf.py"
            if "config.json" in names
            else "give a folder with one, a GGUF file, or a hub id such as user/repo"
        )
        raise SetupError(f"{folder} holds no GGUF file; {hint}")
    projector = gguf_files.mmproj(names)
    path = folder / found[0]
    shards(path)
    return ModelFiles(path, folder.resolve().name, folder / projector if projector else None)


def _beside(path: Path) -> Path | None:
    """The projector of a model file that has its folder to itself."""
    names = [file.name for file in path.parent.glob("*.gguf")]
    projector = gguf_files.mmproj(names)
    return path.parent / projector if projector and len(gguf_files.models(names)) == 1 else None


def _require_gguf(path: Path) -> None:
    if path.suffix.lower() in (".safetensors", ".bin", ".pt", ".pth"):
        raise SetupError(
            f"{path} is no GGUF file; llama.cpp reads GGUF only, so look for a GGUF of this model"
        )


def _from_hub(argument: str, revision: str | None) -> ModelFiles:
    repo, quant = hub_id(argument)
    from polychat.engines import hub

    return hub.download(repo, quant=quant, revision=revision)
