"""A llama-server of the machine's own, run with the settings that ours gets.

Seen with llama.cpp b11434.
"""

import shutil

from polychat.engines.launch import Command
from polychat.engines.llamacpp import kv_types
from polychat.engines.llamacpp.settings import HTTP_THREADS_SPARE, Settings
from polychat.errors import SetupError

_WARDEN = "polychat.engines.warden"  # a foreign program must not outlive its worker
_SECRET = "LLAMA_API_KEY"


def found(asked: str) -> str:
    """Where the program of `--program` is; "" if none is asked for.

    Raises:
        SetupError: it is not on this machine.
    """
    path = shutil.which(asked) if asked else ""
    if path is None:
        raise SetupError(
            f"--program {asked} is no program that this machine can run; leave it out for polychat's own"
        )
    return path


def command(python: str, program: str, settings: Settings) -> Command:
    """Its command line, below our warden; the secret is in the environment."""
    argv = (python, "-m", _WARDEN, program, *_model(settings), *_server(settings), *_resources(settings))
    return Command((*argv, *settings.arguments), {_SECRET: settings.secret, **settings.gpus_env()})


def _model(settings: Settings) -> list[str]:
    flags = ["--model", settings.model, "--alias", settings.name]
    if settings.mmproj:
        flags += ["--mmproj", settings.mmproj]
    if settings.embeds:
        flags += ["--embedding"]
    if settings.ranks:
        flags += ["--reranking"]
    if settings.chat_template:
        flags += ["--chat-template", settings.chat_template]
    for stop in settings.stop:
        flags += ["--reverse-prompt", stop]
    if settings.adapters:
        flags += ["--lora", ",".join(settings.adapters), "--lora-init-without-apply"]
    if settings.draft_model:
        flags += ["--spec-type", "draft-simple", "--spec-draft-model", settings.draft_model]
    return flags


def _server(settings: Settings) -> list[str]:
    return [
        *("--host", settings.host, "--port", str(settings.port)),
        *("--threads-http", str(settings.slots + HTTP_THREADS_SPARE)),
        *("--cors-origins", ""),
        *("--metrics", "--slots", "--no-ui", "--jinja", "--no-prefill-assistant", "--offline"),
        *("--log-prefix", "--log-timestamps"),
    ]


def _resources(settings: Settings) -> list[str]:
    flags = [
        *("--ctx-size", str(settings.n_ctx), "--parallel", str(settings.slots)),
        "--kv-unified" if settings.kv_unified else "--no-kv-unified",
        *("--cache-type-k", settings.kv_cache_type, "--cache-type-v", settings.kv_cache_type),
        *("--threads", str(settings.decode_threads), "--threads-batch", str(settings.prefill_threads)),
        *("--cache-ram", str(settings.cache_ram_mib)),
    ]
    if settings.cache_ram_mib == 0:
        flags += ["--no-cache-idle-slots"]
    if kv_types.is_quantized(settings.kv_cache_type):
        flags += ["--flash-attn", "on"]
    if settings.n_batch:
        flags += ["--batch-size", str(settings.n_batch), "--ubatch-size", str(settings.n_batch)]
    if settings.gpu_layers >= 0:
        flags += ["--gpu-layers", str(settings.gpu_layers)]
    return flags
