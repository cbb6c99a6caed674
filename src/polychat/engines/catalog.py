"""Every engine by its name. To add one: a file beside this one, its name in NAMES, one `case` below."""

from polychat.engines.base import Engine
from polychat.engines.spec import EngineSpec
from polychat.errors import SetupError

NAMES = ("llamacpp", "echo")


def chosen(engine: str, model: str = "") -> str:
    """The engine that `engine`, a name or "auto", stands for; the model argument "echo" is an engine's name.

    Raises:
        SetupError: no engine has that name.
    """
    if engine == "auto":
        return "echo" if model == "echo" else "llamacpp"
    if engine not in NAMES:
        raise SetupError(f"there is no engine {engine!r}; there are auto, {', '.join(NAMES)}")
    return engine


def open_engine(spec: EngineSpec) -> Engine:
    """The engine that `spec` describes, not started yet.

    Raises:
        SetupError: no such engine, or it cannot run that model.
    """
    match chosen(spec.engine):
        case "echo":
            from polychat.engines.echo.engine import Echo

            return Echo(spec)
        case name:
            from polychat.engines.llamacpp.engine import LlamaCpp

            if spec.model is None:
                raise SetupError(f"the engine {name} needs a model: a GGUF file, a hub id, or builtin")
            return LlamaCpp(spec, spec.model)
