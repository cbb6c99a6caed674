"""What is printed, written and compared."""

import random
from html.parser import HTMLParser
from pathlib import Path

import pytest

from polychat.bench import document
from polychat.bench.compare import compared
from polychat.bench.load import Run
from polychat.bench.page import page
from polychat.bench.report import markdown
from polychat.bench.sample import Sample
from polychat.bench.stats import Slo, summary
from polychat.bench.sweep import Step, knee
from polychat.errors import SetupError

SETTINGS = {"url": "http://x/v1", "model": "<m>"}


def run_of(e2e_s: float, *, num: int = 40, seed: int = 0) -> Run:
    chance = random.Random(seed)
    samples = [
        Sample(n / 10, e2e_s / 4, e2e_s * chance.uniform(0.9, 1.1), [0.01], 30, 20, 10) for n in range(num)
    ]
    return Run([*samples, Sample(error="status 500: <oops>")])


def step_of(load: float, run: Run) -> Step:
    return Step(load, summary(run, Slo()))


def test_the_report_says_what_failed_and_what_was_cached() -> None:
    run = run_of(1.0)
    text = markdown([step_of(4, run)], SETTINGS, unit="at once")
    assert "1 × status 500: <oops>" in text
    assert "67% of them cached" in text
    assert "| TTFT |" in text


def test_a_generator_that_was_too_slow_says_so() -> None:
    run = run_of(1.0)
    run.cpu_share = 0.95
    assert "may have been the bottleneck" in markdown([step_of(1, run)], SETTINGS, unit="at once")


def test_the_knee_is_where_more_load_brings_latency_rather_than_answers() -> None:
    steps = [step_of(load, run_of(e2e_s)) for load, e2e_s in ((1, 1.0), (2, 0.5), (4, 4.0))]
    best = knee(steps)
    assert best is not None
    assert best.load == 2


def test_there_is_no_knee_where_nothing_was_answered() -> None:
    assert knee([step_of(1, Run([Sample(error="status 500")]))]) is None


def test_the_page_is_whole_and_shows_no_markup_of_the_server() -> None:
    runs = [run_of(1.0), run_of(2.0)]
    text = page([step_of(1, runs[0]), step_of(2, runs[1])], runs, SETTINGS, unit="at once")
    open_: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "path", "polyline"):
                open_.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("path", "polyline"):
                assert open_.pop() == tag

    Checker().feed(text)
    assert open_ == []
    assert "<oops>" not in text
    assert text.count("<svg") == 4


def test_a_result_comes_back_from_its_file_as_it_went(tmp_path: Path) -> None:
    run = run_of(1.0)
    told = document.document([step_of(1, run)], [run], SETTINGS)
    document.written(tmp_path / "a.json", told)
    assert document.read(tmp_path / "a.json")["runs"][0]["requests"] == told["runs"][0]["requests"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"polychat_bench": 1, "runs": []}'])
def test_a_file_that_is_no_result_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SetupError, match=r"a\.json is no result"):
        document.read(tmp_path / "a.json")


def test_two_runs_that_differ_by_chance_are_called_so_and_others_not() -> None:
    def told(e2e_s: float, seed: int) -> document.Document:
        run = run_of(e2e_s, seed=seed)
        return document.document([step_of(1, run)], [run], SETTINGS)

    def verdict(one: document.Document, other: document.Document) -> str:
        return next(line.verdict for line in compared(one, other) if line.name == "e2e p50 ms")

    assert verdict(told(1.0, 1), told(1.0, 2)) == "within the noise"
    assert verdict(told(1.0, 1), told(1.3, 2)) == "slower"
    assert verdict(told(1.0, 1), told(0.7, 2)) == "faster"
