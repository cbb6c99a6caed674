"""One request while it is computed, and the step that gives each request of a batch its next token."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

import torch
from torch import Tensor

from polychat.engines.transformers.core.grammars import Matcher
from polychat.engines.transformers.core.sampling import Logprobs, Penalties, choose, logprobs_of
from polychat.engines.transformers.job import Finish, Job, Token

Item = Token | Exception


class Stream:
    """Carries what a thread computes into an event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Item] = asyncio.Queue()

    def put(self, item: Item) -> None:
        """For the event loop's own thread."""
        self._items.put_nowait(item)

    async def get(self) -> Token:
        item = await self._items.get()
        if isinstance(item, Exception):
            raise item
        return item


class Request:
    """A job on its way. Used by the thread that computes, and by nothing else once that has begun."""

    def __init__(
        self, job: Job, stream: Stream, *, end_tokens: frozenset[int], matcher: Matcher | None
    ) -> None:
        self.job = job
        self.stream = stream
        self.stops = job.stop_tokens if job.ignore_eos else job.stop_tokens | end_tokens
        self.num_generated = 0
        self.is_aborted = False
        self.matcher = matcher
        self._ends = sorted(end_tokens | job.stop_tokens)
        self._random = random.Random(job.sampling.seed)
        self._penalties: Penalties | None = None

    def draw(self) -> float:
        """The next of this request's own random numbers, so that no other request moves its text."""
        return self._random.random()

    @property
    def edits(self) -> bool:
        """Whether the logits must be changed before a token is chosen."""
        return (
            self.matcher is not None
            or self.num_generated < self.job.min_tokens
            or Penalties.are_asked(self.job.sampling)
        )

    def edit(self, logits: Tensor) -> None:
        """Change this request's row in place."""
        if Penalties.are_asked(self.job.sampling):
            self._penalties = self._penalties or Penalties(
                self.job.sampling, self.job.prompt, vocabulary=len(logits), device=str(logits.device)
            )
            self._penalties.apply(logits)
        if self.matcher is not None:
            self.matcher.mask(logits)
        if self.num_generated < self.job.min_tokens:
            self._ban_ends(logits)

    def _ban_ends(self, logits: Tensor) -> None:
        """End tokens come later, unless the grammar allows nothing else."""
        later = logits.clone()
        later[self._ends] = float("-inf")
        if bool((later > float("-inf")).any()):
            logits.copy_(later)

    def take(self, token: int, logprobs: Logprobs | None) -> Token:
        """Note the chosen token and tell it, with the reason if it is the last."""
        self.num_generated += 1
        if self._penalties is not None:
            self._penalties.note(token)
        if self.matcher is not None:
            self.matcher.note(token)
        logprob, top = logprobs or (None, ())
        return Token(id=token, logprob=logprob, top=top, finish=self._finish(token))

    def _finish(self, token: int) -> Finish | None:
        if token in self.stops or (self.matcher is not None and self.matcher.is_complete):
            return "stop"
        return "length" if self.num_generated >= self.job.max_tokens else None


def step(logits: Tensor, requests: Sequence[Request]) -> list[Token]:
    """Each request's next token. logits: (requests, vocabulary), the model's own; they stay as they are."""
    with torch.inference_mode():
        shaped = _edited(logits, requests)
        asked = [request.job.sampling for request in requests]
        tokens = choose(shaped, asked, [request.draw() for request in requests])
        logprobs = _logprobs(logits, tokens, requests)
        return [
            request.take(token, logprobs.get(row))
            for row, (request, token) in enumerate(zip(requests, tokens, strict=True))
        ]


def _edited(logits: Tensor, requests: Sequence[Request]) -> Tensor:
    rows = [row for row, request in enumerate(requests) if request.edits]
    if not rows:
        return logits
    shaped = logits.clone()
    for row in rows:
        requests[row].edit(shaped[row])
    return shaped


def _logprobs(logits: Tensor, tokens: Sequence[int], requests: Sequence[Request]) -> dict[int, Logprobs]:
    wanted = {row: request.job.num_logprobs for row, request in enumerate(requests)}
    rows = {row: number for row, number in wanted.items() if number is not None}
    if not rows:
        return {}
    found = logprobs_of(logits[list(rows)], [tokens[row] for row in rows], max(rows.values()))
    return {
        row: (logprob, top[:number])
        for (row, number), (logprob, top) in zip(rows.items(), found, strict=True)
    }


def deliver(items: Iterable[tuple[Stream, Item]]) -> None:
    """Hand over what one step gave, with one wake-up for each event loop. For the thread that computes."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Stream, Item]]] = defaultdict(list)
    for stream, item in items:
        by_loop[stream.loop].append((stream, item))
    for loop, batch in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_put, batch)


def _put(batch: Sequence[tuple[Stream, Item]]) -> None:
    for stream, item in batch:
        stream.put(item)
