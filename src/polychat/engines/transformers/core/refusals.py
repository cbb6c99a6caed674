"""What goes wrong while a model is loaded, in one line that names the cause and the fix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from polychat.engines.transformers.job import ModelSettings
from polychat.errors import EngineStartError, SetupError

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_UNKNOWN = (
    "does not recognize this architecture",
    "Unrecognized configuration class",
    "Unrecognized model in",
)
_LONGEST = 300  # characters of the library's own words


@contextmanager
def refusing(settings: ModelSettings, part: str = "") -> Iterator[None]:
    """Turn what transformers raises into an EngineStartError, at this one boundary.

    `part`: what of the model is read, if only a part is.
    """
    try:
        yield
    except SetupError:
        raise
    except (MemoryError, torch.OutOfMemoryError) as exc:
        raise EngineStartError(_no_memory(settings)) from exc
    except SafetensorError as exc:
        raise EngineStartError(_damaged(settings, exc)) from exc
    except ImportError as exc:
        raise EngineStartError(f"{settings.folder} needs a package that is not here: {_line(exc)}") from exc
    except Exception as exc:  # it raises anything, down to bare assertions
        raise EngineStartError(reason(settings, exc, part)) from exc


def reason(settings: ModelSettings, exc: Exception, part: str = "") -> str:
    """One line for an error of the library."""
    text = str(exc)
    if any(sign in text for sign in _NO_MEMORY):
        return _no_memory(settings)
    if "trust_remote_code" in text:
        return (
            f"{settings.folder} comes with program code of its own, which is not run unasked: read it, "
            "and pass --trust-remote-code if you trust it"
        )
    if any(sign in text for sign in _UNKNOWN):
        return (
            f"the transformers library here does not know the architecture of {settings.folder}: "
            "pip install -U transformers, or use another engine"
        )
    if isinstance(exc, OSError):
        return f"{settings.folder} is not a whole model: {_line(exc)}"
    if "size mismatch" in text or "mismatched" in text:
        return f"the weights in {settings.folder} do not fit its config.json; download both again"
    what = f"the {part} of {settings.folder}" if part else settings.folder
    return f"{what} cannot be loaded: {_line(exc)}"


def _no_memory(settings: ModelSettings) -> str:
    return (
        f"there is too little memory for {settings.folder}: choose a smaller model, --quantization, or a "
        "smaller --context-length"
    )


def _damaged(settings: ModelSettings, exc: Exception) -> str:
    for file in sorted(Path(settings.folder).glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt"):
                continue
        except (SafetensorError, OSError) as found:
            return f"{file} is damaged ({_line(found)}): download it again"
    return f"the weights in {settings.folder} are damaged ({_line(exc)}): download them again"


def _line(exc: Exception) -> str:
    text = " ".join(str(exc).split())[:_LONGEST]
    if isinstance(exc, (KeyError, AttributeError)) or not text:
        return f"{type(exc).__name__} {text}".strip()  # a bare key says nothing
    return text
