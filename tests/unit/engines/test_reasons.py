"""Why an engine did not start, as its log tells it."""

import re

from polychat.engines.reasons import Reasons

PATTERNS = (re.compile("root: (.+)"), re.compile("error: (.+)"))


def told(*lines: str) -> str:
    reasons = Reasons(PATTERNS)
    for line in lines:
        reasons.feed(line)
    return reasons.best


def test_the_better_pattern_wins_wherever_it_stood() -> None:
    assert told("root: no memory", *["trace"] * 200, "error: it failed") == "no memory"


def test_of_one_pattern_the_last_line_counts() -> None:
    assert told("error: first", "error: last") == "last"


def test_a_log_that_says_nothing_gives_nothing() -> None:
    assert told("all is well") == ""


def test_a_reason_is_one_short_line() -> None:
    assert len(told("error: " + "x" * 5000)) == 300
