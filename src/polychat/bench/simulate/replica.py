"""A replica as formulas: prefills one after the other, decodes all at once, a KV cache that forgets.

Decoding is processor sharing: with n requests in the batch each gains `1 / (step_s + n * step_each_s)` tokens
a second, less while a prefill runs. Who is done when is kept in tokens of a clock that all share, so that an
event costs the same however many run (Parekh and Gallager, 1993).
"""

import heapq
from collections import OrderedDict, deque
from dataclasses import dataclass

from polychat.bench.simulate.request import Request, tokens_in
from polychat.types import Load


@dataclass(frozen=True, slots=True)
class Engine:
    """What one replica can do. Its figures are measured on a real one, or guessed."""

    prefill_tokens_per_s: float = 8000.0
    step_s: float = 0.02  # of one decode step, whatever the batch
    step_each_s: float = 0.0005  # and for each request in it
    slots: int = 32
    kv_tokens: int = 400_000
    decode_while_prefilling: float = 0.5  # of its speed
    overhead_s: float = 0.002  # of each request, before its prefill


class SimReplica:
    """One replica's state. `advance` it to the present before anything else."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.waiting: deque[Request] = deque()
        self._prefilling: Request | None = None
        self._prefill_ends_s = 0.0
        self._decoding: list[tuple[float, int, Request]] = []  # by the shared clock's tokens at their end
        self._tokens = 0.0  # that the shared clock shows
        self._now_s = 0.0
        self._cache: OrderedDict[int, int] = OrderedDict()  # block -> tokens; the longest unused first
        self._cached_tokens = 0
        self.is_up = True
        self.num_done = 0
        self.busy_s = 0.0
        self.version = 0  # of its next event: one that was planned before a change is void

    @property
    def num_here(self) -> int:
        return len(self.waiting) + len(self._decoding) + (self._prefilling is not None)

    @property
    def load(self) -> Load:
        """What it reports."""
        running = len(self._decoding) + (self._prefilling is not None)
        usage = min(1.0, self._cached_tokens / self._engine.kv_tokens)
        return Load(running, len(self.waiting), usage, self._engine.slots)

    def take(self, request: Request) -> None:
        """One more request is here."""
        self.waiting.append(request)
        self._start_prefill()

    def next_s(self) -> float | None:
        """When something happens here by itself."""
        times = []
        if self._prefilling is not None:
            times.append(self._prefill_ends_s)
        if self._decoding:
            left = max(0.0, self._decoding[0][0] - self._tokens)
            times.append(self._now_s + left / self._rate())
        return min(times, default=None)

    def advance(self, now_s: float) -> tuple[list[Request], list[Request]]:
        """Let time go by: those whose first token came, and those that ended."""
        first: list[Request] = []
        ended: list[Request] = []
        while (at_s := self.next_s()) is not None and at_s <= now_s:
            self._go_to(at_s)
            if self._prefilling is not None and self._prefill_ends_s <= at_s:
                first.append(self._begin_decode(at_s))
            while self._decoding and self._decoding[0][0] <= self._tokens + 1e-9:
                ended.append(self._end(heapq.heappop(self._decoding)[2], at_s))
            self._start_prefill()
        self._go_to(now_s)
        return first, ended

    def die(self) -> list[Request]:
        """All that was here, which nobody will answer; the cache is lost."""
        lost = [*self.waiting, *(entry[2] for entry in self._decoding)]
        if self._prefilling is not None:
            lost.append(self._prefilling)
        self.waiting.clear()
        self._decoding.clear()
        self._cache.clear()
        self._prefilling, self._cached_tokens, self.is_up = None, 0, False
        return lost

    def _go_to(self, at_s: float) -> None:
        if at_s <= self._now_s:
            return
        if self._decoding:
            self._tokens += (at_s - self._now_s) * self._rate()
        if self.num_here:
            self.busy_s += at_s - self._now_s
        self._now_s = at_s

    def _rate(self) -> float:
        """Tokens a second of each request that decodes."""
        step_s = self._engine.step_s + len(self._decoding) * self._engine.step_each_s
        slowed = self._engine.decode_while_prefilling if self._prefilling is not None else 1.0
        return slowed / step_s

    def _start_prefill(self) -> None:
        if self._prefilling is not None or not self.waiting or len(self._decoding) >= self._engine.slots:
            return
        request = self._prefilling = self.waiting.popleft()
        request.began_prefill_s = self._now_s
        request.cached_tokens = min(self._look_up(request), request.prompt_tokens - 1)
        uncached = request.prompt_tokens - request.cached_tokens
        self._prefill_ends_s = (
            self._now_s + self._engine.overhead_s + uncached / self._engine.prefill_tokens_per_s
        )

    def _begin_decode(self, at_s: float) -> Request:
        request, self._prefilling = self._prefilling, None
        assert request is not None, "it was prefilled"
        self._remember(request)
        request.first_s = at_s
        end = self._tokens + max(0, request.output_tokens - 1)
        heapq.heappush(self._decoding, (end, request.number, request))
        return request

    def _end(self, request: Request, at_s: float) -> Request:
        request.ended_s = at_s
        self.num_done += 1
        return request

    def _look_up(self, request: Request) -> int:
        depth = 0
        for block in request.ask.blocks:
            if block not in self._cache:
                break
            depth += 1
        return tokens_in(depth)

    def _remember(self, request: Request) -> None:
        """Its prompt's blocks, the beginning as the youngest: the ends are forgotten first."""
        blocks = request.ask.blocks
        for place in range(len(blocks) - 1, -1, -1):
            tokens = tokens_in(place + 1) - tokens_in(place)
            if blocks[place] in self._cache:
                self._cache.move_to_end(blocks[place])
            else:
                self._cache[blocks[place]] = tokens
                self._cached_tokens += tokens
        while self._cached_tokens > self._engine.kv_tokens:
            _, tokens = self._cache.popitem(last=False)
            self._cached_tokens -= tokens
