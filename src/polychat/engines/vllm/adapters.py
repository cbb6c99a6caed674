"""LoRA adapters in vLLM's words."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from polychat.engines.spec import Adapter, Tuning
from polychat.errors import SetupError

_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM may be told
_RANK_OF_UNKNOWN = 64  # for adapters that clients will load
_AT_ONCE = 4  # adapters in one batch: each takes memory beside the model
_CONFIG = "adapter_config.json"


def modules(adapters: Sequence[Adapter]) -> list[str]:
    """The adapters to load at the start."""
    told = [{"name": adapter.name, "path": str(adapter.path)} for adapter in adapters]
    return ["--lora-modules", *(msgspec.json.encode(each).decode() for each in told)]


def enabled(tuning: Tuning) -> list[str]:
    """That there are adapters, how many at once and of which rank.

    Raises:
        SetupError: a folder holds none, or one that is too large.
    """
    rank = max([_rank(adapter) for adapter in tuning.adapters], default=1)
    if tuning.allow_adapter_updates:
        rank = max(rank, _RANK_OF_UNKNOWN)
    allowed = next(each for each in _RANKS if each >= rank)
    at_once = _AT_ONCE if tuning.allow_adapter_updates else min(len(tuning.adapters), _AT_ONCE)
    return ["--enable-lora", "--max-lora-rank", str(allowed), "--max-loras", str(at_once)]


def _rank(adapter: Adapter) -> int:
    path = Path(adapter.path) / _CONFIG
    try:
        rank = msgspec.json.decode(path.read_bytes(), type=dict[str, object]).get("r")
    except OSError as exc:
        raise SetupError(
            f"--lora {adapter.name}: {adapter.path} has no {_CONFIG}; name an adapter's folder"
        ) from exc
    except msgspec.DecodeError as exc:
        raise SetupError(f"--lora {adapter.name}: {path} is damaged; download it again") from exc
    if not isinstance(rank, int) or not 0 < rank <= _RANKS[-1]:
        raise SetupError(
            f"--lora {adapter.name}: vLLM takes ranks up to {_RANKS[-1]}, and its `r` is {rank!r}"
        )
    return rank
