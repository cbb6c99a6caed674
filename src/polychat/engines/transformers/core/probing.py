"""Whether a model computes the same in the library's continuous batching as it does alone."""

import asyncio
import logging

import torch
from transformers import GenerationConfig, PretrainedConfig, PreTrainedModel

from polychat.engines.transformers.core.generating import TextGenerator
from polychat.engines.transformers.core.loading import Kind
from polychat.engines.transformers.job import Job, Sampling, Token

_PROMPT_TOKENS = 40  # more than a page of the KV cache
_NEW_TOKENS = 3
_TOLERANCE = 2e-3  # of a logprob
_ROUGH_TOLERANCE = 0.3  # in 16 bits, or where a batch is quantised as a whole

log = logging.getLogger(__name__)


def may_batch(model: PreTrainedModel, kind: Kind) -> bool:
    """Whether it is worth trying: only decoders whose whole state is a KV cache."""
    return kind == "decoder" and not model._is_stateful and not model.config.is_encoder_decoder


class Probe:
    """Made before the batch is, since that changes the model's attention; asked afterwards."""

    def __init__(self, model: PreTrainedModel, *, is_quantised: bool) -> None:
        vocabulary = model.config.get_text_config().vocab_size
        self._prompts = [
            tuple((start + 7919 * i) % vocabulary for i in range(_PROMPT_TOKENS)) for start in (1, 5)
        ]
        self._expected = [_alone(model, prompt) for prompt in self._prompts]
        is_exact = model.dtype == torch.float32 and not is_quantised
        self._tolerance = _TOLERANCE if is_exact else _ROUGH_TOLERANCE

    def passes(self, generator: TextGenerator) -> bool:
        """Whether two prompts in one batch go on as each did alone."""
        batch = asyncio.run(self._together(generator))
        for tokens, expected in zip(batch, self._expected, strict=True):
            for token, (id_, logprob) in zip(tokens, expected, strict=True):
                if abs((token.logprob or 0.0) - logprob) > self._tolerance:
                    log.warning("batched, a logprob is %s instead of %s", token.logprob, logprob)
                    return False
                if token.id != id_:  # a tie, which rounding has broken the other way
                    break
        return True

    async def _together(self, generator: TextGenerator) -> list[list[Token]]:
        return list(await asyncio.gather(*(_tokens(generator, prompt) for prompt in self._prompts)))


async def _tokens(generator: TextGenerator, prompt: tuple[int, ...]) -> list[Token]:
    job = Job(prompt, _NEW_TOKENS, ignore_eos=True, sampling=Sampling(temperature=0), num_logprobs=0)
    return [item async for item in generator.submit(job) if isinstance(item, Token)]


def _alone(model: PreTrainedModel, prompt: tuple[int, ...]) -> list[tuple[int, float]]:
    settings = GenerationConfig(
        do_sample=False,
        max_new_tokens=_NEW_TOKENS,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    ids = torch.tensor([prompt], device=model.device)
    output = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)
    tokens = output.sequences[0, len(prompt) :].tolist()
    logprobs = [logits[0].float().log_softmax(-1) for logits in output.logits]
    return [(token, float(row[token])) for token, row in zip(tokens, logprobs, strict=True)]


def trained_context(config: PretrainedConfig, default: int) -> int:
    """Tokens that the model was trained to read; `default` where its config has no such number."""
    text = config.get_text_config()
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    found = [getattr(text, name, None) for name in names]
    return next((number for number in found if isinstance(number, int) and number > 0), default)
