"""Every engine by its name. To add one: a line in READS and one `case` below."""

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from polychat.engines import checkpoint, choice, launches, machine, requirements
from polychat.engines.base import Engine
from polychat.engines.spec import EngineSpec, ModelFiles, ModelFormat
from polychat.errors import SetupError

READS: Mapping[str, frozenset[ModelFormat]] = MappingProxyType(
    {
        "llamacpp": frozenset({"gguf"}),
        "transformers": frozenset({"checkpoint"}),
        "vllm": frozenset({"checkpoint"}),
        "echo": frozenset(),
        **launches.READS,
    }
)
"""Each engine and the formats it takes a model in. `reference`: it fetches a model by its name, by itself."""

NAMES = tuple(READS)
_MODULES = {"transformers": ("torch", "transformers"), "vllm": ("vllm",)}


def named(engine: str, model: str = "") -> str:
    """The engine's name, or "auto" if the model decides; the model argument "echo" is an engine's name.

    Raises:
        SetupError: no engine has that name.
    """
    if engine == "auto":
        return "echo" if model == "echo" else "auto"
    if engine not in NAMES:
        raise SetupError(f"there is no engine {engine!r}; there are auto, {', '.join(NAMES)}")
    return engine


def installed() -> frozenset[str]:
    """The engines of extras that are there. Nothing is imported."""
    return frozenset(
        engine
        for engine, modules in _MODULES.items()
        if all(importlib.util.find_spec(module) is not None for module in modules)
    )


def require_program(engine: str) -> None:
    """Refuse an engine whose program is not on this machine.

    Raises:
        SetupError: has the line that installs it.
    """
    if engine in launches.READS:
        launches.launch_of(engine).program.prefix("")


def open_engine(spec: EngineSpec) -> Engine:
    """The engine that `spec` describes, not started yet.

    Raises:
        SetupError: no such engine, or it cannot run that model, or not on this machine.
    """
    if spec.model is not None and spec.model.format == "checkpoint":
        spec = _fitted(spec, spec.model)
    match spec.engine:
        case "echo":
            from polychat.engines.echo.engine import Echo

            return Echo(spec)
        case "llamacpp" | "auto":  # whoever did not ask brings a GGUF file
            from polychat.engines.llamacpp.engine import LlamaCpp

            return LlamaCpp(spec, _model(spec))
        case "transformers":
            from polychat.engines.transformers.engine import Transformers

            return Transformers(spec, _model(spec))
        case "vllm":
            from polychat.engines.served import Served
            from polychat.engines.vllm.launch import LAUNCH

            return Served(LAUNCH, spec)
        case name if name in launches.READS:
            from polychat.engines.served import Served

            return Served(launches.launch_of(name), spec)
        case name:
            raise SetupError(f"there is no engine {name!r}; there are {', '.join(NAMES)}")


def _fitted(spec: EngineSpec, model: ModelFiles) -> EngineSpec:
    """With a context that this machine has memory for."""
    if not spec.tuning.program:
        choice.require_installed(spec.engine, installed())
    facts = checkpoint.read(model.path)
    here = machine.here()
    here.require_gpus(spec.num_gpus)
    fitted = requirements.fitted_context(spec.name or model.id, facts, spec, here)
    if spec.engine in launches.READS:  # these make their cache as large as the memory left
        return spec
    return replace(spec, context_length=fitted)


def _model(spec: EngineSpec) -> ModelFiles:
    if spec.model is None:
        raise SetupError(f"the engine {spec.engine} needs a model: a file, a folder, a hub id, or builtin")
    return spec.model
