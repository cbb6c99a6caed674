"""The way in: from settings to a model that answers."""

import copy
import logging
from functools import partial
from pathlib import Path

import torch
from transformers import AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.generation.continuous_batching.utils import find_head_dim, find_num_key_value_heads
from transformers.utils import logging as transformers_log
from transformers.utils.generic import is_flash_attention_requested

from polychat.engines.transformers.core.adapters import Adapters
from polychat.engines.transformers.core.batched import Batched
from polychat.engines.transformers.core.budget import Budget, Shape, budget
from polychat.engines.transformers.core.devices import free_bytes, use_threads
from polychat.engines.transformers.core.generating import Runner, TextGenerator, Vocabulary
from polychat.engines.transformers.core.grammars import Grammars
from polychat.engines.transformers.core.loading import Kind, kind_of, load, read_config
from polychat.engines.transformers.core.pooling import open_pooler
from polychat.engines.transformers.core.probing import Probe, may_batch, trained_context
from polychat.engines.transformers.core.prompts import read_prompt
from polychat.engines.transformers.core.refusals import reason, refusing
from polychat.engines.transformers.core.sequential import Sequential
from polychat.engines.transformers.job import (
    AdapterRefused,
    GenerationFailed,
    ModelSettings,
    OpenModel,
    Sampling,
)
from polychat.errors import EngineStartError

_UNKNOWN_CONTEXT = 4096  # tokens, for a model that does not say
_NO_LIMIT = 10**9  # what tokenizers write for it is larger

log = logging.getLogger(__name__)


def open_model(settings: ModelSettings) -> OpenModel:
    """Load a model and start the thread that computes with it. Blocks; not for a running event loop.

    Raises:
        EngineStartError, SetupError: one line that names the cause and the fix.
    """
    transformers_log.set_verbosity_error()  # it draws progress and tables of weights otherwise
    transformers_log.disable_progress_bar()
    config = read_config(settings)
    kind = kind_of(config, Path(settings.folder))
    model = load(settings, config, kind)
    weights_bytes = model.get_memory_footprint()
    use_threads(settings, weights_bytes)
    tokenizer = _tokenizer(settings)
    reads = _reads(tokenizer)
    trained = trained_context(config, reads)
    if kind in ("embedding", "classifier"):  # of its positions, an encoder may keep some for itself
        return open_pooler(settings, model, kind=kind, context_length=min(trained, reads))
    return _open_generator(_Parts(settings, model, kind, tokenizer), trained)


def _open_generator(parts: "_Parts", trained: int) -> OpenModel:
    settings, model = parts.settings, parts.model
    advised = copy.deepcopy(model.generation_config)
    _neutralise(model.generation_config)
    plan = budget(
        _shape(model, trained),
        free_bytes=free_bytes(model.device),
        context_length=settings.context_length,
        slots=settings.slots,
    )
    generator, is_batched = parts.generator(plan)
    return OpenModel(
        context_length=plan.context_length,
        end_tokens=parts.vocabulary.end_tokens,
        generator=generator,
        default_sampling=_advice(advised),
        reads_prompts=parts.kind == "decoder",
        num_parameters=model.num_parameters(),
        weights_bytes=model.get_memory_footprint(),
        description=_describe(model, plan, is_batched=is_batched),
    )


class _Parts:
    """What a generator is put together from, and what it is started with."""

    def __init__(
        self, settings: ModelSettings, model: PreTrainedModel, kind: Kind, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        self.settings = settings
        self.model = model
        self.kind = kind
        self.vocabulary = _vocabulary(model, tokenizer)
        self._adapters = Adapters(model)

    def generator(self, plan: Budget) -> tuple[TextGenerator, bool]:
        """The generator, and whether it batches."""
        batched = self._batched(plan) if may_batch(self.model, self.kind) else None
        runner: Runner = batched or Sequential(self.model, self._adapters)
        try:
            for name, folder in self.settings.adapters.items():
                runner.exclusively(partial(self._adapters.load, name, folder))
        except AdapterRefused as exc:
            runner.stop()
            raise EngineStartError(str(exc)) from exc
        return self._on(runner), batched is not None

    def _batched(self, plan: Budget) -> Batched | None:
        """None where the library cannot batch this architecture, or batched it computes something else."""
        shares = not self.settings.adapters and not self.settings.adapter_updates
        try:
            probe = Probe(self.model, is_quantised=self._is_quantised)
            runner = Batched(self.model, plan, self._adapters, shares_prefixes=shares)
        except (ValueError, TypeError, AttributeError, KeyError, RuntimeError) as exc:
            log.warning("no continuous batching for this model: %s", reason(self.settings, exc))
            return None
        try:
            if probe.passes(self._on(runner)):
                return runner
        except GenerationFailed as exc:
            log.warning("no continuous batching for this model: %s", exc)
        runner.stop()
        return None

    def _on(self, runner: Runner) -> TextGenerator:
        return TextGenerator(
            runner,
            self._adapters,
            vocabulary=self.vocabulary,
            read_prompt=lambda job: read_prompt(self.model, self._adapters, job),
        )

    @property
    def _is_quantised(self) -> bool:
        """Whether it computes with fewer bits: weights out of a GGUF file do not."""
        return not self.settings.gguf_file and getattr(self.model, "hf_quantizer", None) is not None


def _vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    size, end_tokens = model.config.get_text_config().vocab_size, _end_tokens(model, tokenizer)
    grammars = None
    if tokenizer.is_fast and end_tokens:
        known = tokenizer.backend_tokenizer.to_str()
        grammars = Grammars.of(known, size=max(size, len(tokenizer)), end_tokens=sorted(end_tokens))
    return Vocabulary(size, end_tokens, grammars)


def _neutralise(config: GenerationConfig) -> None:
    """What a request does not ask for shall not happen: sampling is ours."""
    config.update(
        do_sample=False, temperature=None, top_p=None, top_k=None, min_p=None, typical_p=None, num_beams=1,
        repetition_penalty=None, no_repeat_ngram_size=None, num_return_sequences=1, penalty_alpha=None,
    )  # fmt: skip


def _advice(config: GenerationConfig) -> Sampling:
    """Sampling as the model's own settings advise it to those who ask for nothing else."""
    plain = Sampling()
    temperature = config.temperature if config.do_sample else None
    return Sampling(
        temperature=plain.temperature if temperature is None else temperature,
        top_p=plain.top_p if config.top_p is None else config.top_p,
        top_k=(config.top_k or 0) if config.do_sample else 0,
        min_p=config.min_p or 0.0,
        repetition_penalty=config.repetition_penalty or 1.0,
    )


def _shape(model: PreTrainedModel, trained: int) -> Shape:
    config = model.config.get_text_config()
    try:
        per_layer = 2 * find_num_key_value_heads(config) * find_head_dim(config)
    except (
        AttributeError,
        TypeError,
        ValueError,
    ):  # a state-space model has no heads; nothing is planned for it
        per_layer = 0
    return Shape(
        token_bytes=getattr(config, "num_hidden_layers", 1) * per_layer * model.dtype.itemsize,
        value_bytes=model.dtype.itemsize,
        trained_context=trained,
        needs_mask=not is_flash_attention_requested(config),
        on_gpu=model.device.type == "cuda",
    )


def _tokenizer(settings: ModelSettings) -> PreTrainedTokenizerBase:
    gguf = {"gguf_file": settings.gguf_file} if settings.gguf_file else {}
    with refusing(settings):
        return AutoTokenizer.from_pretrained(
            settings.folder, trust_remote_code=settings.trust_remote_code, local_files_only=True, **gguf
        )


def _reads(tokenizer: PreTrainedTokenizerBase) -> int:
    length = tokenizer.model_max_length
    return int(length) if length < _NO_LIMIT else _UNKNOWN_CONTEXT


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    named = (
        model.generation_config.eos_token_id,
        model.config.get_text_config().eos_token_id,
        getattr(tokenizer, "eos_token_id", None),
    )
    return frozenset(
        id_ for ids in named if ids is not None for id_ in (ids if isinstance(ids, list) else [ids])
    )


def _describe(model: PreTrainedModel, plan: Budget, *, is_batched: bool) -> str:
    dtype = str(model.dtype).removeprefix("torch.")
    where = f"{model.device.type}, {dtype}, {torch.get_num_threads()} threads"
    if not is_batched:
        return f"{where}, one request at a time"
    return f"{where}, up to {plan.slots} requests in a batch, {plan.kv_tokens} tokens of KV cache"
