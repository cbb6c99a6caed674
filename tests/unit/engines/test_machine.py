from collections.abc import Sequence
from pathlib import Path

import pytest

from polychat.engines import machine
from polychat.engines.machine import Gpu, Machine
from polychat.errors import SetupError

TWO_H100 = """\
0, GPU-8f1c2f3e-1111, 80995, NVIDIA H100 80GB HBM3
1, GPU-1a2b3c4d-2222, 40000, NVIDIA H100 80GB HBM3
"""
GIB = 1 << 30


def says(text: str) -> machine.Run:
    def run(command: Sequence[str]) -> str:
        return text if command[0] == "nvidia-smi" else ""

    return run


def written(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nvidia_gpus_are_found_with_their_free_memory() -> None:
    first, second = machine.nvidia(says(TWO_H100))
    assert first == Gpu("NVIDIA", "NVIDIA H100 80GB HBM3", 80995 << 20)
    assert second.free_bytes == 40000 << 20


@pytest.mark.parametrize(
    ("visible", "left"), [("1", 1), ("0,1", 2), ("", 0), ("-1", 0), ("GPU-8f1c", 1), (None, 2)]
)
def test_hidden_gpus_are_not_there(visible: str | None, left: int) -> None:
    assert len(machine.nvidia(says(TWO_H100), visible=visible)) == left


@pytest.mark.parametrize("said", ["", "NVIDIA-SMI has failed because it could not communicate", "0, x\n"])
def test_a_driver_that_does_not_answer_means_no_gpu(said: str, tmp_path: Path) -> None:
    assert machine.nvidia(says(said), tmp_path) == ()


def test_a_gpu_that_does_not_tell_its_memory_is_there_all_the_same() -> None:
    assert machine.nvidia(says("0, GPU-1, [N/A], NVIDIA GB10\n")) == (Gpu("NVIDIA", "NVIDIA GB10", None),)


def test_without_nvidia_smi_the_driver_tells_how_many(tmp_path: Path) -> None:
    written(tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information")
    assert [gpu.vendor for gpu in machine.nvidia(says(""), tmp_path)] == ["NVIDIA"]


def test_amd_gpus_are_found_by_their_driver(tmp_path: Path) -> None:
    card = tmp_path / "sys/class/drm/card0/device"
    written(card / "mem_info_vram_total", str(16 * GIB))
    written(card / "mem_info_vram_used", str(GIB))
    assert machine.amd(tmp_path) == ()
    written(tmp_path / "sys/class/kfd/kfd/topology")
    assert machine.amd(tmp_path) == (Gpu("AMD", "AMD GPU", 15 * GIB),)


def test_a_machine_without_gpus_computes_in_its_memory(tmp_path: Path) -> None:
    written(tmp_path / "proc/meminfo", "MemAvailable:    1048576 kB\n")
    found = machine.look(tmp_path, run=says(""))
    assert found == Machine(free_bytes=GIB)
    assert found.pool(None) == ("memory", GIB)


@pytest.mark.parametrize(
    ("num_gpus", "pool"),
    [(None, ("GPU memory", 5)), (1, ("GPU memory", 5)), (2, ("memory of 2 GPUs", 12)), (0, ("memory", 100))],
)
def test_weights_go_where_they_are_told_to(num_gpus: int | None, pool: tuple[str, int]) -> None:
    two = Machine(100, (Gpu("NVIDIA", "A", 5), Gpu("NVIDIA", "B", 7)))
    assert two.pool(num_gpus) == pool


def test_a_gpu_without_memory_of_its_own_shares_the_cpus() -> None:
    assert Machine(100, (Gpu("Apple", "Apple GPU"),)).pool(None) == ("memory", 100)


def test_more_gpus_than_there_are_is_refused_with_the_number() -> None:
    one = Machine(1, (Gpu("NVIDIA", "L4", 5),))
    one.require_gpus(1)
    with pytest.raises(SetupError, match=r"--num-gpus 2 is too many: this machine has 1 GPU \(L4\)"):
        one.require_gpus(2)
    with pytest.raises(SetupError, match="has no GPU that polychat can see"):
        Machine(1).require_gpus(1)
