"""The figures that a run's samples make."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.bench.load import Run
from polychat.bench.sample import Sample
from polychat.bench.stats import Slo, percentile, summary
from polychat.errors import SetupError


def answered(at_s: float = 0.0, **facts: float) -> Sample:
    told = {"ttft_s": 0.1, "e2e_s": 1.1, "output_tokens": 11, "prompt_tokens": 50} | facts
    return Sample(sent_at_s=at_s, **told)  # type: ignore[arg-type]  # counts are integers


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50).map(sorted), st.floats(0, 100))
def test_a_percentile_lies_between_its_neighbours(ordered: list[float], percent: float) -> None:
    value = percentile(ordered, percent)
    assert ordered[0] <= value * (1 + 1e-9) + 1e-9
    assert value <= ordered[-1] * (1 + 1e-9) + 1e-9


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50).map(sorted))
def test_the_fiftieth_percentile_is_the_median(ordered: list[float]) -> None:
    assert percentile(ordered, 50) == pytest.approx(statistics.median(ordered))


def test_tpot_is_the_time_after_the_first_token_by_the_tokens_after_it() -> None:
    assert answered().tpot_s == pytest.approx(0.1)


def test_an_answer_of_one_token_has_no_tpot() -> None:
    assert answered(output_tokens=1).tpot_s is None


def test_failures_are_counted_by_kind_and_in_no_average() -> None:
    slow = Sample(e2e_s=99.0, ttft_s=99.0, output_tokens=1, error="status 500: internal_error")
    stalled = Sample(e2e_s=60.0, error="nothing came for 60 s")
    seen = summary(Run([answered(), slow, slow, stalled]), Slo())
    assert seen.errors == {"status 500: internal_error": 2, "nothing came for 60 s": 1}
    assert seen.num_requests == 4
    assert seen.spreads["e2e"].most == pytest.approx(1.1)
    assert seen.spreads["ttft"].most == pytest.approx(0.1)


def test_rates_are_by_the_time_from_the_first_request_to_the_last_end() -> None:
    seen = summary(Run([answered(1.0), answered(2.0, e2e_s=3.0)]), Slo())
    assert seen.took_s == pytest.approx(4.0)
    assert seen.requests_per_s == pytest.approx(0.5)
    assert seen.output_tokens_per_s == pytest.approx(22 / 4)


def test_goodput_is_of_those_within_every_limit() -> None:
    run = Run([answered(), answered(ttft_s=0.3), answered(e2e_s=9.0), Sample(error="status 500")])
    assert summary(run, Slo.parsed("ttft:200ms,e2e:5s")).num_good == 1


def test_the_warm_up_counts_as_nothing() -> None:
    warm = answered(e2e_s=50.0)
    warm.is_warmup = True
    assert summary(Run([warm, answered(2.0)]), Slo()).num_requests == 1


def test_a_run_in_which_everything_failed_has_no_times() -> None:
    seen = summary(Run([Sample(error="no connection: refused")]), Slo())
    assert seen.spreads == {}
    assert seen.requests_per_s == 0


@pytest.mark.parametrize("text", ["ttft", "ttft:fast", "speed:3s", "ttft:200min"])
def test_a_limit_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SetupError, match=text):
        Slo.parsed(text)
