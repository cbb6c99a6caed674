"""Ollama. Settings, commands and routes read in version 0.33.

Its server knows no model when it starts: it is told to pull one of its library, or to make one of a GGUF
file, then to load it, then to call it by a name of ours.
"""

from pathlib import Path
from re import compile as pattern

from polychat.engines.launch import Command, Launch, Offer, Program
from polychat.engines.launches import steps
from polychat.engines.launches.flags import files_of
from polychat.engines.launches.words import OUR_STEPS, phase
from polychat.engines.spec import EngineSpec, ModelFiles, base_url
from polychat.errors import SetupError
from polychat.types import Endpoint

NAME = "polychat"  # what we call the model, in its store
READY = f"/v1/models/{NAME}"

_PROGRAM = Program(name="ollama", module="", install="curl -fsSL https://ollama.com/install.sh | sh")


def _command(spec: EngineSpec, port: int) -> Command:
    spec.tuning.require_only(spec.engine, {"kv_cache_dtype", "program"})
    if spec.num_gpus:
        raise SetupError("the engine ollama takes the GPUs it wants; leave out --num-gpus, or give 0")
    (ollama,) = _PROGRAM.prefix(spec.tuning.program)
    url = base_url(spec.host, port)
    model = files_of(spec)
    argv = steps.words(url, url + READY, [ollama, "serve"], _steps(ollama, model))
    return Command(argv, _env(spec, url))


def _steps(ollama: str, model: ModelFiles) -> list[list[str]]:
    if model.format == "reference":
        source, made = model.id, [ollama, "pull", model.id]
    else:
        source, made = f"{NAME}-files", _create(ollama, f"{NAME}-files", model.path)
    # Loaded before it has our name: who sees that name finds it in memory.
    return [made, [ollama, "run", source, ""], [ollama, "cp", source, NAME]]


def _create(ollama: str, name: str, path: Path) -> list[str]:
    """`create` reads its Modelfile from a file, so a shell writes it to a pipe."""
    script = 'printf "FROM %s\\n" "$1" | "$0" create "$2" -f /dev/stdin'
    return ["sh", "-c", script, ollama, str(path.resolve()), name]


def _env(spec: EngineSpec, url: str) -> dict[str, str]:
    asked = {
        "OLLAMA_CONTEXT_LENGTH": spec.context_length,
        "OLLAMA_NUM_PARALLEL": spec.slots,
        "OLLAMA_KV_CACHE_TYPE": spec.tuning.kv_cache_dtype,
        "OLLAMA_FLASH_ATTENTION": "1" if spec.tuning.kv_cache_dtype else "",  # it quantises the cache only so
        "CUDA_VISIBLE_DEVICES": "-1" if spec.num_gpus == 0 else "",
    }
    given = {name: str(value) for name, value in asked.items() if value}
    return {"OLLAMA_HOST": url.removeprefix("http://"), "OLLAMA_KEEP_ALIVE": "-1", **given}


def _offer(spec: EngineSpec) -> Offer:
    endpoints = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS})
    return Offer(endpoints, context_length=spec.context_length)


LAUNCH = Launch(
    name="ollama",
    program=_PROGRAM,
    command=_command,
    offer=_offer,
    model_name=NAME,
    ready_path=READY,
    phases=(
        phase("downloading", "pulling manifest"),
        phase("loading the weights", "loading model via llama-server|starting llama-server|starting runner"),
    ),
    reasons=(pattern("^Error: (.+)$"), OUR_STEPS),
    has_secret=False,
)
