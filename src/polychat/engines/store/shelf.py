"""What models there are on this disk: in the hubs' caches, in polychat's own folder, and the built-in one."""

import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polychat.engines import checkpoint, checkpoint_files, gguf_files, models
from polychat.engines.store.uses import Use
from polychat.errors import SetupError

Source = Literal["built-in", "huggingface", "modelscope", "folder"]

_QUANT = re.compile(r"(?:^|[-._/])((?:I?Q\d\w*|TQ\d\w*|MXFP4|BF16|F16|F32))(?=[-.]|$)", re.IGNORECASE)
_OLD_DOT = "___"  # what ModelScope's older tools write for a dot


@dataclass(frozen=True, slots=True)
class Shelved:
    """One model on this disk, or one repository with several quantisations of it."""

    name: str  # the model argument that means it
    source: Source
    path: Path  # all of it
    size_bytes: int
    format: str  # "gguf", "safetensors", both, or "incomplete"
    quants: tuple[str, ...] = ()
    used_at: float | None = None  # Unix seconds; None: not told


def everything(own: Path) -> list[Shelved]:
    """Every model on this disk. `own`: polychat's folder for models, which need not exist."""
    return [*_builtin(), *_huggingface(), *_modelscope(), *_folders(own)]


def find(name: str, shelf: Iterable[Shelved]) -> Shelved:
    """The model that `name` means, by its id or its path.

    Raises:
        SetupError: it is not on this disk.
    """
    path = Path(name).expanduser().resolve()
    wanted = models.BUILTIN if name in models.BUILTIN_WORDS else name
    for each in shelf:
        if each.name == wanted or (each.source == "folder" and each.path.resolve() == path):
            return each
    if ":" in name.removeprefix(models.MODELSCOPE):
        raise SetupError(f"{name} names one file; models are removed as a whole: {name.rpartition(':')[0]}")
    raise SetupError(f"{name} is no model that polychat keeps on this disk; see `polychat models list`")


def users(each: Shelved, uses: Collection[Use]) -> list[Use]:
    """The workers that serve it now."""
    place = each.path.resolve()
    return [use for use in uses if Path(use.path).resolve().is_relative_to(place) or _is_in(use, each)]


def require_removable(each: Shelved, uses: Collection[Use]) -> None:
    """Refuse to remove what is in use or belongs to polychat.

    Raises:
        SetupError: says by whom it is used.
    """
    if using := users(each, uses):
        who = ", ".join(f"{use.name} (pid {use.pid})" for use in using)
        raise SetupError(f"{each.name} is in use by {who}; stop that first")
    if each.source == "built-in":
        raise SetupError(
            f"{each.name} is part of polychat and takes {each.size_bytes / 1e6:.1f} MB; it stays"
        )


def remove(each: Shelved) -> int:
    """Delete a model from this disk; the bytes that this freed."""
    if each.source == "huggingface":
        return _remove_from_hub_cache(each)
    if each.path.is_dir():
        shutil.rmtree(each.path)
    else:
        each.path.unlink()
    return each.size_bytes


def _is_in(use: Use, each: Shelved) -> bool:
    """A file of a hub's cache is a link into a folder beside; where the link lies is what counts."""
    return Path(use.path).absolute().is_relative_to(each.path.absolute())


def _builtin() -> list[Shelved]:
    path = models.BUILTIN_PATH
    if not path.exists():
        return []
    return [Shelved(models.BUILTIN, "built-in", path, path.stat().st_size, "gguf")]


def _huggingface() -> list[Shelved]:
    import huggingface_hub
    from huggingface_hub import constants, errors

    try:
        repos = huggingface_hub.scan_cache_dir(constants.HF_HUB_CACHE).repos
    except errors.CacheNotFound:
        return []
    found = []
    for repo in repos:
        if repo.repo_type == "model" and repo.size_on_disk:
            newest = max(repo.revisions, key=lambda revision: revision.last_modified, default=None)
            names = [
                file.file_path.relative_to(revision.snapshot_path).as_posix()
                for revision in repo.revisions
                for file in revision.files
            ]
            kind, quants = _kind(names, newest.snapshot_path if newest else None)
            size = repo.size_on_disk
            found.append(
                Shelved(
                    repo.repo_id,
                    "huggingface",
                    repo.repo_path,
                    size,
                    kind,
                    quants,
                    repo.last_accessed or None,
                )
            )
    return sorted(found, key=lambda each: each.name)


def _modelscope() -> list[Shelved]:
    from polychat.engines.store.modelscope import ModelScope

    cache = ModelScope().cache
    found = [
        (folder.parents[1].name.replace("--", "/", 1), folder)
        for folder in cache.glob("models/*--*/snapshots/*")
    ]
    for old in (cache, cache / "hub"):
        folders = [folder for folder in old.glob("models/*/*") if folder.name != "snapshots"]
        found += [
            (f"{folder.parent.name}/{folder.name.replace(_OLD_DOT, '.')}", folder)
            for folder in folders
            if "--" not in folder.parent.name
        ]
    return [_in_folder(models.MODELSCOPE + name, "modelscope", folder) for name, folder in sorted(found)]


def _folders(own: Path) -> list[Shelved]:
    found = [path for path in own.glob("*") if path.is_dir() or path.suffix.lower() == ".gguf"]
    return [_in_folder(str(path), "folder", path) for path in sorted(found)]


def _in_folder(name: str, source: Source, path: Path) -> Shelved:
    files = [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    names = [file.relative_to(path).as_posix() if path.is_dir() else file.name for file in files]
    kind, quants = _kind(names, path if path.is_dir() else None)
    used_at = max((file.stat().st_atime for file in files), default=None)
    return Shelved(name, source, path, sum(file.stat().st_size for file in files), kind, quants, used_at)


def _kind(names: Sequence[str], folder: Path | None) -> tuple[str, tuple[str, ...]]:
    """The format of a model with these files, and how its weights are written."""
    kinds, quants = [], []
    if ggufs := gguf_files.models(names):
        kinds.append("gguf")
        quants += [match[1].upper() for name in ggufs if (match := _QUANT.search(gguf_files.stem(name)))]
    if folder is not None and checkpoint_files.is_checkpoint(names):
        try:
            facts = checkpoint.read(folder)
        except SetupError:
            kinds.append("incomplete")
        else:
            kinds.append("safetensors")
            quants.append(facts.quantization or facts.dtype)
    return " and ".join(kinds) or "incomplete", tuple(dict.fromkeys(quants))


def _remove_from_hub_cache(each: Shelved) -> int:
    import huggingface_hub
    from huggingface_hub import constants

    cache = huggingface_hub.scan_cache_dir(constants.HF_HUB_CACHE)
    commits = [
        revision.commit_hash
        for repo in cache.repos
        if repo.repo_path == each.path
        for revision in repo.revisions
    ]
    strategy = cache.delete_revisions(*commits)
    strategy.execute()
    return strategy.expected_freed_size
