"""Options of `worker` and `up` that go to the engine; one it does not have it refuses by name."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polychat.errors import SetupError

if TYPE_CHECKING:
    from polychat.engines.spec import Adapter

ENGINE_ARGUMENT = "--engine-argument"  # what words after `--` become

Engine = Annotated[
    str, typer.Option(help="auto, llamacpp, transformers, vllm, echo, or another of docs/engines.md.")
]
Dtype = Annotated[
    str, typer.Option("--dtype", help="float32, float16 or bfloat16; by default the engine's choice.")
]
Quantization = Annotated[
    str, typer.Option("--quantization", help="As the engine calls it: awq, fp8, bitsandbytes-4bit, int8, …")
]
KvCacheDtype = Annotated[
    str, typer.Option("--kv-cache-dtype", help="Of the KV cache: fp8, q8_0, …; by default the model's.")
]
PipelineParallel = Annotated[
    int | None, typer.Option("--pipeline-parallel", help="Stages that the layers are split into.", min=1)
]
Lora = Annotated[
    list[str] | None,
    typer.Option("--lora", metavar="NAME=PATH", help="A LoRA adapter, served under NAME; may be repeated."),
]
AllowLoraUpdates = Annotated[
    bool,
    typer.Option("--allow-lora-updates", help="Let clients load and unload adapters while it runs."),
]
ChatTemplate = Annotated[
    str, typer.Option("--chat-template", help="A Jinja file, or a name of `polychat templates`.")
]
ToolParser = Annotated[
    str, typer.Option("--tool-parser", help="How tool calls are read; by default by the model's family.")
]
ReasoningParser = Annotated[
    str, typer.Option("--reasoning-parser", help="How thoughts are read; by default by the model's family.")
]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run Python code that the model brings. Off by default.")
]
Mmproj = Annotated[
    Path | None, typer.Option("--mmproj", help="The GGUF projector that lets a GGUF model see images.")
]
DraftModel = Annotated[
    Path | None, typer.Option("--draft-model", help="A smaller model that guesses ahead for the large one.")
]
Program = Annotated[
    str,
    typer.Option(
        "--program", help="Program to run instead of the one found, such as a system's llama-server."
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Option(
        ENGINE_ARGUMENT, help="One word more for the engine's command line; `-- WORDS` does the same."
    ),
]

AttachKeyEnv = Annotated[
    str,
    typer.Option(
        "--attach-key-env",
        metavar="VAR",
        help="Environment variable that holds the key of the attached server.",
    ),
]

Weight = Annotated[
    float,
    typer.Option(help="Its chance under --dispatch-method lottery: 2 is twice that of 1.", min=0.001),
]

HANDED_ON = frozenset(
    {
        "engine",
        "model_names",
        "context_length",
        "slots",
        "num_gpus",
        "revision",
        "dtype",
        "quantization",
        "kv_cache_dtype",
        "pipeline_parallel",
        "lora",
        "allow_lora_updates",
        "chat_template",
        "tool_parser",
        "reasoning_parser",
        "trust_remote_code",
        "mmproj",
        "draft_model",
        "program",
        "engine_argument",
        "echo_tokens_per_s",
        "echo_ttft",
    }
)
"""Parameters of `up` that each of its workers is given when somebody gave them to `up`."""

Value = str | float | Path | Sequence[str] | None


def words(flags: Mapping[str, Value]) -> tuple[str, ...]:
    """A worker's command line for `flags`: None and False are left out, a sequence repeats its flag."""
    line: list[str] = []
    for flag, value in flags.items():
        if value is True:
            line.append(flag)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            line += [f"{flag}={word}" for word in value]
        elif value is not None and value is not False:
            line.append(f"{flag}={value}")
    return tuple(line)


def given(ctx: Any, names: Collection[str]) -> tuple[str, ...]:
    """A command line of those options of a command that somebody has given, in words or a settings file.

    `ctx` is the command's context, which Typer has no public type for; `names` are of its parameters.
    """
    asked = [each for each in ctx.command.params if each.name in names]
    said = [each for each in asked if ctx.get_parameter_source(each.name).name != "DEFAULT"]
    return words({each.opts[0]: ctx.params[each.name] for each in said})


def adapters(pairs: Sequence[str]) -> "tuple[Adapter, ...]":
    """The adapters of `--lora NAME=PATH`.

    Raises:
        SetupError: one has not that form, names nothing, or a name is given twice.
    """
    from polychat.engines.spec import Adapter

    found: dict[str, Adapter] = {}
    for word in pairs:
        name, _, path = word.partition("=")
        if not (name and path):
            raise SetupError(f"--lora {word!r} has not the form NAME=PATH")
        if name in found:
            raise SetupError(f"--lora names {name!r} twice; each adapter has a name of its own")
        if not Path(path).expanduser().exists():
            raise SetupError(f"--lora {word!r}: there is no {path}")
        found[name] = Adapter(name, Path(path).expanduser())
    return tuple(found.values())


def with_arguments(line: list[str]) -> list[str]:
    """A command line of `worker` or `up` in which what follows `--` has become options."""
    if "--" not in line:
        return line
    at = line.index("--")
    return [*line[:at], *(f"{ENGINE_ARGUMENT}={word}" for word in line[at + 1 :])]
