"""From the logits of one step to a token for each request. Rows are requests, columns the vocabulary."""

from collections.abc import Sequence

import torch
from torch import Tensor

from polychat.engines.transformers.job import Sampling

_WIDTH = 1024  # tokens that top-k and top-p look at first: a whole vocabulary takes long to sort
_LARGEST_DRAW = 1 - 2**-24  # in 32 bits a larger one is 1, and 1 is beyond the last token
_BANNED = float("-inf")


class Penalties:
    """What the tokens so far do to the next one's logits, for one request."""

    def __init__(self, sampling: Sampling, prompt: Sequence[int], *, vocabulary: int, device: str) -> None:
        self._sampling = sampling
        bias = {token: value for token, value in sampling.logit_bias.items() if token < vocabulary}
        self._bias_ids = torch.tensor(list(bias), dtype=torch.long, device=device)
        self._bias = torch.tensor(list(bias.values()), dtype=torch.float32, device=device)
        self._counts = torch.zeros(vocabulary, device=device)  # of generated tokens
        self._seen = torch.zeros(vocabulary, dtype=torch.bool, device=device)  # in the prompt or since
        self._seen[torch.tensor(prompt, dtype=torch.long, device=device)] = True

    @staticmethod
    def are_asked(sampling: Sampling) -> bool:
        asked = (sampling.presence_penalty, sampling.frequency_penalty, sampling.repetition_penalty - 1)
        return any(asked) or bool(sampling.logit_bias)

    def note(self, token: int) -> None:
        self._counts[token] += 1
        self._seen[token] = True

    def apply(self, logits: Tensor) -> None:
        """Change one row in place."""
        asked = self._sampling
        logits.index_add_(0, self._bias_ids, self._bias.to(logits.dtype))
        if asked.repetition_penalty != 1:
            factor = torch.where(logits > 0, 1 / asked.repetition_penalty, asked.repetition_penalty)
            logits.copy_(torch.where(self._seen, logits * factor, logits))
        logits -= asked.frequency_penalty * self._counts + asked.presence_penalty * (self._counts > 0)


def choose(logits: Tensor, asked: Sequence[Sampling], draws: Sequence[float]) -> list[int]:
    """A token for each row. `draws` are uniform in [0, 1); temperature 0 takes the most likely token."""
    best = logits.argmax(-1)
    rows = [row for row, sampling in enumerate(asked) if sampling.temperature > 0]
    if rows:
        drawn = draw(logits[rows], [asked[row] for row in rows], [draws[row] for row in rows])
        best[rows] = drawn
    chosen: list[int] = best.tolist()
    return chosen


def draw(logits: Tensor, asked: Sequence[Sampling], draws: Sequence[float]) -> Tensor:
    """One token a row, from the distribution that its temperature, min-p, top-k and top-p leave."""
    scores = logits / _column([sampling.temperature for sampling in asked], logits)
    if any(sampling.min_p > 0 for sampling in asked):
        least = scores.amax(-1, keepdim=True) + _column([sampling.min_p for sampling in asked], logits).log()
        scores = scores.masked_fill(scores < least, _BANNED)
    cut = [row for row, sampling in enumerate(asked) if sampling.top_k > 0 or sampling.top_p < 1]
    if cut:
        scores[cut] = truncate(scores[cut], [asked[row] for row in cut])
    precise = torch.float32 if logits.device.type == "mps" else torch.float64  # mps has no more
    mass = scores.to(precise).softmax(-1).cumsum(-1)
    points = torch.tensor(draws, dtype=precise, device=logits.device).clamp(max=_LARGEST_DRAW)
    return torch.searchsorted(mass, points[:, None] * mass[:, -1:], right=True)[:, 0]


def truncate(scores: Tensor, asked: Sequence[Sampling]) -> Tensor:
    """Scores with -inf outside each row's top-k, and then outside the fewest tokens that hold top-p."""
    vocabulary = scores.shape[-1]
    top_k = _column([min(sampling.top_k, vocabulary) or vocabulary for sampling in asked], scores)
    top_p = _column([sampling.top_p for sampling in asked], scores)
    ordered, order = scores.topk(min(_WIDTH, vocabulary))
    shown = (ordered - scores.logsumexp(-1, keepdim=True)).exp().sum(-1, keepdim=True)
    if not bool(((top_k <= _WIDTH) | ((top_k == vocabulary) & (shown >= top_p))).all()):
        ordered, order = scores.sort(-1, descending=True)
    ranks = torch.arange(ordered.shape[-1], device=scores.device)
    ordered = ordered.masked_fill(ranks >= top_k, _BANNED)
    # The whole row's mass counts where top-k leaves all of it, and what is shown may be a part of that.
    total = torch.where(
        top_k < vocabulary, ordered.logsumexp(-1, keepdim=True), scores.logsumexp(-1, keepdim=True)
    )
    probabilities = (ordered - total).exp()
    before = probabilities.cumsum(-1) - probabilities
    ordered = ordered.masked_fill((before >= top_p) & (ranks > 0), _BANNED)
    return torch.full_like(scores, _BANNED).scatter_(-1, order, ordered)


def logprobs_of(logits: Tensor, tokens: Sequence[int], num_top: int) -> list["Logprobs"]:
    """Each row's logprob of its token, and of its `num_top` most likely ones."""
    logprobs = logits.float().log_softmax(-1)
    chosen = logprobs.gather(-1, torch.tensor(tokens, device=logits.device)[:, None])[:, 0].tolist()
    values, ids = logprobs.topk(min(num_top, logits.shape[-1]))
    pairs = zip(ids.tolist(), values.tolist(), strict=True)
    tops = [tuple(zip(of, worth, strict=True)) for of, worth in pairs]
    return list(zip(chosen, tops, strict=True))


Logprobs = tuple[float, tuple[tuple[int, float], ...]]


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=like.device)[:, None]
