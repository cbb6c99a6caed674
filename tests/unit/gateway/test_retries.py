from polychat.gateway.retries import RetryBudget


def test_a_burst_may_be_tried_again_even_at_the_beginning() -> None:
    budget = RetryBudget(least=3)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_in_the_long_run_a_share_of_the_requests_may_be_tried_again() -> None:
    budget = RetryBudget(share=0.2, least=0, most=10)
    tried = 0
    for _ in range(1000):
        budget.earn()
        tried += budget.spend()
    assert 190 <= tried <= 200
