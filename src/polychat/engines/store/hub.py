"""Models from the Hugging Face Hub, kept in the Hub's own cache. One that is there needs no network."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import httpx
import huggingface_hub
from huggingface_hub import constants, errors

from polychat.engines.store.download import RemoteFile
from polychat.engines.store.wish import Wish
from polychat.errors import SetupError

T = TypeVar("T")
SEARCH_TIMEOUT_S = 3.0
_HTTP_ERROR: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # of whichever HTTP library it uses


class HuggingFace:
    """The hub at HF_ENDPOINT."""

    prefix = ""
    move_cache = "HF_HOME"

    @property
    def cache(self) -> Path:
        return Path(constants.HF_HUB_CACHE)

    def why_offline(self) -> str:
        return "HF_HUB_OFFLINE" if constants.HF_HUB_OFFLINE else ""

    def folder(self, wish: Wish) -> Path | None:
        if wish.folder is not None:
            return wish.folder if wish.folder.is_dir() else None
        repo = self.cache / f"models--{wish.repo.replace('/', '--')}"
        ref = repo / "refs" / (wish.revision or constants.DEFAULT_REVISION)
        commit = ref.read_text().strip() if ref.is_file() else wish.revision or ""
        snapshot = repo / "snapshots" / commit
        return snapshot if commit and snapshot.is_dir() else None

    def listing(self, wish: Wish) -> Sequence[RemoteFile]:
        def ask() -> Sequence[RemoteFile]:
            api = huggingface_hub.HfApi()
            info = api.model_info(wish.repo, revision=wish.revision, files_metadata=True)
            return [
                RemoteFile(
                    name=file.rfilename,
                    size_bytes=file.size or 0,
                    sha256=file.lfs.sha256 if file.lfs else "",
                    git_sha1="" if file.lfs else file.blob_id or "",
                )
                for file in info.siblings or []
            ]

        return _asking(wish, ask)

    def fetch(self, wish: Wish, file: RemoteFile) -> Path:
        def ask() -> Path:
            path = huggingface_hub.hf_hub_download(
                wish.repo, file.name, revision=wish.revision, local_dir=wish.folder
            )
            assert isinstance(path, str), "only a dry run returns something else"
            return Path(path)

        return _asking(wish, ask)


def gguf_sibling(repo: str) -> str:
    """The most downloaded repository with GGUF files of the model in `repo`; "" if none is found in time."""
    if constants.HF_HUB_OFFLINE:
        return ""
    query = {"filter": ["gguf", f"base_model:quantized:{repo}"], "sort": "downloads", "limit": "1"}
    try:
        answer = httpx.get(f"{constants.ENDPOINT}/api/models", params=query, timeout=SEARCH_TIMEOUT_S)
        found = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return ""
    first = found[0] if isinstance(found, list) and found else {}
    return str(first.get("id", "")) if isinstance(first, dict) else ""


def _asking(wish: Wish, ask: Callable[[], T]) -> T:
    """What `ask` returns; each way in which the hub can refuse as one line that says what to do."""
    repo, endpoint = wish.repo, constants.ENDPOINT
    try:
        return ask()
    except errors.HFValidationError as exc:
        raise SetupError(
            f"there is no model {repo}: it is neither a file or folder here nor a name that {endpoint} allows"
        ) from exc
    except errors.GatedRepoError as exc:
        raise SetupError(
            f"{repo} is gated: accept its terms at {endpoint}/{repo}, then set HF_TOKEN to a token of yours"
        ) from exc
    except errors.RepositoryNotFoundError as exc:
        raise SetupError(
            f"there is no model {repo} at {endpoint}, or it is private: check the name, or set HF_TOKEN"
        ) from exc
    except errors.RevisionNotFoundError as exc:
        raise SetupError(f"{repo} has no revision {wish.revision!r}; check --revision") from exc
    except (_HTTP_ERROR, errors.LocalEntryNotFoundError, OSError) as exc:
        raise SetupError(_trouble(repo, endpoint, exc)) from exc


def _trouble(repo: str, endpoint: str, exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror and exc.filename:
        return f"cannot save {repo}: {exc.filename}: {exc.strerror}"
    why = " ".join(str(exc).split())[:150] or type(exc).__name__
    return (
        f"cannot reach {endpoint} for {repo} ({why}); check the network or HF_ENDPOINT, or name a model "
        "that is here, or 'builtin'"
    )
