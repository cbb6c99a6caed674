"""Which engine runs a model, and why: `--engine auto`, and what is said of one that cannot. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from polychat.engines.checkpoint import POOLS, Kind
from polychat.engines.machine import Machine
from polychat.engines.spec import ModelFormat
from polychat.errors import SetupError

INSTALL: Mapping[str, str] = MappingProxyType(
    {
        "transformers": "pip install 'polychat[transformers]'",
        "vllm": "pip install 'polychat[vllm]'",
    }
)
_WORDS: Mapping[ModelFormat, str] = MappingProxyType(
    {"gguf": "GGUF", "checkpoint": "safetensors", "reference": "a model by its name"}
)
_RUN_BY_VLLM = ("NVIDIA", "AMD")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the choice depends on."""

    name: str  # as the user calls the model
    format: ModelFormat
    kind: Kind = Kind.GENERATE


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine, and one line on why."""

    engine: str
    why: str

    def __str__(self) -> str:
        return f"{self.engine}, because {self.why}"


def choose(facts: Facts, machine: Machine, installed: Collection[str]) -> Choice:
    """The best engine for the model on this machine.

    Raises:
        SetupError: none that reads it is installed; has the line that installs one.
    """
    if facts.format == "gguf":
        return Choice("llamacpp", "it is a GGUF file")
    wanted = _wanted(facts, machine)
    if wanted.engine in installed:
        return wanted
    other = "transformers" if wanted.engine == "vllm" else "vllm"
    if other in installed:
        return Choice(other, f"it is safetensors; {_better(wanted)}")
    raise SetupError(missing(facts.name, machine, facts.kind))


def readable(machine: Machine, installed: Collection[str]) -> tuple[ModelFormat, ...]:
    """The formats that `choose` has an engine for; of a model in several the first is taken."""
    if not {"transformers", "vllm"} & set(installed):
        return ("gguf",)
    has_fast_gpu = machine.vendor in _RUN_BY_VLLM and "vllm" in installed
    return ("checkpoint", "gguf") if has_fast_gpu else ("gguf", "checkpoint")


def missing(name: str, machine: Machine, kind: Kind = Kind.GENERATE) -> str:
    """What to say of a checkpoint that no installed engine reads."""
    engine = _wanted(Facts(name, "checkpoint", kind), machine).engine
    return f"{name} is safetensors, and no engine for that is installed: {INSTALL[engine]}"


def require_reads(engine: str, reads: Collection[ModelFormat], facts: Facts) -> None:
    """Refuse a model in a format that the engine asked for does not read.

    Raises:
        SetupError: says what else to do.
    """
    if facts.format not in reads:
        raise SetupError(unread(engine, reads, facts))


def unread(engine: str, reads: Collection[ModelFormat], facts: Facts) -> str:
    """What to say of a model in a format that the engine asked for does not read."""
    known = " and ".join(_WORDS[each] for each in sorted(reads)) or "no model"
    if facts.format == "gguf":
        instead = "name --engine llamacpp, or leave --engine out"
    else:
        instead = f"leave --engine out, or convert it with `polychat convert {facts.name}`"
    return f"the engine {engine} reads {known}, and {facts.name} is {_WORDS[facts.format]}; {instead}"


def require_installed(engine: str, installed: Collection[str]) -> None:
    """Refuse an engine of an extra that is not there.

    Raises:
        SetupError: has the line that installs it.
    """
    if engine in INSTALL and engine not in installed:
        raise SetupError(f"the engine {engine} is not installed: {INSTALL[engine]}")


def _wanted(facts: Facts, machine: Machine) -> Choice:
    if facts.kind in POOLS:
        return Choice("transformers", f"it is {_ROLES[facts.kind]}")
    if machine.vendor in _RUN_BY_VLLM:
        return Choice("vllm", f"it is safetensors and there is {_a(machine.vendor)} GPU")
    where = f"on {_a(machine.vendor)} GPU" if machine.vendor else "without a GPU"
    return Choice("transformers", f"it is safetensors, {where}")


def _better(wanted: Choice) -> str:
    return f"{wanted.engine} would do better: {INSTALL[wanted.engine]}"


def _a(vendor: str) -> str:
    return f"{'an' if vendor[0] in 'AN' else 'a'} {vendor}"


_ROLES: Mapping[Kind, str] = MappingProxyType(
    {Kind.EMBED: "an embedding model", Kind.RERANK: "a reranker", Kind.CLASSIFY: "a classifier"}
)
