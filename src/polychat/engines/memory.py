"""What this machine has to give: memory, and cores that do arithmetic."""

import os
from pathlib import Path

_SYSTEM = Path("/")


def available_bytes(root: Path = _SYSTEM) -> int:
    """Memory that can be used without swapping, by the machine's account and by our control group's."""
    values = [_machine_available(root), _group_available(root)]
    return min(value for value in values if value is not None)


def usable_cpus(root: Path = _SYSTEM) -> int:
    """Logical CPUs that we may use, as affinity and the control group's quota allow."""
    return max(1, min(len(_affinity()), _quota(root)))


def physical_cores(root: Path = _SYSTEM) -> int:
    """Cores behind the CPUs that we may use: hyper-threads of one core share its arithmetic units."""
    siblings = {
        _text(root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") for cpu in _affinity()
    }
    known = siblings - {None}
    return max(1, min(len(known) or len(_affinity()), _quota(root)))


def _machine_available(root: Path) -> int:
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return total // 2  # macOS tells no such number; half of it is a safe guess


def _group_available(root: Path) -> int | None:
    limit = _text(root / "sys/fs/cgroup/memory.max")
    used = _text(root / "sys/fs/cgroup/memory.current")
    if limit is None or used is None or not limit.isdecimal():
        return None
    return max(0, int(limit) - int(used))


def _quota(root: Path) -> int:
    quota, _, period = (_text(root / "sys/fs/cgroup/cpu.max") or "max").partition(" ")
    if not quota.isdecimal() or not period.isdecimal():
        return os.cpu_count() or 1
    return max(1, round(int(quota) / int(period)))


def _affinity() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
