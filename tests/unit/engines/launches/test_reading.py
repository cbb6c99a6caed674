"""Recorded logs and metrics of servers that cannot run here, and what is read from them."""

from pathlib import Path

import pytest

from polychat.engines import launches
from polychat.engines.served import reason_in
from polychat.engines.timeline import Timeline
from polychat.types import Load

RECORDED = Path(__file__).parents[3] / "data" / "launches"


@pytest.mark.parametrize(
    ("engine", "file", "load"),
    [
        ("sglang", "sglang.metrics", Load(162, 2826, 0.28, 8, 7557572)),
        ("tgi", "tgi.metrics", Load(4, 7, 0.5, 8, 8123)),  # it does not tell of its cache
        ("lmdeploy", "lmdeploy.metrics", Load(5, 2, 0.25, 8, 1234)),
        ("trtllm", "trtllm.json", Load(1, 0, 3 / 101256, 8, 7)),
        ("mistralrs-serve", "mistralrs-serve.metrics", Load(4, 2, 0.5, 8, 7)),
        ("ovms", "ovms.metrics", Load(3, 0, 0.5, 8, 7)),
        ("openllm", "openllm.metrics", Load(3, 0, 0.5, 8, 7)),
        ("xinference", "xinference.metrics", Load(2, 0, 0.5, 8, 99)),
    ],
)
def test_the_load_is_read_from_what_the_server_tells(engine: str, file: str, load: Load) -> None:
    before = Load(running=1, waiting=1, kv_cache_usage=0.5, slots=8, output_tokens_total=7)
    load_of = launches.launch_of(engine).load_of
    assert load_of is not None

    assert load_of((RECORDED / file).read_bytes(), before) == load


def test_tensorrt_llm_without_new_iterations_idles() -> None:
    load_of = launches.launch_of("trtllm").load_of
    assert load_of is not None

    assert load_of(b"[]", Load(running=3, waiting=2, slots=8)) == Load(slots=8)


@pytest.mark.parametrize("engine", launches.READS)
def test_every_phase_of_a_start_is_seen_in_its_order(engine: str) -> None:
    launch = launches.launch_of(engine)
    lines = (RECORDED / f"{engine}.log").read_text().splitlines()[1:]
    clock = iter(range(0, 1000, 10))
    timeline = Timeline(launch.phases, clock=lambda: next(clock))

    for line in lines:
        timeline.feed(line)
    timeline.end()

    names = [word.rsplit(" ", 2)[0] for word in str(timeline).split(", ")]
    assert names == ["starting", *(phase.name for phase in launch.phases)]


@pytest.mark.parametrize(
    ("engine", "tail", "reason"),
    [
        (
            "tgi",
            "tgi_failed.log",
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 128.00 MiB",
        ),
        ("tgi", "tgi_failed_heads.log", "ValueError: `num_heads` must be divisible by `num_shards`"),
    ],
)
def test_the_reason_of_a_failed_start_is_found_in_its_log(engine: str, tail: str, reason: str) -> None:
    found = reason_in((RECORDED / tail).read_text(), launches.launch_of(engine))

    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("engine", "line", "reason"),
    [
        ("sglang", "launch_server.py: error: unrecognized arguments: --x", "unrecognized arguments: --x"),
        ("lmdeploy", "RuntimeError: no such model", "RuntimeError: no such model"),
        ("tgi", "Error: WebserverFailed", "WebserverFailed"),
        (
            "ovms",
            "[2026-05-01 10:00:01.0][1][serving][error][module.cpp:9] Model not found",
            "Model not found",
        ),
        (
            "ollama",
            "Error: pull model manifest: file does not exist",
            "pull model manifest: file does not exist",
        ),
        ("ollama", "error: the model is not there: http://x does not answer 200", "the model is not there"),
        (
            "xinference",
            "error: xinference launch ended with status 1",
            "xinference launch ended with status 1",
        ),
        ("mistralrs", "ValueError: missing field `rope_theta`", "ValueError: missing field `rope_theta`"),
    ],
)
def test_one_line_says_why(engine: str, line: str, reason: str) -> None:
    assert reason_in(f"before\n{line}\nafter", launches.launch_of(engine)).startswith(reason)
