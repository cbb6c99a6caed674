"""Computes many requests together, by transformers' continuous batching."""

import importlib.util
import itertools
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from transformers import GenerationConfig, PreTrainedModel
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessorList,
)
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchingManager
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING
from transformers.generation.logits_process import LogitsProcessorList

from polychat.engines.transformers.core.adapters import Adapters
from polychat.engines.transformers.core.budget import PAGE_TOKENS, Budget
from polychat.engines.transformers.core.chooser import Chooser, Failures
from polychat.engines.transformers.core.request import Request
from polychat.engines.transformers.core.scheduling import ADAPTER, OneAdapterScheduler
from polychat.engines.transformers.job import GenerationFailed, Job
from polychat.types import Load

_STOP_TIMEOUT_S = 10.0
_Result = TypeVar("_Result")


class Batched:
    """Runs requests in a thread of the library's own. A failed step fails its requests, not the next ones."""

    def __init__(
        self, model: PreTrainedModel, budget: Budget, adapters: Adapters, *, shares_prefixes: bool
    ) -> None:
        self._model = model
        self._budget = budget
        self._names = itertools.count()
        self._ids: dict[Request, str] = {}
        self._is_stopped = False
        self._reviving = threading.Lock()
        scheduler = f"polychat-{id(self)}"
        SCHEDULER_MAPPING[scheduler] = partial(OneAdapterScheduler, adapters)
        self._manager: ContinuousBatchingManager = model.init_continuous_batching(
            GenerationConfig(do_sample=False, eos_token_id=-1),
            _config(budget, scheduler, shares_prefixes=shares_prefixes),
        )
        self._chooser = Chooser(self._manager.cancel_request)
        processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([self._chooser]))
        processors.tensors_required = 1  # a row that the library lets each processor fill
        self._manager.logit_processor = processors
        self._manager.output_router = Failures(self._chooser.remove)
        self._manager.warmup()  # makes the KV cache here and now, so that it fails here and now
        self._manager.start()

    @property
    def load(self) -> Load:
        if self._is_stopped:
            return Load(slots=self._budget.slots, output_tokens_total=self._chooser.num_tokens)
        scheduler = self._manager.batch_processor.scheduler
        active = list(scheduler.active_requests.values())
        waiting = len(scheduler.waiting_requests) + self._manager.input_queue.qsize()
        used = sum(state.current_len() for state in active)
        return Load(
            running=len(active),
            waiting=waiting,
            kv_cache_usage=min(1.0, used / self._budget.kv_tokens),
            slots=self._budget.slots,
            output_tokens_total=self._chooser.num_tokens,
        )

    def room(self, job: Job) -> int:
        return self._budget.context_length - len(job.prompt)

    def start(self, request: Request) -> None:
        """Queue a request. Its tokens come to its stream."""
        self._revive()
        request_id = self._ids[request] = str(next(self._names))
        self._chooser.add(request_id, request)  # before the library knows it: it may answer at once
        self._manager.add_request(
            list(request.job.prompt),
            request_id=request_id,
            max_new_tokens=request.job.max_tokens,
            eos_token_id=sorted(request.stops) or -1,
            **{ADAPTER: request.job.adapter},
        )
        if not self._is_alive:  # it may have died just now, and read its queue to the end before
            self.end(request)
            raise GenerationFailed("the step of other requests has failed")

    def end(self, request: Request) -> None:
        """Forget a request; one that still runs is out of the batch from the next step on."""
        request_id = self._ids.pop(request)
        if self._chooser.remove(request_id) is not None:
            self._manager.cancel_request(request_id)

    def exclusively(self, work: Callable[[], _Result]) -> _Result:
        """Do something with the model between two steps. Blocks."""
        self._revive()
        with self._manager.pause():
            return work()

    def stop(self) -> None:
        with self._reviving:
            self._is_stopped = True
        if self._manager.is_running():
            self._manager.stop(block=True, timeout=_STOP_TIMEOUT_S, hard_stop=True)

    @property
    def _is_alive(self) -> bool:
        return self._manager.background_thread_status.can_accept_new_requests() is None

    def _revive(self) -> None:
        """After a step has failed, the library's thread has ended with it. The cache then starts empty."""
        with self._reviving:
            if self._is_stopped:
                raise GenerationFailed("the engine stops")
            if not self._is_alive:
                self._manager.join(time.perf_counter(), _STOP_TIMEOUT_S)
                self._manager.start()


def _config(budget: Budget, scheduler: str, *, shares_prefixes: bool) -> ContinuousBatchingConfig:
    return ContinuousBatchingConfig(
        page_size=PAGE_TOKENS,
        num_blocks=budget.num_pages,
        max_batch_tokens=budget.batch_tokens,
        max_requests_per_batch=budget.slots,
        max_memory_percent=1.0,  # the budget has seen to it
        allow_block_sharing=shares_prefixes,
        # Two batches at once, and recorded ones, would need tokens before we have chosen them.
        use_async_batching=False,
        use_cuda_graph=False,
        scheduler_type=scheduler,
        # The library would fetch kernels from a hub otherwise.
        auto_switch_to_flash=importlib.util.find_spec("flash_attn") is not None,
    )
