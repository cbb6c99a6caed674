"""The `Generator` of the seam: takes a job in, lets a runner compute it, and hands its tokens out."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from polychat.engines.transformers.core.adapters import Adapters
from polychat.engines.transformers.core.grammars import Grammars
from polychat.engines.transformers.core.request import Request, Stream
from polychat.engines.transformers.job import (
    GenerationFailed,
    GrammarRefused,
    Job,
    PromptLogprobs,
    Token,
    UnknownAdapter,
)
from polychat.types import Load

Result = TypeVar("Result")


class Runner(Protocol):
    """Computes requests, in a thread of its own."""

    @property
    def load(self) -> Load: ...
    def room(self, job: Job) -> int:
        """How many tokens may follow the prompt."""
        ...

    def start(self, request: Request) -> None: ...
    def end(self, request: Request) -> None: ...
    def exclusively(self, work: Callable[[], Result]) -> Result: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a model's tokens are."""

    size: int  # of its logits
    end_tokens: frozenset[int]
    grammars: Grammars | None  # None: its tokenizer is of no kind that grammars know


ReadPrompt = Callable[[Job], PromptLogprobs]


class TextGenerator:
    """Implements `job.Generator`."""

    def __init__(
        self,
        runner: Runner,
        adapters: Adapters,
        *,
        vocabulary: Vocabulary,
        read_prompt: ReadPrompt,
    ) -> None:
        self._runner = runner
        self._adapters = adapters
        self._read_prompt = read_prompt
        self._vocabulary = vocabulary
        self._in_use: Counter[str] = Counter()  # adapters, by running requests
        self._leaving: set[str] = set()  # adapters that take no new request
        self._left = asyncio.Condition()

    @property
    def load(self) -> Load:
        return self._runner.load

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(name for name in self._adapters.names if name not in self._leaving)

    async def submit(self, job: Job) -> AsyncGenerator[Token | PromptLogprobs, None]:
        job = self._checked(job)
        self._in_use[job.adapter] += 1
        try:
            request = await self._request(job)
            if job.prompt_logprobs:
                yield await asyncio.to_thread(self._runner.exclusively, lambda: self._read_prompt(job))
            if job.max_tokens > 0:
                async with aclosing(self._tokens(request)) as tokens:
                    async for token in tokens:
                        yield token
        finally:
            self._in_use[job.adapter] -= 1
            if job.adapter in self._leaving:
                await self._tell_left()

    def _checked(self, job: Job) -> Job:
        """What would end the step, and all other requests with it, gets no further than here."""
        if job.adapter and job.adapter not in self.adapters:
            raise UnknownAdapter(f"no adapter {job.adapter!r} is loaded")
        if max(job.prompt) >= self._vocabulary.size:
            raise GenerationFailed(f"the prompt's token {max(job.prompt)} is none of the model's")
        room = self._runner.room(job)
        if room < min(job.max_tokens, 1):
            raise GenerationFailed(f"a prompt of {len(job.prompt)} tokens leaves no room for an answer")
        return replace(job, max_tokens=min(job.max_tokens, room))

    async def _request(self, job: Job) -> Request:
        matcher = None
        if job.grammar is not None:
            if self._vocabulary.grammars is None:
                raise GrammarRefused("this model's tokenizer cannot be held to a grammar")
            matcher = await asyncio.to_thread(self._vocabulary.grammars.matcher, job.grammar)
        return Request(job, Stream(), end_tokens=self._vocabulary.end_tokens, matcher=matcher)

    async def _tokens(self, request: Request) -> AsyncGenerator[Token, None]:
        self._runner.start(request)
        try:
            while True:
                token = await request.stream.get()
                if token.finish is not None and request.matcher is not None and request.matcher.failure:
                    raise GrammarRefused(request.matcher.failure)
                yield token
                if token.finish is not None:
                    return
        finally:
            self._runner.end(request)

    async def load_adapter(self, name: str, folder: str) -> None:
        await asyncio.to_thread(self._runner.exclusively, lambda: self._adapters.load(name, folder))

    async def unload_adapter(self, name: str) -> None:
        if name not in self.adapters:
            raise UnknownAdapter(f"no adapter {name!r} is loaded")
        self._leaving.add(name)
        try:
            async with self._left:
                await self._left.wait_for(lambda: self._in_use[name] == 0)
            await asyncio.to_thread(self._runner.exclusively, lambda: self._adapters.unload(name))
        finally:
            self._leaving.discard(name)

    async def _tell_left(self) -> None:
        async with self._left:
            self._left.notify_all()

    async def stop(self) -> None:
        await asyncio.to_thread(self._runner.stop)
