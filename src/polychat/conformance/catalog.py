"""Every scenario, in the order in which they run and are shown."""

from fnmatch import fnmatchcase
from types import ModuleType

from polychat.conformance.areas import (
    anthropic,
    chat,
    completions,
    embeddings,
    errors,
    logprobs,
    models,
    ollama,
    rerank,
    responses,
    sampling,
    stream,
    structured,
    tokens,
    tools,
    vision,
)
from polychat.conformance.scenario import Scenario

_AREAS = (
    errors,
    models,
    chat,
    stream,
    tools,
    structured,
    logprobs,
    sampling,
    completions,
    tokens,
    embeddings,
    rerank,
    vision,
    responses,
    anthropic,
    ollama,
)


def scenarios(only: str = "*") -> list[Scenario]:
    """Those whose id matches the pattern, such as "tools.*"."""
    everything = [scenario for area in _AREAS for scenario in _of(area)]
    return [scenario for scenario in everything if fnmatchcase(scenario.id, only)]


def _of(area: ModuleType) -> list[Scenario]:
    found: list[Scenario] = []
    for value in vars(area).values():
        if isinstance(value, Scenario):
            found.append(value)
        elif isinstance(value, tuple):
            found += [each for each in value if isinstance(each, Scenario)]
    return found
