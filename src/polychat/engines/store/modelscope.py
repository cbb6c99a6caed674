"""Models from ModelScope through its public HTTP API, kept where ModelScope's own tools keep and find them.

Source: https://github.com/modelscope/modelscope_hub, the legacy API and the cache's layout of release 0.5.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec

from polychat.engines.store.download import RemoteFile
from polychat.engines.store.wish import Wish
from polychat.errors import SetupError

if TYPE_CHECKING:
    from rich.progress import Progress

PREFIX = "modelscope:"
DEFAULT_ENDPOINT = "https://www.modelscope.cn"
DEFAULT_REVISION = "master"
TRIES = 5  # of one file; each goes on where the last one ended
TIMEOUT_S = 30.0
PAUSE_S = 1.0
_FOREIGN = (401, 403)  # what it answers about models that one may not have


class _File(msgspec.Struct):
    path: str = msgspec.field(name="Path")
    size: int = msgspec.field(name="Size", default=0)
    type: str = msgspec.field(name="Type", default="blob")
    sha256: str | None = msgspec.field(name="Sha256", default=None)


class _Files(msgspec.Struct):
    files: list[_File] = msgspec.field(name="Files", default_factory=list)


class _Listing(msgspec.Struct):
    data: _Files = msgspec.field(name="Data", default_factory=_Files)


class ModelScope:
    """The hub at MODELSCOPE_ENDPOINT. `environment`: where ModelScope's own settings are read from."""

    prefix = PREFIX
    move_cache = "MODELSCOPE_CACHE"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.cache = Path(environment.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope")
        self._endpoint = (environment.get("MODELSCOPE_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
        self._token = environment.get("MODELSCOPE_API_TOKEN", "")
        self._is_offline = environment.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")

    def why_offline(self) -> str:
        """One word keeps polychat off every hub."""
        return "HF_HUB_OFFLINE" if self._is_offline else ""

    def folder(self, wish: Wish) -> Path | None:
        if wish.folder is not None:
            return wish.folder if wish.folder.is_dir() else None
        places = [self._snapshot(wish)] if wish.revision else [self._snapshot(wish), *self._old(wish.repo)]
        return next((place for place in places if place.is_dir()), None)

    def listing(self, wish: Wish) -> Sequence[RemoteFile]:
        query = {"Revision": wish.revision or DEFAULT_REVISION, "Recursive": "True"}
        with self._client() as client:
            try:
                answer = client.get(f"{self._repo_url(wish)}/files", params=query)
                answer.raise_for_status()
                files = msgspec.json.decode(answer.content, type=_Listing).data.files
            except (httpx.HTTPError, msgspec.DecodeError) as exc:
                raise SetupError(self._trouble(wish, exc)) from exc
        return [
            RemoteFile(file.path, file.size, sha256=file.sha256 or "")
            for file in files
            if file.type != "tree"
        ]

    def fetch(self, wish: Wish, file: RemoteFile) -> Path:
        path = (wish.folder or self._snapshot(wish)) / file.name
        part = path.with_name(path.name + ".part")
        if path.is_file() and path.stat().st_size == file.size_bytes:
            return path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fill(wish, file, part)
            part.replace(path)
        except httpx.HTTPError as exc:
            raise SetupError(self._trouble(wish, exc)) from exc
        except OSError as exc:
            raise SetupError(f"cannot save {wish.repo}: {exc.filename or path}: {exc.strerror}") from exc
        return path

    def _fill(self, wish: Wish, file: RemoteFile, part: Path) -> None:
        """Download into `part` until it has its size; a broken connection is taken up again."""
        with self._client() as client:
            for left in reversed(range(TRIES)):
                try:
                    self._go_on(client, wish, file, part)
                    break
                except httpx.TransportError:
                    if not left:
                        raise
                    time.sleep(PAUSE_S)
        if part.stat().st_size != file.size_bytes:
            size_bytes = part.stat().st_size
            part.unlink()
            raise SetupError(
                f"{file.name} of {wish.repo} arrived with {size_bytes} of {file.size_bytes} bytes and was "
                "removed; run the same command again"
            )

    def _go_on(self, client: httpx.Client, wish: Wish, file: RemoteFile, part: Path) -> None:
        begin = part.stat().st_size if part.is_file() else 0
        if file.size_bytes and begin >= file.size_bytes:
            return
        query = {"Revision": wish.revision or DEFAULT_REVISION, "FilePath": file.name}
        headers = {"range": f"bytes={begin}-"} if begin else {}
        with client.stream("GET", self._repo_url(wish), params=query, headers=headers) as answer:
            answer.raise_for_status()
            begin = begin if answer.status_code == httpx.codes.PARTIAL_CONTENT else 0
            with part.open("ab" if begin else "wb") as data, _progress() as progress:
                shown = progress.add_task(file.name, total=file.size_bytes, completed=begin)
                for block in answer.iter_bytes():
                    data.write(block)
                    progress.advance(shown, len(block))

    def _client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        cookies = {"m_session_id": self._token} if self._token else {}  # older routes know only this one
        return httpx.Client(headers=headers, cookies=cookies, timeout=TIMEOUT_S, follow_redirects=True)

    def _repo_url(self, wish: Wish) -> str:
        return f"{self._endpoint}/api/v1/models/{wish.repo}/repo"

    def _snapshot(self, wish: Wish) -> Path:
        revision = wish.revision or DEFAULT_REVISION
        return self.cache / "models" / wish.repo.replace("/", "--") / "snapshots" / revision

    def _old(self, repo: str) -> list[Path]:
        """Where ModelScope's tools kept models before release 1.38."""
        owner, _, name = repo.partition("/")
        masked = Path("models", owner, name.replace(".", "___"))
        return [self.cache / masked, self.cache / "hub" / masked]

    def _trouble(self, wish: Wish, exc: Exception) -> str:
        repo = wish.repo
        if isinstance(exc, httpx.HTTPStatusError):
            status = exc.response.status_code
            if status in _FOREIGN:
                return (
                    f"{repo} is gated or private: ask for it at {self._endpoint}/models/{repo}, then set "
                    "MODELSCOPE_API_TOKEN to a token of yours"
                )
            if status == httpx.codes.NOT_FOUND:
                revision = f" with the revision {wish.revision!r}" if wish.revision else ""
                return f"there is no model {repo}{revision} at {self._endpoint}; check the name"
        why = " ".join(str(exc).split())[:150] or type(exc).__name__
        return (
            f"cannot reach {self._endpoint} for {repo} ({why}); check the network or MODELSCOPE_ENDPOINT, or "
            "name a model that is here, or 'builtin'"
        )


def _progress() -> "Progress":
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress

    console = Console(stderr=True)
    return Progress(
        *Progress.get_default_columns(), DownloadColumn(), console=console, disable=not console.is_terminal
    )
