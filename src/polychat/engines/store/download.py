"""From a wish to files on this disk: what is here is used, what is not is fetched from its hub."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from polychat.engines import checkpoint, checkpoint_files, gguf_files
from polychat.engines.spec import ModelFiles
from polychat.engines.store.wish import Pick, Wish, pick
from polychat.errors import SetupError

_GIB = 1 << 30
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as a hub lists it."""

    name: str  # relative to the repository's top
    size_bytes: int
    sha256: str = ""  # "": not told
    git_sha1: str = ""  # of a small file: Git's checksum of its content


class Hub(Protocol):
    """One place on the network that models come from, and its cache on this disk."""

    prefix: str  # what a model argument of this hub begins with
    move_cache: str  # the environment variable that puts its cache elsewhere

    @property
    def cache(self) -> Path: ...

    def why_offline(self) -> str:
        """The setting that forbids asking the hub; "" if none does."""

    def folder(self, wish: Wish) -> Path | None:
        """Where an earlier download has left the repository's files."""

    def listing(self, wish: Wish) -> Sequence[RemoteFile]:
        """Every file of the repository. Raises SetupError, as `fetch` does, with what to do."""

    def fetch(self, wish: Wish, file: RemoteFile) -> Path:
        """Bring one file here, going on where an interrupted download stopped."""


def download(hub: Hub, wish: Wish) -> ModelFiles:
    """The files of `wish`, from this disk if they are there and `wish.refresh` is off.

    Raises:
        SetupError: no such model, no way to it, no room for it, or it arrived damaged.
    """
    offline = hub.why_offline()
    if offline or not wish.refresh:
        here = find(hub, wish)
        if here is not None:
            return here
    if offline:
        raise SetupError(
            f"{hub.prefix}{wish.label} is not in the cache {hub.cache} and {offline} is set; unset it, or "
            f"run `polychat download {hub.prefix}{wish.label}` where there is a network"
        )
    files = {file.name: file for file in hub.listing(wish)}
    picked = pick(files.keys(), wish)
    _require_room(hub, wish, [files[name] for name in picked.names])
    paths = {name: hub.fetch(wish, files[name]) for name in picked.names}
    if wish.verify:
        for name, path in paths.items():
            verify(path, files[name])
    return _model(wish, picked, paths)


def find(hub: Hub, wish: Wish) -> ModelFiles | None:
    """The model as an earlier download left it, all its files; None if one is missing."""
    folder = hub.folder(wish)
    if folder is None:
        return None
    found = (*folder.glob("*"), *folder.glob("*/*"))  # a folder of the user's may have much below
    here = {path.relative_to(folder).as_posix(): path for path in found if path.is_file()}
    whole = [name for name in here if all(part in here for part in gguf_files.parts(name))]
    if not checkpoint.is_whole(folder):
        whole = [name for name in whole if name not in checkpoint_files.weights(here)]
    try:
        return _model(wish, pick(whole, wish), here)
    except SetupError:
        return None


def require_room(label: str, size_bytes: int, folder: Path, *, instead: str) -> None:
    """Refuse what the disk of `folder` has no room for.

    Raises:
        SetupError: has both numbers; `instead` says where else to put it.
    """
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free_bytes = shutil.disk_usage(existing).free
    if size_bytes > free_bytes:
        raise SetupError(
            f"{label} needs {size_bytes / _GIB:.1f} GiB of disk and {existing} has {free_bytes / _GIB:.1f} "
            f"GiB free; make room, or {instead}"
        )


def verify(path: Path, file: RemoteFile) -> None:
    """Compare a file with what the hub says of it; a damaged one is removed, so that it is fetched again.

    Raises:
        SetupError: it differs.
    """
    if path.stat().st_size == file.size_bytes and _has_checksum(path, file):
        return
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    raise SetupError(
        f"{path} is not what the hub has (its checksum differs) and was removed; run the same command again"
    )


def _has_checksum(path: Path, file: RemoteFile) -> bool:
    if file.sha256:
        return _digest(path, hashlib.sha256()) == file.sha256
    if file.git_sha1:
        return _digest(path, hashlib.sha1(b"blob %d\0" % file.size_bytes)) == file.git_sha1
    return True


def _digest(path: Path, state: "hashlib._Hash") -> str:
    with path.open("rb") as data:
        while block := data.read(_BLOCK_BYTES):
            state.update(block)
    return state.hexdigest()


def _require_room(hub: Hub, wish: Wish, files: Sequence[RemoteFile]) -> None:
    into = wish.folder or hub.folder(wish)
    missing = [file for file in files if into is None or not (into / file.name).is_file()]
    require_room(
        wish.label,
        sum(file.size_bytes for file in missing),
        wish.folder or hub.cache,
        instead="name a folder on a larger disk with -o"
        if wish.folder
        else f"point {hub.move_cache} at a larger disk",
    )


def _model(wish: Wish, picked: Pick, paths: Mapping[str, Path]) -> ModelFiles:
    if picked.format == "gguf":
        projector = paths[picked.mmproj] if picked.mmproj else None
        return ModelFiles(paths[picked.first], wish.repo, projector)
    name = picked.names[0]
    top = paths[name].parents[name.count("/")]
    return ModelFiles(top, wish.repo, format=picked.format)
