"""What a worker is told to run, checked once."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from polychat.errors import SetupError

FIRST_PORT = 21002  # a worker's, when none is asked for; the next free one otherwise
LAST_PORT = 21999


ModelFormat = Literal["gguf", "checkpoint", "reference"]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine's disk, or the name of one that an engine fetches by itself."""

    path: Path  # the GGUF file, the first of them when the model is split; the checkpoint's folder
    id: str  # the name that it is served under unless another is given
    mmproj: Path | None = None  # the projector that lets a GGUF model see images
    format: ModelFormat = "gguf"  # checkpoint: config.json and safetensors; reference: only `id` counts


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter on this machine's disk, and the name that requests ask for it by."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Tuning:
    """What people ask of an engine beyond the model. What an engine cannot do, it refuses by the flag's name.

    Empty and None leave the choice to the engine.
    """

    dtype: str = ""  # float32, float16, bfloat16
    quantization: str = ""  # as the engine calls it: awq, fp8, bitsandbytes-4bit, int8
    kv_cache_dtype: str = ""  # such as fp8 or q8_0
    pipeline_parallel: int | None = None
    adapters: tuple[Adapter, ...] = ()
    allow_adapter_updates: bool = False  # clients may load and unload adapters while the engine runs
    chat_template: str = ""  # a Jinja file, or a name of `polychat templates`
    tool_parser: str = ""
    reasoning_parser: str = ""
    trust_remote_code: bool = False
    mmproj: Path | None = None
    draft_model: Path | None = None  # a smaller model of the same vocabulary, for speculative decoding
    program: str = ""  # the program to run instead of the one that polychat brings or finds
    arguments: tuple[str, ...] = ()  # for the engine's own command line, after all of ours

    def require_only(self, engine: str, able: Collection[str]) -> None:
        """Refuse what is asked and is none of the fields in `able`, which `engine` knows.

        Raises:
            SetupError: names the flag.
        """
        for each in fields(self):
            if getattr(self, each.name) != each.default and each.name not in able:
                flag = _FLAGS.get(each.name, f"--{each.name.replace('_', '-')}")
                raise SetupError(
                    f"the engine {engine} does not take {flag}; leave it out, or name another --engine"
                )


_FLAGS = {
    "adapters": "--lora",
    "allow_adapter_updates": "--allow-lora-updates",
    "arguments": "arguments after --",
}


@dataclass(frozen=True, slots=True)
class EchoSpeed:
    """How fast the echo engine pretends to be."""

    tokens_per_s: float = 50.0  # of each request; 0: as fast as it can
    ttft_s: float = 0.0

    def __post_init__(self) -> None:
        if self.tokens_per_s < 0 or self.ttft_s < 0:
            raise SetupError("--echo-tokens-per-s and --echo-ttft cannot be negative")


AS_USUAL = EchoSpeed()
PLAIN = Tuning()


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine on this machine. None leaves the choice to the engine."""

    secret: str  # the bearer key that its API routes require
    engine: str = "auto"
    model: ModelFiles | None = None
    name: str = ""  # the model's public id
    host: str = "127.0.0.1"
    port: int | None = None
    context_length: int | None = None  # tokens of prompt and answer of one request
    slots: int | None = None  # requests decoded at once
    num_gpus: int | None = None  # 0: CPU only
    log_path: Path | None = None
    echo: EchoSpeed = AS_USUAL
    tuning: Tuning = PLAIN

    def __post_init__(self) -> None:
        for flag, value in (("--context-length", self.context_length), ("--slots", self.slots)):
            if value is not None and value < 1:
                raise SetupError(f"{flag} must be at least 1, not {value}")

    def ports(self) -> range:
        """The ports to try, in order."""
        return range(FIRST_PORT, LAST_PORT + 1) if self.port is None else range(self.port, self.port + 1)


def base_url(host: str, port: int) -> str:
    """The URL at which programs on this machine reach a server that listens on `host`:`port`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
