"""The logprobs of a prompt's own tokens, by reading it once more, apart from any batch."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from polychat.engines.transformers.core.adapters import Adapters
from polychat.engines.transformers.core.sampling import logprobs_of
from polychat.engines.transformers.job import Job, PromptLogprobs, Token

_CHUNK_TOKENS = 256  # their logits are in memory together


def read_prompt(model: PreTrainedModel, adapters: Adapters, job: Job) -> PromptLogprobs:
    """For a decoder, between two steps."""
    adapters.activate(job.adapter)
    tokens = [Token(job.prompt[0])]
    following = job.prompt[1:]
    with torch.inference_mode(), plain_attention(model):
        for start, logits in _logits(model, job.prompt[:-1]):
            targets = following[start : start + len(logits)]
            found = logprobs_of(logits, targets, job.num_logprobs or 0)
            tokens += [Token(id_, *logprobs) for id_, logprobs in zip(targets, found, strict=True)]
    return PromptLogprobs(tuple(tokens))


@contextmanager
def plain_attention(model: PreTrainedModel) -> Iterator[None]:
    """Attention without a paged cache, for models whose batches need one of the library's paged kinds."""
    kind = model.config._attn_implementation
    if not kind.startswith("paged|"):
        yield
        return
    model.set_attn_implementation(kind.removeprefix("paged|"))
    try:
        yield
    finally:
        model.set_attn_implementation(kind)


def _logits(model: PreTrainedModel, prompt: tuple[int, ...]) -> Iterator[tuple[int, Tensor]]:
    """(first position, logits of the positions from there on), chunk by chunk."""
    cache = None
    for start in range(0, len(prompt), _CHUNK_TOKENS):
        ids = torch.tensor([prompt[start : start + _CHUNK_TOKENS]], device=model.device)
        output = model(ids, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        yield start, output.logits[0]
