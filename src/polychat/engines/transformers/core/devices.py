"""Where a model computes, in which numbers, and what memory there is for it."""

from pathlib import Path

import torch

from polychat.engines import memory
from polychat.engines.transformers.job import ModelSettings
from polychat.errors import SetupError

TINY_BYTES = 64 << 20  # of weights; below that threads wait for each other longer than they compute
_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def device_of(settings: ModelSettings) -> torch.device:
    """The device asked for, or the best that there is."""
    if settings.device:
        return _checked(settings.device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype_of(settings: ModelSettings, device: torch.device, stored: torch.dtype) -> torch.dtype:
    """The one asked for; float32 on a CPU, where others are slow; otherwise that of the checkpoint."""
    if settings.dtype and settings.dtype != "auto":
        if settings.dtype not in _DTYPES:
            raise SetupError(f"--dtype {settings.dtype} is none of {', '.join(_DTYPES)}")
        return _DTYPES[settings.dtype]
    return torch.float32 if device.type == "cpu" else stored


def free_bytes(device: torch.device) -> int:
    """Memory on `device` that nothing uses yet."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return memory.available_bytes()


def use_threads(settings: ModelSettings, weights_bytes: int) -> int:
    """Set how many cores compute one step, and say how many. A tiny model is fastest on one."""
    threads = settings.threads or (1 if weights_bytes < TINY_BYTES else memory.physical_cores())
    torch.set_num_threads(threads)
    return threads


def check_room(
    settings: ModelSettings, device: torch.device, dtype: torch.dtype, stored: torch.dtype
) -> None:
    """Refuse weights that cannot fit before they fill the memory.

    Raises:
        SetupError: with the numbers.
    """
    files = Path(settings.folder).glob("*.safetensors")
    on_disk = sum(file.stat().st_size for file in files)
    scale = 1.0 if settings.quantization else dtype.itemsize / stored.itemsize
    needed, free = int(on_disk * scale), free_bytes(device)
    if needed > free:
        raise SetupError(
            f"the weights in {settings.folder} need {needed / 1e9:.1f} GB as {_name(dtype)}, and "
            f"{free / 1e9:.1f} GB are free on {device}: "
            "choose a smaller model, --dtype bfloat16, or --quantization"
        )


def _checked(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as exc:
        raise SetupError(f"{name!r} is no device: use cuda, mps or cpu") from exc
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SetupError(f"there is no {name}: {torch.cuda.device_count()} CUDA devices are visible")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise SetupError("there is no mps on this machine")
    return device


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
