"""Several answers computed at once, their steps in the order in which they come."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from polychat.engines.transformers.answer import Answer, Step
from polychat.engines.transformers.job import Generator, Job, PromptLogprobs

Event = Step | PromptLogprobs


@dataclass(frozen=True, slots=True)
class Run:
    """One answer to be computed."""

    job: Job
    answer: Answer


async def steps(generator: Generator, runs: Sequence[Run]) -> AsyncGenerator[tuple[int, Event], None]:
    """Each step with the place of its run. Closing it aborts them all.

    Raises:
        GrammarRefused, UnknownAdapter, GenerationFailed: as the generator does; the others are aborted.
    """
    if len(runs) == 1:
        async with aclosing(_events(generator, runs[0])) as events:
            async for event in events:
                yield 0, event
        return
    async with aclosing(_mixed(generator, runs)) as mixed:
        async for told in mixed:
            yield told


async def _mixed(generator: Generator, runs: Sequence[Run]) -> AsyncGenerator[tuple[int, Event], None]:
    queue: asyncio.Queue[tuple[int, Event | None]] = asyncio.Queue()
    tasks = [asyncio.create_task(_tell(generator, run, place, queue)) for place, run in enumerate(runs)]
    left = len(tasks)
    try:
        while left:
            place, event = await queue.get()
            if event is not None:
                yield place, event
                continue
            left -= 1
            await tasks[place]  # raises what it ended with
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(
    generator: Generator, run: Run, place: int, queue: "asyncio.Queue[tuple[int, Event | None]]"
) -> None:
    try:
        async with aclosing(_events(generator, run)) as events:
            async for event in events:
                queue.put_nowait((place, event))
    finally:
        queue.put_nowait((place, None))


async def _events(generator: Generator, run: Run) -> AsyncGenerator[Event, None]:
    async with aclosing(generator.submit(run.job)) as tokens:
        async for token in tokens:
            yield token if isinstance(token, PromptLogprobs) else run.answer.feed(token)
            if run.answer.finish_reason is not None:
                return
