"""What this machine computes with: its GPUs and what memory they and the CPU have free."""

import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polychat.engines import memory
from polychat.errors import SetupError

Vendor = Literal["NVIDIA", "AMD", "Apple"]
Run = Callable[[Sequence[str]], str]
"""A command line -> what it printed; "" when it cannot be run or failed."""

_MIB = 1 << 20
_QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.free,name", "--format=csv,noheader,nounits")
_TIMEOUT_S = 20.0
_SYSTEM = Path("/")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. Apple's share the CPU's memory."""

    vendor: Vendor
    name: str
    free_bytes: int | None = None  # None: not told


@dataclass(frozen=True, slots=True)
class Machine:
    """What an engine may use."""

    free_bytes: int  # memory of the CPU
    gpus: tuple[Gpu, ...] = ()

    @property
    def vendor(self) -> Vendor | None:
        return self.gpus[0].vendor if self.gpus else None

    def pool(self, num_gpus: int | None) -> tuple[str, int]:
        """The memory that a model's weights go to, in words, and what is free of it."""
        wanted = min(1, len(self.gpus)) if num_gpus is None else num_gpus
        free = [gpu.free_bytes for gpu in self.gpus[:wanted] if gpu.free_bytes is not None]
        if not wanted or len(free) < wanted:
            return "memory", self.free_bytes
        return "GPU memory" if wanted == 1 else f"memory of {wanted} GPUs", sum(free)

    def require_gpus(self, num_gpus: int | None) -> None:
        """Refuse more GPUs than there are.

        Raises:
            SetupError: says how many there are.
        """
        if num_gpus is not None and num_gpus > len(self.gpus):
            raise SetupError(f"--num-gpus {num_gpus} is too many: {self.in_words()}")

    def in_words(self) -> str:
        if not self.gpus:
            return "this machine has no GPU that polychat can see"
        counted = "1 GPU" if len(self.gpus) == 1 else f"{len(self.gpus)} GPUs"
        return f"this machine has {counted} ({', '.join(dict.fromkeys(gpu.name for gpu in self.gpus))})"


def look(root: Path = _SYSTEM, *, visible: str | None = None, run: Run | None = None) -> Machine:
    """This machine now. `visible`: the GPUs that CUDA_VISIBLE_DEVICES leaves, None for all."""
    found = nvidia(run or _run, root, visible) or amd(root) or apple()
    return Machine(free_bytes=memory.available_bytes(root), gpus=found)


def here() -> Machine:
    """This machine as engines that we start will see it: they inherit which GPUs are hidden."""
    return look(visible=os.environ.get("CUDA_VISIBLE_DEVICES"))


def nvidia(run: Run, root: Path = _SYSTEM, visible: str | None = None) -> tuple[Gpu, ...]:
    """By nvidia-smi; without it by the driver, which does not tell the memory."""
    rows = [[cell.strip() for cell in line.split(",", 3)] for line in run(_QUERY).splitlines()]
    gpus = {
        (index, uuid): Gpu("NVIDIA", name, int(free) * _MIB if free.isdecimal() else None)
        for index, uuid, free, name in (row for row in rows if len(row) == 4)
    }
    if not gpus:
        cards = sorted((root / "proc/driver/nvidia/gpus").glob("*"))
        gpus = {(str(n), path.name): Gpu("NVIDIA", "NVIDIA GPU") for n, path in enumerate(cards)}
    return tuple(gpu for names, gpu in gpus.items() if _is_visible(names, visible))


def amd(root: Path = _SYSTEM) -> tuple[Gpu, ...]:
    """By the driver's own files, where ROCm's compute driver is there.

    Source: https://docs.kernel.org/gpu/amdgpu/driver-misc.html, mem_info_vram_total and _used.
    """
    if not (root / "sys/class/kfd/kfd").exists():
        return ()
    totals = sorted((root / "sys/class/drm").glob("card[0-9]*/device/mem_info_vram_total"))
    return tuple(Gpu("AMD", "AMD GPU", _free(total)) for total in totals)


def apple() -> tuple[Gpu, ...]:
    is_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return (Gpu("Apple", "Apple GPU"),) if is_apple else ()


def _free(total: Path) -> int | None:
    try:
        return int(total.read_text()) - int(total.with_name("mem_info_vram_used").read_text())
    except (OSError, ValueError):
        return None


def _is_visible(names: tuple[str, str], visible: str | None) -> bool:
    """CUDA takes indexes, or the beginnings of UUIDs."""
    if visible is None:
        return True
    index, uuid = names
    return any(word == index or (word and uuid.startswith(word)) for word in visible.split(","))


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
