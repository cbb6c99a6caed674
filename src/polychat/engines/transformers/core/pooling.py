"""Models that answer with numbers: embeddings, scores of pairs, classes."""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from polychat.engines.transformers.core.loading import Kind
from polychat.engines.transformers.core.pooling_recipe import Recipe, read_recipe
from polychat.engines.transformers.job import Encoded, ModelSettings, OpenModel, PoolerKind
from polychat.types import Load

_BATCH_TOKENS = 8192  # with padding, computed together
_BATCH_INPUTS = 64

Compute = Callable[[PreTrainedModel, dict[str, Tensor]], Tensor]


def open_pooler(
    settings: ModelSettings, model: PreTrainedModel, *, kind: Kind, context_length: int
) -> OpenModel:
    """A model whose class was loaded already."""
    recipe = read_recipe(Path(settings.folder), model.config) if kind == "embedding" else None
    context = min(context_length, settings.context_length or context_length)
    return OpenModel(
        context_length=context,
        end_tokens=frozenset(),
        pooler=TextPooler(model, recipe),
        num_parameters=model.num_parameters(),
        weights_bytes=model.get_memory_footprint(),
        description=f"{model.device.type}, {str(model.dtype).removeprefix('torch.')}",
    )


class TextPooler:
    """Implements `job.Pooler`, in one thread of its own."""

    def __init__(self, model: PreTrainedModel, recipe: Recipe | None) -> None:
        self._model = model
        self._recipe = recipe
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
        self._num_waiting = 0

    @property
    def kind(self) -> PoolerKind:
        if self._recipe is not None:
            return "embed"
        return "score" if self._model.config.num_labels == 1 else "classify"

    @property
    def dimensions(self) -> int:
        config = self._model.config
        return config.num_labels if self._recipe is None else self._recipe.dimensions(config.hidden_size)

    @property
    def labels(self) -> tuple[str, ...]:
        if self.kind != "classify":
            return ()
        return tuple(self._model.config.id2label[index] for index in range(self._model.config.num_labels))

    @property
    def load(self) -> Load:
        return Load(running=min(1, self._num_waiting), waiting=max(0, self._num_waiting - 1), slots=1)

    async def embed(self, inputs: Sequence[Encoded]) -> list[list[float]]:
        recipe = self._recipe
        assert recipe is not None, "only models of kind embed are asked for vectors"

        def vectors(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
            return recipe.vectors(model(**batch).last_hidden_state, batch["attention_mask"])

        return await self._compute(inputs, vectors)

    async def score(self, pairs: Sequence[Encoded]) -> list[float]:
        squash = not _is_raw(self._model.config)

        def scores(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
            logits = model(**batch).logits.float()
            return logits.sigmoid() if squash else logits

        return [row[0] for row in await self._compute(pairs, scores)]

    async def classify(self, inputs: Sequence[Encoded]) -> list[list[float]]:
        several = self._model.config.problem_type == "multi_label_classification"

        def probabilities(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
            logits = model(**batch).logits.float()
            return logits.sigmoid() if several else logits.softmax(-1)

        return await self._compute(inputs, probabilities)

    async def stop(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    async def _compute(self, inputs: Sequence[Encoded], compute: Compute) -> list[list[float]]:
        is_aborted = Event()
        self._num_waiting += 1
        try:
            work = (inputs, compute, is_aborted)
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._rows, *work)
        finally:
            is_aborted.set()
            self._num_waiting -= 1

    def _rows(self, inputs: Sequence[Encoded], compute: Compute, is_aborted: Event) -> list[list[float]]:
        rows: list[list[float]] = [[] for _ in inputs]
        for places in self._batches(inputs):
            if is_aborted.is_set():
                break
            batch = self._padded([inputs[place] for place in places])
            with torch.inference_mode():
                computed = compute(self._model, batch).tolist()
            for place, row in zip(places, computed, strict=True):
                rows[place] = row
        return rows

    def _batches(self, inputs: Sequence[Encoded]) -> Iterator[list[int]]:
        """Places of inputs of about one length, so that little of a batch is padding."""
        largest = _BATCH_INPUTS if self._pads else 1
        batch: list[int] = []
        for place in sorted(range(len(inputs)), key=lambda place: -len(inputs[place].ids)):
            longest = len(inputs[batch[0]].ids) if batch else 0
            if batch and (len(batch) == largest or longest * (len(batch) + 1) > _BATCH_TOKENS):
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch

    @property
    def _pads(self) -> bool:
        """Whether inputs may share a batch: some classifiers look for the last token by the padding's id."""
        return self._recipe is not None or self._model.config.pad_token_id is not None

    def _padded(self, inputs: Sequence[Encoded]) -> dict[str, Tensor]:
        pad = self._model.config.pad_token_id or 0
        batch = {
            "input_ids": self._tensor([each.ids for each in inputs], pad),
            "attention_mask": self._tensor([[1] * len(each.ids) for each in inputs], 0),
        }
        if self._takes_types:
            types = [each.type_ids or [0] * len(each.ids) for each in inputs]
            batch["token_type_ids"] = self._tensor(types, 0)
        return batch

    def _tensor(self, rows: Sequence[Sequence[int]], fill: int) -> Tensor:
        longest = max(map(len, rows))
        return torch.tensor(
            [[*row, *[fill] * (longest - len(row))] for row in rows], device=self._model.device
        )


def _is_raw(config: PretrainedConfig) -> bool:
    """Whether the model's own settings want scores as they are, not squashed into 0 to 1."""
    newer = getattr(config, "sentence_transformers", None)
    named = newer.get("activation_fn") if isinstance(newer, dict) else None
    named = named or getattr(config, "sbert_ce_default_activation_function", None)
    return str(named or "").endswith("Identity")
