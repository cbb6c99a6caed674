"""What is read from vLLM's recorded log and metrics."""

from pathlib import Path

import pytest

from polychat.engines.served import reason_in
from polychat.engines.timeline import Timeline
from polychat.engines.vllm.launch import LAUNCH
from polychat.types import Load

RECORDED = Path(__file__).parents[3] / "data" / "vllm"


def test_the_load_is_read_from_its_metrics() -> None:
    assert LAUNCH.load_of is not None

    load = LAUNCH.load_of((RECORDED / "metrics.txt").read_bytes(), Load(slots=8))

    assert load == Load(3, 2, 0.005873715124816492, 8, 3918)


def test_the_phases_of_a_start_are_told() -> None:
    clock = iter(range(0, 1000, 10))
    timeline = Timeline(LAUNCH.phases, clock=lambda: next(clock))

    for line in (RECORDED / "start.log").read_text().splitlines():
        timeline.feed(line)
    timeline.end()

    assert str(timeline) == (
        "starting 10 s, reading the config 10 s, starting its processes 10 s, loading the weights 10 s, "
        "warming up 10 s, opening its port 10 s"
    )


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("arch", "Model architectures ['FooForCausalLM'] are not supported for now"),
        ("arg", "unrecognized arguments: --nosuch"),
        ("kv", "ValueError: No available memory for the cache blocks. Try increasing"),
        (
            "memory",
            "ValueError: Available memory on node 0 (13.66/16.71 GiB) on startup is less than desired",
        ),
        ("parser", "invalid tool call parser: nosuch"),
        ("quant", "Cannot find the config file for awq"),
        ("quantname", "Unknown quantization method: nosuch"),
        ("remote", "The repository mini contains custom code which must be executed to correctly load"),
    ],
)
def test_the_reason_of_a_failed_start_is_in_its_log(log: str, reason: str) -> None:
    found = reason_in((RECORDED / f"failed_{log}.log").read_text(), LAUNCH)

    assert found.startswith(reason)
