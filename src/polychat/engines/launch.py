"""An OpenAI-speaking program as a value: how to start it on this machine, and how to tell what it does.

`served.py` runs any of them. To add one: a `Launch` in a file or table of its own, its name in `catalog.py`,
and a dialect in `dialects.py` where it departs from the published API.
"""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polychat.engines.spec import EngineSpec
from polychat.errors import SetupError
from polychat.types import Endpoint, Feature, Load


@dataclass(frozen=True, slots=True)
class Command:
    """A command line. Secrets belong in the environment: everybody on a machine may read argv."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Program:
    """What must be installed."""

    name: str  # its console script; "" if it has none
    module: str  # run as `python -m` where there is no console script; "" if it has none
    install: str  # the exact line that installs it

    def is_here(self) -> bool:
        """Whether it can be run without being told where it is."""
        return bool(self.name and _which(self.name)) or bool(self.module and _has_module(self.module))

    def prefix(self, asked: str) -> tuple[str, ...]:
        """The beginning of its command line. `asked`: `--program`; a Python runs the module.

        Raises:
            SetupError: it is not installed; the message has the line that installs it.
        """
        if asked:
            return self._asked(asked)
        if self.name and (found := _which(self.name)):
            return (found,)
        if self.module and _has_module(self.module):
            return (sys.executable, "-m", self.module)
        raise SetupError(f"{self.name or self.module} is not installed; install it with: {self.install}")

    def _asked(self, asked: str) -> tuple[str, ...]:
        found = shutil.which(asked)
        if found is None:
            raise SetupError(f"--program {asked} is no program that can be run on this machine")
        is_python = Path(found).name.startswith("python")
        return (found, "-m", self.module) if is_python and self.module else (found,)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the engine does with a given model, as far as it is known before it runs."""

    endpoints: frozenset[Endpoint]
    features: frozenset[Feature] | None = None  # None: not known, so requests are tried
    context_length: int | None = None  # tokens; None: asked of the engine once it runs


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of an engine's start: it begins with the first line of its log that `begins` is found in."""

    name: str  # as in "loading the weights"
    begins: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Launch:
    """One kind of engine."""

    name: str  # of the engine, as in `--engine`
    program: Program
    command: Callable[[EngineSpec, int], Command]
    """The command line for a port. Raises SetupError for what the engine cannot do, naming the flag."""
    offer: Callable[[EngineSpec], Offer]
    model_name: str = ""  # what it calls its model, whatever the spec says; "": its /v1/models tells
    ready_path: str = "/health"  # answers 200 once requests may come
    load_path: str = "/metrics"
    load_of: Callable[[bytes, Load], Load] | None = None  # (answer, load before); None: it tells none
    phases: tuple[Phase, ...] = ()  # in order
    reasons: tuple[re.Pattern[str], ...] = ()  # in its log: group 1 says why it did not start; best first
    port_lost: re.Pattern[str] = re.compile("(?i)address already in use")
    has_secret: bool = True  # it asks for the bearer key; without, it may listen on loopback only
    stop_grace_s: float = 5.0


def _which(name: str) -> str | None:
    """The program beside our Python first, then on PATH."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath])) or (
        shutil.which(name)
    )


def _has_module(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None
