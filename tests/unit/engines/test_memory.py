from pathlib import Path

import pytest

from polychat.engines import memory


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_memory_is_what_the_machine_calls_available(tmp_path: Path) -> None:
    root = machine(tmp_path, {"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    2048 kB\n"})
    assert memory.available_bytes(root) == 2 << 20


@pytest.mark.parametrize(("limit", "expected"), [("1500000", 500_000), ("max", 2 << 20)])
def test_a_containers_limit_holds(tmp_path: Path, limit: str, expected: int) -> None:
    files = {
        "proc/meminfo": "MemAvailable: 2048 kB",
        "sys/fs/cgroup/memory.max": limit,
        "sys/fs/cgroup/memory.current": "1000000",
    }
    assert memory.available_bytes(machine(tmp_path, files)) == expected


def test_a_machine_that_does_not_say_has_half_of_its_memory(tmp_path: Path) -> None:
    assert memory.available_bytes(tmp_path) > 0


def test_a_containers_quota_bounds_the_cpus(tmp_path: Path) -> None:
    root = machine(tmp_path, {"sys/fs/cgroup/cpu.max": "100000 100000"})
    assert memory.usable_cpus(root) == memory.physical_cores(root) == 1


def test_threads_of_one_core_count_once(tmp_path: Path) -> None:
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    root = machine(tmp_path, {topology.format(cpu): "0-255" for cpu in range(256)})
    assert memory.physical_cores(root) == 1
