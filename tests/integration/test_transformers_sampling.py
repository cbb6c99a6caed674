"""From logits to tokens."""

from collections import Counter
from collections.abc import Sequence

import pytest
import torch

from polychat.engines.transformers.core.sampling import Penalties, choose, draw, logprobs_of, truncate
from polychat.engines.transformers.job import Sampling

LOGITS = [2.0, 1.0, 0.0, -1.0]  # softmax: 0.644, 0.237, 0.087, 0.032


def kept(sampling: Sampling, logits: Sequence[float] = LOGITS) -> list[int]:
    scores = truncate(torch.tensor([logits]), [sampling])[0]
    return [index for index, value in enumerate(scores.tolist()) if value > float("-inf")]


def drawn(sampling: Sampling, logits: Sequence[float] = LOGITS, num: int = 400) -> Counter[int]:
    rows = torch.tensor([list(logits)] * num)
    points = [(index + 0.5) / num for index in range(num)]
    return Counter(draw(rows, [sampling] * num, points).tolist())


def test_temperature_0_takes_the_most_likely_token_whatever_is_drawn() -> None:
    rows = torch.tensor([LOGITS, LOGITS[::-1]])
    assert choose(rows, [Sampling(temperature=0)] * 2, [0.99, 0.01]) == [0, 3]


def test_tokens_are_drawn_as_often_as_the_softmax_says() -> None:
    assert drawn(Sampling()) == {0: 258, 1: 94, 2: 35, 3: 13}


def test_a_low_temperature_sharpens_the_distribution() -> None:
    assert drawn(Sampling(temperature=0.1)) == {0: 400}


@pytest.mark.parametrize(
    ("sampling", "tokens"),
    [
        (Sampling(top_k=1), [0]),
        (Sampling(top_k=3), [0, 1, 2]),
        (Sampling(top_k=99), [0, 1, 2, 3]),
        (Sampling(top_p=0.0), [0]),
        (Sampling(top_p=0.64), [0]),
        (Sampling(top_p=0.65), [0, 1]),
        (Sampling(top_p=0.9), [0, 1, 2]),
        (Sampling(top_k=2, top_p=0.7), [0]),  # of what top-k leaves, the first holds 0.73
    ],
)
def test_top_k_and_top_p_keep_the_likeliest(sampling: Sampling, tokens: list[int]) -> None:
    assert kept(sampling) == tokens


def test_min_p_is_a_part_of_the_likeliest_tokens_probability() -> None:
    assert set(drawn(Sampling(min_p=0.2))) == {0, 1}
    assert set(drawn(Sampling(min_p=0.1))) == {0, 1, 2}


@pytest.mark.parametrize("sampling", [Sampling(top_p=0.999), Sampling(top_k=2000), Sampling(top_p=0.2)])
def test_a_large_vocabulary_is_cut_as_exactly_as_a_small_one(sampling: Sampling) -> None:
    logits = torch.linspace(0, 1, 5000)
    ordered = torch.arange(4999, -1, -1)
    mass = logits.softmax(-1)[ordered].cumsum(-1)
    num_kept = int((mass < sampling.top_p).sum()) + 1 if sampling.top_k == 0 else sampling.top_k
    assert abs(len(kept(sampling, logits.tolist())) - num_kept) <= 2


def test_the_largest_draw_is_still_a_token() -> None:
    assert draw(torch.tensor([[0.0, 0.0, float("-inf")]]), [Sampling()], [1.0]).tolist() == [1]


def test_each_row_has_its_own_settings() -> None:
    rows = torch.tensor([LOGITS] * 3)
    asked = [Sampling(temperature=0), Sampling(top_k=1), Sampling()]
    assert choose(rows, asked, [0.999, 0.999, 0.999]) == [0, 0, 3]


def edited(sampling: Sampling, *, generated: Sequence[int] = (), prompt: Sequence[int] = (3,)) -> list[float]:
    row = torch.tensor(LOGITS)
    penalties = Penalties(sampling, prompt, vocabulary=4, device="cpu")
    for token in generated:
        penalties.note(token)
    penalties.apply(row)
    values: list[float] = row.tolist()
    return values


def test_the_frequency_penalty_counts_generated_tokens_only() -> None:
    assert edited(Sampling(frequency_penalty=0.5), generated=[0, 0]) == [1.0, 1.0, 0.0, -1.0]


def test_the_presence_penalty_counts_a_token_once() -> None:
    assert edited(Sampling(presence_penalty=0.5), generated=[0, 0]) == [1.5, 1.0, 0.0, -1.0]


def test_the_repetition_penalty_lowers_what_the_prompt_and_the_answer_hold() -> None:
    assert edited(Sampling(repetition_penalty=2.0), generated=[0]) == [1.0, 1.0, 0.0, -2.0]


def test_a_bias_is_added() -> None:
    assert edited(Sampling(logit_bias={1: 100.0, 2: -100.0})) == [2.0, 101.0, -100.0, -1.0]


def test_logprobs_are_the_log_softmax_and_the_best_come_first() -> None:
    ((logprob, top),) = logprobs_of(torch.tensor([LOGITS]), [2], 2)
    assert logprob == pytest.approx(-2.4402, abs=1e-3)
    assert [id_ for id_, _ in top] == [0, 1]
    assert top[0][1] == pytest.approx(-0.4402, abs=1e-3)
