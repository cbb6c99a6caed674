"""Computes one request after the other with the model's own `generate`, for what cannot be batched.

State-space models, encoder-decoders, and models that see.
"""

import copy
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from polychat.engines.transformers.core.adapters import Adapters
from polychat.engines.transformers.core.request import Request, deliver, step
from polychat.engines.transformers.job import GenerationFailed, Job, Token
from polychat.types import Load

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")
_Work = Callable[[], None]


class Sequential:
    """One thread, one request at a time."""

    def __init__(self, model: PreTrainedModel, adapters: Adapters) -> None:
        self._model = model
        self._adapters = adapters
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._running: Request | None = None
        self._num_tokens = 0
        self._is_stopped = False
        self._live: set[Request] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def load(self) -> Load:
        running = 0 if self._running is None else 1
        return Load(
            running=running,
            waiting=max(0, len(self._live) - running),
            slots=1,
            output_tokens_total=self._num_tokens,
        )

    def room(self, job: Job) -> int:
        """`generate` makes the cache as long as the answer, so what was asked for is what there is."""
        return job.max_tokens

    def start(self, request: Request) -> None:
        self._live.add(request)
        self._work.put(lambda: self._compute(request))

    def end(self, request: Request) -> None:
        request.is_aborted = True
        self._live.discard(request)

    def exclusively(self, work: Callable[[], _Result]) -> _Result:
        """Do something with the model between two requests. Blocks."""
        if self._is_stopped:
            raise GenerationFailed("the engine stops")
        result: Future[_Result] = Future()
        self._work.put(lambda: _settle(result, work))
        return result.result()

    def stop(self) -> None:
        self._is_stopped = True
        self._work.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
        for request in list(self._live):
            deliver([(request.stream, GenerationFailed("the engine stops"))])

    def _compute(self, request: Request) -> None:
        if request.is_aborted or self._is_stopped:
            return
        self._running = request
        try:
            self._generate(request)
        except Exception as exc:  # one request's failure is not the thread's
            log.exception("a request failed")
            deliver([(request.stream, GenerationFailed(f"{type(exc).__name__}: {exc}"))])
        finally:
            self._running = None

    def _generate(self, request: Request) -> None:
        self._adapters.activate(request.job.adapter)
        choose = _Choose(request, self._count)
        model = self._model
        ids = torch.tensor([request.job.prompt], device=model.device)
        with torch.inference_mode():
            model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                generation_config=_settings(model, request),
                logits_processor=LogitsProcessorList([choose]),
                stopping_criteria=StoppingCriteriaList([_Until(choose, self)]),
                **_media(request, model),
            )

    def _count(self) -> None:
        self._num_tokens += 1

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped


class _Choose(LogitsProcessor):  # type: ignore[misc]  # transformers is not analysed
    """Chooses the token itself, delivers it, and leaves it as the only possible one."""

    def __init__(self, request: Request, count: Callable[[], None]) -> None:
        self.request = request
        self.last: Token | None = None
        self._count = count

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        (self.last,) = step(scores.float(), [self.request])
        self._count()
        deliver([(self.request.stream, self.last)])
        picked = torch.full_like(scores, float("-inf"))
        picked[0, self.last.id] = 0
        return picked


class _Until(StoppingCriteria):  # type: ignore[misc]  # transformers is not analysed
    def __init__(self, choose: _Choose, runner: Sequential) -> None:
        self._choose = choose
        self._runner = runner

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: object) -> Tensor:
        last = self._choose.last
        is_over = last is not None and last.finish is not None
        is_over = is_over or self._choose.request.is_aborted or self._runner.is_stopped
        return torch.full((input_ids.shape[0],), is_over, device=input_ids.device)


def _settings(model: PreTrainedModel, request: Request) -> GenerationConfig:
    """The model's own, with what ends and draws tokens left to us."""
    settings = copy.deepcopy(model.generation_config)
    settings.update(
        max_new_tokens=request.job.max_tokens,
        max_length=None,
        min_length=0,
        min_new_tokens=None,
        eos_token_id=None,
        pad_token_id=settings.pad_token_id if settings.pad_token_id is not None else 0,
    )
    return settings


def _media(request: Request, model: PreTrainedModel) -> dict[str, object]:
    tensors = request.job.media.tensors if request.job.media is not None else {}
    return {name: _placed(value, model) for name, value in tensors.items()}


def _placed(value: object, model: PreTrainedModel) -> object:
    if not isinstance(value, Tensor):
        return value
    return value.to(model.device, model.dtype if value.is_floating_point() else None)


def _settle(result: "Future[_Result]", work: Callable[[], _Result]) -> None:
    try:
        result.set_result(work())
    except Exception as exc:  # noqa: BLE001  # it belongs to whoever asked
        result.set_exception(exc)
