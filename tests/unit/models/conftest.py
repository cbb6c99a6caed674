"""The corpus of polychat-mini, which is a folder of scripts and no installed package."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

MINI = Path(__file__).parents[3] / "models" / "polychat-mini"


@pytest.fixture(scope="session")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the corpus by name, for example `load("corpus.mix")`."""
    sys.path.insert(0, str(MINI))
    yield importlib.import_module
    sys.path.remove(str(MINI))
