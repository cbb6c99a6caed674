"""Engines that serve OpenAI's API by themselves, one file each: what a person types, as a `Launch`.

To add one: a file with a `LAUNCH` and a line in `READS`; a line in `dialects.py` where it departs from the
published API; a row in docs/launches.md with the version whose flags were read.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from polychat.engines.launch import Launch
from polychat.engines.spec import ModelFormat

READS: Mapping[str, frozenset[ModelFormat]] = MappingProxyType(
    {
        "sglang": frozenset({"checkpoint"}),
        "tgi": frozenset({"checkpoint"}),
        "trtllm": frozenset({"checkpoint"}),
        "lmdeploy": frozenset({"checkpoint"}),
        "mistralrs": frozenset({"gguf", "checkpoint"}),
        "mistralrs-serve": frozenset({"gguf", "checkpoint"}),
        "ovms": frozenset({"reference"}),
        "mii": frozenset({"checkpoint"}),
        "textgen": frozenset({"gguf", "checkpoint"}),
        "openllm": frozenset({"reference"}),
        "xinference": frozenset({"gguf", "checkpoint", "reference"}),
        "ollama": frozenset({"gguf", "reference"}),
    }
)
"""Each engine and the formats it takes a model in. `reference`: it fetches a model by its name, by itself."""


def launch_of(engine: str) -> Launch:
    """The launch of an engine of `READS`."""
    module = import_module(f"{__name__}.{engine.replace('-', '_')}")
    launch = module.LAUNCH
    assert isinstance(launch, Launch), "every module of an engine here has one"
    return launch
