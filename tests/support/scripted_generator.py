"""A generator for the transformers engine's face that says what it is told, and remembers its jobs."""

from collections.abc import AsyncGenerator, Sequence

from polychat.engines.transformers.job import Job, PromptLogprobs, Token
from polychat.types import Load


class ScriptedGenerator:
    """Each job gets the next script, the last one for all that follow; a script ends as the tokens say."""

    adapters: tuple[str, ...] = ()

    def __init__(self, *scripts: Sequence[Token | PromptLogprobs | Exception]) -> None:
        self._scripts = list(scripts)
        self.jobs: list[Job] = []
        self.num_told = 0
        self.num_closed = 0

    @property
    def load(self) -> Load:
        return Load()

    async def submit(self, job: Job) -> AsyncGenerator[Token | PromptLogprobs, None]:
        script = self._scripts[min(len(self.jobs), len(self._scripts) - 1)]
        self.jobs.append(job)
        try:
            for item in script:
                if isinstance(item, Exception):
                    raise item
                self.num_told += 1
                yield item
        finally:
            self.num_closed += 1

    async def load_adapter(self, name: str, folder: str) -> None:
        self.adapters = (*self.adapters, name)

    async def unload_adapter(self, name: str) -> None:
        self.adapters = tuple(each for each in self.adapters if each != name)

    async def stop(self) -> None:
        return
