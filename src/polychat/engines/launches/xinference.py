"""Xinference. Options, routes and metrics read in version 3.2.1.

Its server knows no model when it starts: `xinference launch` tells it, under a name of ours.
"""

from polychat.engines.launch import Command, Launch, Offer, Program
from polychat.engines.launches import steps
from polychat.engines.launches.flags import files_of
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec, base_url
from polychat.errors import SetupError
from polychat.types import Endpoint

NAME = "polychat"  # the model's uid
READY = f"/v1/models/{NAME}"

_PROGRAM = Program(name="xinference", module="", install="pip install 'xinference[all]'")
_ABLE = frozenset({"quantization", "adapters", "trust_remote_code", "program", "arguments"})


def _command(spec: EngineSpec, port: int) -> Command:
    spec.tuning.require_only(spec.engine, _ABLE)
    for flag, value in (("--context-length", spec.context_length), ("--slots", spec.slots)):
        if value:
            raise SetupError(f"the engine xinference does not take {flag}; leave it out")
    (xinference,) = _PROGRAM.prefix(spec.tuning.program)
    url = base_url(spec.host, port)
    server = [f"{xinference}-local", "--host", spec.host, "--port", str(port)]
    return Command(steps.words(url + "/status", url + READY, server, [_launch(spec, xinference, url)]))


def _launch(spec: EngineSpec, xinference: str, url: str) -> list[str]:
    tuning = spec.tuning
    line = [xinference, "launch", "--endpoint", url, "--model-uid", NAME, *_model(spec)]
    line += ["--trust-remote-code", str(tuning.trust_remote_code).lower()]  # its own default is true
    if tuning.quantization:
        line += ["--quantization", tuning.quantization]
    if spec.num_gpus is not None:
        line += ["--n-gpu", str(spec.num_gpus) if spec.num_gpus else "none"]
    for adapter in tuning.adapters:
        line += ["--lora-modules", adapter.name, str(adapter.path)]
    return [*line, *tuning.arguments]


def _model(spec: EngineSpec) -> list[str]:
    """The model's family and what runs it: Xinference knows families, and files only as weights of one."""
    model = files_of(spec)
    runs = {"gguf": "llama.cpp"}.get(model.format, "transformers" if spec.num_gpus == 0 else "vLLM")
    engine = [] if "--model-engine" in spec.tuning.arguments else ["--model-engine", runs]
    if model.format == "reference":
        return ["--model-name", model.id, *engine]
    if "--model-name" not in spec.tuning.arguments:
        raise SetupError(
            f"the engine xinference must be told the family of {model.path}: add -- --model-name NAME"
        )
    return ["--model-path", str(model.path.resolve()), *engine]


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}))


LAUNCH = Launch(
    name="xinference",
    program=_PROGRAM,
    command=_command,
    offer=_offer,
    model_name=NAME,
    ready_path=READY,
    load_of=load_from(
        running="xinference:model_serve_count", output_tokens="xinference:output_tokens_total_counter_total"
    ),
    phases=(phase("loading the weights", "Launch model name"),),
    reasons=PYTHON_REASONS,
    has_secret=False,
    stop_grace_s=10.0,
)
