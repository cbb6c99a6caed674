"""The command line of an engine out of what it calls each thing that people ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from polychat.engines.launch import Command, Program
from polychat.engines.spec import Adapter, EngineSpec, ModelFiles
from polychat.errors import SetupError


@dataclass(frozen=True, slots=True)
class Flags:
    """An engine's own names for what `EngineSpec` holds. "" is what it cannot do: that is refused."""

    model: Callable[[EngineSpec], Sequence[str]]  # the words that name the model, before all others
    host: str = "--host"
    port: str = "--port"
    name: str = ""  # left out where the engine has no such flag: its dialect gives it the right name
    key: str = ""  # on the command line; an engine that reads its key elsewhere says so in `key_variable`
    key_variable: str = ""
    context_length: str = ""
    slots: str = ""
    num_gpus: str = ""  # tensor parallel
    cpu: tuple[str, ...] = ()  # for --num-gpus 0
    dtype: str = ""
    quantization: str = ""
    kv_cache_dtype: str = ""
    pipeline_parallel: str = ""
    chat_template: str = ""
    tool_parser: str = ""
    reasoning_parser: str = ""
    draft_model: str = ""
    mmproj: str = ""
    trust_remote_code: tuple[str, ...] = ()
    adapters: Callable[[Sequence[Adapter]], Sequence[str]] | None = None
    always: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, spec: EngineSpec, prefix: Sequence[str], port: int) -> Command:
        """The command line, `prefix` first and the person's own words last."""
        own = [*self._server(spec, port), *self._resources(spec), *self._tuning(spec)]
        argv = (*prefix, *self.model(spec), *own, *self.always, *spec.tuning.arguments)
        secret = {self.key_variable: spec.secret} if self.key_variable else {}
        return Command(argv, {**self.env, **secret})

    def require_able(self, spec: EngineSpec) -> None:
        """Refuse what is asked and has no flag.

        Raises:
            SetupError: names the flag.
        """
        knows = [name for name in _TUNING if getattr(self, name)]
        spec.tuning.require_only(spec.engine, {*knows, "program", "arguments"})
        if spec.num_gpus == 0 and not self.cpu:
            raise SetupError(f"the engine {spec.engine} needs a GPU; leave out --num-gpus 0")
        for name in ("context_length", "slots", "num_gpus"):
            if getattr(spec, name) and not getattr(self, name):
                raise SetupError(
                    f"the engine {spec.engine} does not take --{name.replace('_', '-')}; leave it out"
                )

    def _server(self, spec: EngineSpec, port: int) -> list[str]:
        words = _pairs(
            (self.host, spec.host), (self.port, port), (self.name, spec.name), (self.key, spec.secret)
        )
        return [word for word in words if word]

    def _resources(self, spec: EngineSpec) -> list[str]:
        words = _pairs(
            (self.context_length, spec.context_length),
            (self.slots, spec.slots),
            (self.num_gpus, spec.num_gpus),
        )
        return [*words, *(self.cpu if spec.num_gpus == 0 else ())]

    def _tuning(self, spec: EngineSpec) -> list[str]:
        tuning = spec.tuning
        words = _pairs(*((getattr(self, name), getattr(tuning, name)) for name in _WITH_VALUE))
        if tuning.trust_remote_code:
            words += self.trust_remote_code
        if tuning.adapters and self.adapters:
            words += self.adapters(tuning.adapters)
        return words


_WITH_VALUE = (
    "dtype",
    "quantization",
    "kv_cache_dtype",
    "pipeline_parallel",
    "chat_template",
    "tool_parser",
    "reasoning_parser",
    "draft_model",
    "mmproj",
)
_TUNING = (*_WITH_VALUE, "trust_remote_code", "adapters")


def command_of(program: Program, flags: Flags, *words: str) -> Callable[[EngineSpec, int], Command]:
    """A launch's `command`: `words` follow the program."""

    def command(spec: EngineSpec, port: int) -> Command:
        flags.require_able(spec)
        return flags.command(spec, [*program.prefix(spec.tuning.program), *words], port)

    return command


def positional(spec: EngineSpec) -> Sequence[str]:
    """A `model` of `Flags`: the model without a flag."""
    return (model_of(spec),)


def flagged(flag: str) -> Callable[[EngineSpec], Sequence[str]]:
    """A `model` of `Flags`: the model after `flag`."""
    return lambda spec: (flag, model_of(spec))


def files_of(spec: EngineSpec) -> ModelFiles:
    """The model.

    Raises:
        SetupError: none is named.
    """
    if spec.model is None:
        raise SetupError(f"the engine {spec.engine} needs a model: a folder, a file or a hub id")
    return spec.model


def model_of(spec: EngineSpec) -> str:
    """The model as a word of the command line: where it lies, or the name it is fetched by."""
    model = files_of(spec)
    return model.id if model.format == "reference" else str(model.path)


def named_pairs(adapters: Sequence[Adapter]) -> list[str]:
    """NAME=PATH of each."""
    return [f"{adapter.name}={adapter.path}" for adapter in adapters]


def _pairs(*pairs: tuple[str, object]) -> list[str]:
    return [word for flag, value in pairs if flag and value for word in (flag, str(value))]
