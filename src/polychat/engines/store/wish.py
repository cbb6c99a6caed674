"""Which of a repository's files are asked for, and which those are. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from polychat.engines import checkpoint_files, gguf_files
from polychat.engines.checkpoint import no_weights
from polychat.engines.spec import ModelFormat
from polychat.errors import SetupError

ANY: tuple[ModelFormat, ...] = ("gguf", "checkpoint")


@dataclass(frozen=True, slots=True)
class Wish:
    """A model of a hub as it was asked for."""

    repo: str
    quant: str = ""  # of a GGUF file; "": the most wanted one
    revision: str | None = None  # branch, tag or commit; None: the hub's usual one
    formats: tuple[ModelFormat, ...] = ANY  # that will do; of a repository with several the first
    include: tuple[str, ...] = ()  # patterns; instead of what the model needs
    exclude: tuple[str, ...] = ()
    folder: Path | None = None  # to put the files into, instead of the hub's cache
    verify: bool = False  # compare checksums
    refresh: bool = False  # ask the hub even if the model is here

    @property
    def label(self) -> str:
        return f"{self.repo}:{self.quant}" if self.quant else self.repo


@dataclass(frozen=True, slots=True)
class Pick:
    """Files of a repository that belong together, in the order to fetch them in."""

    names: tuple[str, ...]
    format: ModelFormat
    first: str = ""  # of a GGUF model
    mmproj: str | None = None


class WrongFormat(SetupError):
    """The repository has the model, but in no format that will do."""

    def __init__(self, repo: str, format_: ModelFormat) -> None:
        super().__init__(_WRONG[format_].format(repo=repo))
        self.format: ModelFormat = format_


def pick(names: Collection[str], wish: Wish) -> Pick:
    """The files of `wish` among `names`.

    Raises:
        WrongFormat: they are there in another format only.
        SetupError: they are not there; says what is.
    """
    if wish.include:
        return _filtered(names, wish)
    kept = [name for name in names if not _matches(name, wish.exclude)]
    formats: Iterable[ModelFormat] = ("gguf",) if wish.quant else wish.formats
    for each in formats:
        found = _gguf(kept, wish.quant) if each == "gguf" else _checkpoint(kept)
        if found is not None:
            return found
    if not wish.quant and _has_another(kept, wish.formats):
        raise WrongFormat(wish.repo, "checkpoint" if "gguf" in wish.formats else "gguf")
    raise SetupError(_what_there_is(kept, wish))


def _gguf(names: Collection[str], quant: str) -> Pick | None:
    first = gguf_files.choose(list(names), quant)
    if first is None:
        return None
    projector = gguf_files.mmproj(names)
    parts = gguf_files.parts(first)
    return Pick((*parts, *([projector] if projector else [])), "gguf", first, projector)


def _checkpoint(names: Collection[str]) -> Pick | None:
    is_model = checkpoint_files.is_checkpoint(names) and checkpoint_files.weights(names)
    if is_model or checkpoint_files.ADAPTER in names:
        return Pick(tuple(checkpoint_files.wanted(names)), "checkpoint")
    return None


def _filtered(names: Collection[str], wish: Wish) -> Pick:
    found = [
        name for name in sorted(names) if _matches(name, wish.include) and not _matches(name, wish.exclude)
    ]
    if not found:
        patterns = ", ".join(wish.include)
        raise SetupError(
            f"{wish.repo} has no file that --include {patterns} lets in; it has {_listed(names)}"
        )
    return Pick(tuple(found), "reference")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """By the whole path or the file's own name; case counts, as on the hub."""
    return any(
        fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern) for pattern in patterns
    )


def _has_another(names: Collection[str], formats: Collection[ModelFormat]) -> bool:
    return any(
        found is not None and found.format not in formats for found in (_gguf(names, ""), _checkpoint(names))
    )


def _what_there_is(names: Collection[str], wish: Wish) -> str:
    if found := gguf_files.models(names):
        return f"{wish.repo} has no {wish.quant}; it has {', '.join(found)}"
    if wish.quant:
        return f"{wish.repo} holds no GGUF file, so it has no {wish.quant}; leave out :{wish.quant}"
    if checkpoint_files.is_checkpoint(names):
        return no_weights(wish.repo, names)
    return f"{wish.repo} holds neither a GGUF file nor a checkpoint (config.json); it has {_listed(names)}"


def _listed(names: Iterable[str], limit: int = 8) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return (", ".join(ordered[:limit]) or "no file") + more


_WRONG = {
    "gguf": "{repo} holds GGUF files only, which --engine llamacpp runs",
    "checkpoint": "{repo} holds no GGUF file, but a safetensors checkpoint",
    "reference": "{repo} is of no known format",
}
