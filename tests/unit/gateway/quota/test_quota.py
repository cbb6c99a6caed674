import pytest

from polychat.db.usage import Used
from polychat.errors import BudgetSpent, RateLimited
from polychat.gateway.caller import NOBODY
from polychat.gateway.journey import Outcome
from tests.unit.gateway.quota.conftest import Desk, caller, record, view


def test_who_has_no_limits_is_not_counted(desk: Desk) -> None:
    assert desk.reserve(NOBODY) is None
    desk.quota.settle(None, record(NOBODY, tokens=5))
    assert desk.told(NOBODY) == {}


def test_requests_pass_until_the_limit_and_then_one_by_one(desk: Desk) -> None:
    ann = caller(requests_per_minute=10)
    for _ in range(10):
        desk.pass_through(ann)
    with pytest.raises(RateLimited) as caught:
        desk.reserve(ann)
    assert str(caught.value) == (
        "Rate limit reached for key ann on requests per min: Limit 10, Used 10, Requested 1. Try again in 6s."
    )
    assert (caught.value.type, caught.value.headers["retry-after"]) == ("requests", "6")
    desk.clock.now_s += 6.0
    desk.pass_through(ann)
    with pytest.raises(RateLimited):
        desk.reserve(ann)


def test_what_is_left_is_told(desk: Desk) -> None:
    ann = caller(requests_per_minute=10, tokens_per_minute=600)
    desk.reserve(ann, size_bytes=400, max_tokens=50)
    assert desk.told(ann) == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "6s",
        "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-tokens": "450",
        "x-ratelimit-reset-tokens": "15s",
    }


def test_only_limits_that_there_are_are_told(desk: Desk) -> None:
    assert set(desk.told(caller(tokens_per_minute=5))) == {
        f"x-ratelimit-{what}-tokens" for what in ("limit", "remaining", "reset")
    }
    assert desk.told(caller(concurrent=3, tokens_per_day=9)) == {}


def test_tokens_are_held_before_and_paid_after(desk: Desk) -> None:
    ann = caller(tokens_per_minute=1000)
    hold = desk.reserve(ann, size_bytes=400, max_tokens=500)
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "400"
    with pytest.raises(RateLimited, match="Used 600, Requested 600") as caught:
        desk.reserve(ann, size_bytes=400, max_tokens=500)
    assert (caught.value.type, caught.value.headers["retry-after"]) == ("tokens", "12")
    desk.quota.settle(hold, record(ann, tokens=130))
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "870"


def test_an_answer_that_was_longer_than_thought_makes_the_next_wait(desk: Desk) -> None:
    ann = caller(tokens_per_minute=600)
    desk.pass_through(ann, tokens=1200)
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "0"
    with pytest.raises(RateLimited) as caught:
        desk.reserve(ann, size_bytes=4, max_tokens=9)
    assert caught.value.headers["retry-after"] == "61"


def test_a_bound_above_the_limit_takes_all_of_it_and_no_more(desk: Desk) -> None:
    ann = caller(tokens_per_minute=600)
    desk.reserve(ann, max_tokens=100_000)
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "0"


def test_a_prompt_above_the_limit_never_passes(desk: Desk) -> None:
    with pytest.raises(RateLimited, match=r"too large .* Limit 600, Requested 1000") as caught:
        desk.reserve(caller(tokens_per_minute=600), size_bytes=4000)
    assert caught.value.headers["x-should-retry"] == "false"


def test_an_answer_without_a_bound_counts_as_usual_and_each_of_several_does(desk: Desk) -> None:
    ann = caller(tokens_per_minute=10_000)
    desk.quota.reserve(ann, view(None, n=3), size_bytes=40)
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == str(10_000 - 10 - 3 * 256)


def test_what_is_refused_before_it_is_sent_pays_nothing(desk: Desk) -> None:
    ann = caller(requests_per_minute=2, tokens_per_minute=600, concurrent=1, tokens_per_day=600)
    for _ in range(9):
        desk.pass_through(ann, outcome=Outcome.REFUSED, attempts=0)
    assert desk.told(ann)["x-ratelimit-remaining-requests"] == "2"
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "600"


def test_what_an_engine_refuses_has_been_a_request_but_used_no_tokens(desk: Desk) -> None:
    ann = caller(requests_per_minute=2, tokens_per_minute=600)
    desk.pass_through(ann, tokens=50, outcome=Outcome.REFUSED, attempts=1)
    assert desk.told(ann)["x-ratelimit-remaining-requests"] == "1"
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "600"


def test_who_leaves_pays_for_what_was_used(desk: Desk) -> None:
    ann = caller(tokens_per_minute=600)
    desk.pass_through(ann, tokens=100, outcome=Outcome.CANCELLED)
    assert desk.told(ann)["x-ratelimit-remaining-tokens"] == "500"


def test_only_so_many_run_at_once(desk: Desk) -> None:
    ann = caller(concurrent=2)
    first, _ = desk.reserve(ann), desk.reserve(ann)
    with pytest.raises(RateLimited, match="concurrent requests: Limit 2, Used 2, Requested 1"):
        desk.reserve(ann)
    desk.quota.settle(first, record(ann))
    desk.reserve(ann)


def test_what_one_limit_refuses_takes_nothing_of_the_others(desk: Desk) -> None:
    ann = caller(requests_per_minute=9, tokens_per_minute=20, concurrent=9)
    desk.reserve(ann)
    with pytest.raises(RateLimited, match="tokens per min"):
        desk.reserve(ann)
    assert desk.told(ann)["x-ratelimit-remaining-requests"] == "8"


def test_a_limit_that_is_raised_holds_at_once(desk: Desk) -> None:
    for _ in range(2):
        desk.pass_through(caller(requests_per_minute=2))
    more = caller(requests_per_minute=5)
    assert desk.told(more)["x-ratelimit-remaining-requests"] == "3"
    desk.pass_through(more)


def test_a_days_tokens_are_spent_and_come_back_the_next_day(desk: Desk) -> None:
    ann = caller(tokens_per_day=100)
    desk.pass_through(ann, tokens=95)
    with pytest.raises(BudgetSpent) as caught:
        desk.reserve(ann)
    assert str(caught.value) == (
        "The key ann has spent its budget of tokens per day: Limit 100, Used 95. "
        "It begins anew on 2026-11-24 00:00 UTC."
    )
    assert caught.value.headers["retry-after"] == str(12 * 3600)
    desk.wall.now_s += 12 * 3600
    desk.pass_through(ann, tokens=95)


def test_a_months_tokens_come_back_the_next_month(desk: Desk) -> None:
    ann = caller(tokens_per_month=100)
    desk.pass_through(ann, tokens=100)
    desk.wall.now_s += 7 * 86_400
    with pytest.raises(BudgetSpent, match=r"tokens per month: .* on 2026-12-01 00:00 UTC"):
        desk.reserve(ann)
    desk.wall.now_s += 86_400
    desk.pass_through(ann)


@pytest.mark.parametrize("period", ["day", "month"])
def test_gpu_seconds_are_spent_too(desk: Desk, period: str) -> None:
    ann = caller(**{f"gpu_s_per_{period}": 2.5})
    for _ in range(2):
        desk.pass_through(ann, engine_s=1.5)
    with pytest.raises(BudgetSpent, match=f"GPU seconds per {period}: Limit 2.5, Used 3"):
        desk.reserve(ann)


def test_requests_at_once_cannot_overrun_a_budget_by_more_than_one_answer(desk: Desk) -> None:
    ann = caller(tokens_per_day=100)
    desk.reserve(ann, max_tokens=5000)  # takes what is left
    with pytest.raises(BudgetSpent):
        desk.reserve(ann)


def test_what_other_hosts_have_used_counts(desk: Desk) -> None:
    ann = caller(tokens_per_day=100, tokens_per_month=1000)
    today, _ = desk.quota.calendar.today()
    desk.quota.learn(today, {"key_ann": Used(40)}, {"key_ann": Used(1000)})
    with pytest.raises(BudgetSpent, match="tokens per month"):
        desk.reserve(ann)


def test_what_is_known_here_already_is_not_counted_twice(desk: Desk) -> None:
    ann = caller(tokens_per_day=100)
    today, _ = desk.quota.calendar.today()
    desk.pass_through(ann, tokens=50)
    for _ in range(3):
        desk.quota.learn(today, {"key_ann": Used(50)}, {"key_ann": Used(50)})
    desk.pass_through(ann)
