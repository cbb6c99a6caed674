"""Models from the Hugging Face Hub, kept in the Hub's own cache. One that is there needs no network."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import huggingface_hub
from huggingface_hub import constants, errors

from polychat.engines import gguf_files
from polychat.engines.spec import ModelFiles
from polychat.errors import SetupError

T = TypeVar("T")
_GIB = 1 << 30
_HTTP_ERROR: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # of whichever HTTP library it uses


def download(repo: str, *, quant: str = "", revision: str | None = None, refresh: bool = False) -> ModelFiles:
    """The GGUF files of `repo`, from the cache if they are there and `refresh` is off, else downloaded.

    Shows a progress bar on a terminal and goes on where an interrupted download stopped.

    Raises:
        SetupError: no such model, no way to it, or no room for it.
    """
    cached = None if refresh and not constants.HF_HUB_OFFLINE else _cached(repo, quant, revision)
    if cached is not None:
        return cached
    if constants.HF_HUB_OFFLINE:
        raise SetupError(
            f"{_label(repo, quant)} is not in the cache {constants.HF_HUB_CACHE} and HF_HUB_OFFLINE is set; "
            f"unset it, or run `polychat download {_label(repo, quant)}` where there is a network"
        )
    sizes = _asking_hub(repo, revision, lambda: _sizes(repo, revision))
    first = gguf_files.choose(list(sizes), quant)
    if first is None:
        raise SetupError(_what_there_is(repo, quant, list(sizes)))
    wanted = [*gguf_files.parts(first), *filter(None, [gguf_files.mmproj(sizes)])]
    require_room(repo, sum(sizes.get(name, 0) for name in wanted))
    paths = _asking_hub(repo, revision, lambda: {name: _fetch(repo, name, revision) for name in wanted})
    return _files(repo, paths[first], paths)


def _sizes(repo: str, revision: str | None) -> Mapping[str, int]:
    """Each GGUF file in the repository -> its size in bytes."""
    info = huggingface_hub.HfApi().model_info(repo, revision=revision, files_metadata=True)
    return {
        file.rfilename: file.size or 0
        for file in info.siblings or []
        if file.rfilename.lower().endswith(".gguf")
    }


def _fetch(repo: str, name: str, revision: str | None) -> Path:
    path = huggingface_hub.hf_hub_download(repo, name, revision=revision)
    assert isinstance(path, str), "only a dry run returns something else"
    return Path(path)


def _cached(repo: str, quant: str, revision: str | None) -> ModelFiles | None:
    """The model as an earlier download left it, all its files; None if one is missing."""
    folder = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    ref = folder / "refs" / (revision or constants.DEFAULT_REVISION)
    commit = ref.read_text().strip() if ref.is_file() else revision or ""
    snapshot = folder / "snapshots" / commit
    if not commit or not snapshot.is_dir():
        return None
    here = {path.relative_to(snapshot).as_posix(): path for path in snapshot.rglob("*.gguf") if path.exists()}
    whole = [name for name in here if all(part in here for part in gguf_files.parts(name))]
    first = gguf_files.choose(whole, quant)
    return _files(repo, here[first], here) if first else None


def _files(repo: str, first: Path, paths: Mapping[str, Path]) -> ModelFiles:
    projector = gguf_files.mmproj(paths)
    return ModelFiles(first, repo, paths[projector] if projector else None)


def require_room(repo: str, size_bytes: int) -> None:
    cache = Path(constants.HF_HUB_CACHE)
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free_bytes = shutil.disk_usage(existing).free
    if size_bytes > free_bytes:
        raise SetupError(
            f"{repo} needs {size_bytes / _GIB:.1f} GiB of disk and {existing} has {free_bytes / _GIB:.1f} "
            "GiB free; make room, or point HF_HOME at a larger disk"
        )


def _what_there_is(repo: str, quant: str, names: Sequence[str]) -> str:
    found = gguf_files.models(names)
    if not found:
        return f"{repo} holds no GGUF file; look for a repository of the same model with GGUF in its name"
    return f"{repo} has no {quant}; it has {', '.join(found)}"


def _label(repo: str, quant: str) -> str:
    return f"{repo}:{quant}" if quant else repo


def _asking_hub(repo: str, revision: str | None, ask: Callable[[], T]) -> T:
    """What `ask` returns; each way in which the hub can refuse as one line that says what to do."""
    endpoint = constants.ENDPOINT
    try:
        return ask()
    except errors.GatedRepoError as exc:
        raise SetupError(
            f"{repo} is gated: accept its terms at {endpoint}/{repo}, then set HF_TOKEN to a token of yours"
        ) from exc
    except errors.RepositoryNotFoundError as exc:
        raise SetupError(
            f"there is no model {repo} at {endpoint}, or it is private: check the name, or set HF_TOKEN"
        ) from exc
    except errors.RevisionNotFoundError as exc:
        raise SetupError(f"{repo} has no revision {revision!r}; check --revision") from exc
    except (_HTTP_ERROR, errors.LocalEntryNotFoundError, OSError) as exc:
        raise SetupError(_trouble(repo, endpoint, exc)) from exc


def _trouble(repo: str, endpoint: str, exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror and exc.filename:
        return f"cannot save {repo}: {exc.filename}: {exc.strerror}"
    why = " ".join(str(exc).split())[:150] or type(exc).__name__
    return (
        f"cannot reach {endpoint} for {repo} ({why}); check the network or HF_ENDPOINT, or name a GGUF file "
        "that is here, or 'builtin'"
    )
