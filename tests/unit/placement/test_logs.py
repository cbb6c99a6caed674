"""Log files are kept for a few runs, bounded, and their last words found."""

from pathlib import Path

import pytest

from polychat.placement import logs


def test_the_logs_of_the_last_runs_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    for run in range(6):
        logs.rotate(log)
        log.write_text(f"run {run}")
    kept = {path.name: path.read_text() for path in log.parent.iterdir()}
    assert kept == {"api.log": "run 5", "api.log.1": "run 4", "api.log.2": "run 3", "api.log.3": "run 2"}


def test_a_log_that_has_grown_too_large_is_emptied_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 101)
        logs.bound(log, max_bytes=100)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "api.log.1").read_bytes() == b"x" * 101


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_bytes(b"x" * 100)
    logs.bound(log, max_bytes=100)
    assert log.read_bytes() == b"x" * 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\n\npolychat: port 1 is taken\n\n", "port 1 is taken"),
        ("polychat: no such file\nException ignored in atexit\n", "no such file"),
        ("Traceback (most recent call last):\n  File …\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("", ""),
    ],
)
def test_the_reason_of_an_end_is_its_last_meaningful_line(tmp_path: Path, text: str, words: str) -> None:
    log = tmp_path / "api.log"
    log.write_text(text)
    assert logs.last_words(log) == words


def test_what_an_earlier_life_said_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("polychat: old reason\n")
    assert logs.last_words(log, start=log.stat().st_size) == ""


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert logs.last_words(tmp_path / "none.log") == ""
