"""Which requests a step computes: transformers' own scheduler, with one adapter a step."""

from collections.abc import Sequence

from transformers.generation.continuous_batching.cache import PagedAttentionCache
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState
from transformers.generation.continuous_batching.scheduler import FIFOScheduler

from polychat.engines.transformers.core.adapters import Adapters

ADAPTER = "adapter"  # the key under which a request carries its adapter's name

Scheduled = tuple[list[FutureRequestState] | None, bool, int, int]
Processed = tuple[list[FutureRequestState], bool, bool, int, int]


class OneAdapterScheduler(FIFOScheduler):  # type: ignore[misc]  # transformers is not analysed
    """First come, first served; adapters take turns, since a step computes with one of them."""

    def __init__(
        self,
        adapters: Adapters,
        *,
        cache: PagedAttentionCache,
        safety_margin: float | None,
        max_requests_per_batch: int,
    ) -> None:
        self._adapters = adapters
        self._turn = ""
        self.starved_requests: list[tuple[RequestState, int]] = []
        super().__init__(cache, safety_margin, max_requests_per_batch)

    def schedule_batch(self, token_budget: int, cache_budget: int) -> Scheduled:
        """The next step's requests, all of one adapter; None when the cache has room for none of them."""
        if not self.active_requests:
            # The library lifts this only when a request finishes. If all were aborted, none ever would.
            self.block_new_requests = False
        starved: list[tuple[RequestState, int]] = []
        scheduled: Scheduled = ([], False, 0, 0)
        for turn in self._turns():
            self._turn = turn
            scheduled = super().schedule_batch(token_budget, cache_budget)
            if scheduled[0]:
                self._adapters.activate(turn)
                return scheduled
            starved += self.starved_requests
        self.starved_requests = starved
        return scheduled

    def _turns(self) -> Sequence[str]:
        """The adapters that requests ask for, the one after the last step's first."""
        states = [*self.active_requests.values(), *self.waiting_requests.values()]
        names = sorted({_adapter(state) for state in states})
        return [name for name in names if name > self._turn] + [name for name in names if name <= self._turn]

    def _process_candidates(
        self, candidates: list[RequestState], token_budget: int, cache_budget: int, removed: set[str]
    ) -> Processed:
        mine = [state for state in candidates if _adapter(state) == self._turn]
        processed: Processed = super()._process_candidates(mine, token_budget, cache_budget, removed)
        return processed


def _adapter(state: RequestState) -> str:
    name: str = state.logit_processor_kwargs[ADAPTER]
    return name
