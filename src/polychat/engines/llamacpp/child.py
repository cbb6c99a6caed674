"""The process that llama.cpp's server runs in, so that a crash in native code takes nobody with it.

Told what to do by `settings` in its environment. Writes one line to standard output when it serves,
logs to standard error, ends with standard input.
"""

import os
import signal
import sys
import threading

import xllamacpp

from polychat import lifeline
from polychat.engines.llamacpp import arguments, kv_types
from polychat.engines.llamacpp.settings import FAILED, HTTP_THREADS_SPARE, SERVING, VARIABLE, Settings

_WARNINGS = 2  # llama.cpp's verbosity: 3 writes five lines a request


def main() -> None:
    """Serve until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our worker decides when we end
    lifeline.hold(on_cut=lambda: os._exit(0))
    settings = Settings.from_env(os.environ)
    del os.environ[VARIABLE]  # it holds the secret
    try:
        server = xllamacpp.Server(_params(settings))
    except (RuntimeError, ValueError) as exc:  # llama.cpp has logged its own reason, if it has one
        sys.exit(f"{FAILED} {exc}")
    sys.stdout.write(f"{SERVING} {server.listening_address}\n")  # this line is for our worker
    sys.stdout.flush()
    threading.Event().wait()


def _params(settings: Settings) -> "xllamacpp.CommonParams":
    params = xllamacpp.CommonParams()
    _set_model(params, settings)
    _set_server(params, settings)
    _set_resources(params, settings)
    for path, value in arguments.parsed(settings.arguments):
        *parents, name = path.split(".")
        part = params
        for parent in parents:
            part = getattr(part, parent)
        try:
            setattr(part, name, value)
        except (TypeError, ValueError) as exc:
            raise ValueError(f"llama.cpp does not take {value!r} for {name}") from exc
    return params


def _set_model(params: "xllamacpp.CommonParams", settings: Settings) -> None:
    params.model.path = settings.model
    params.mmproj.path = settings.mmproj
    params.model_alias = {settings.name}
    params.embedding = settings.embeds or settings.ranks
    if settings.ranks:  # the file says so too, but the server's route for it asks the settings
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    if settings.chat_template:
        params.chat_template = settings.chat_template
    params.antiprompt = list(settings.stop)
    if settings.adapters:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path) for path in settings.adapters]
        params.lora_init_without_apply = True  # each request says which one it wants
    if settings.draft_model:
        draft = xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE
        params.speculative.types = [draft]
        params.speculative.draft.mparams.path = settings.draft_model
        params.speculative.draft.n_gpu_layers = settings.gpu_layers


def _set_server(params: "xllamacpp.CommonParams", settings: Settings) -> None:
    params.hostnames = [settings.host]
    params.port = settings.port
    params.api_keys = [settings.secret]
    params.n_threads_http = settings.slots + HTTP_THREADS_SPARE
    params.cors_origins = ""  # no page in a browser may read an answer
    params.cors_origins_explicit = True
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.ui = False
    params.use_jinja = True
    params.prefill_assistant = False  # it goes on with the last message for those only who ask for it
    params.offline = True  # the files are here: llama.cpp shall not look for them
    params.verbosity = _WARNINGS


def _set_resources(params: "xllamacpp.CommonParams", settings: Settings) -> None:
    params.n_ctx = settings.n_ctx
    if settings.n_batch:
        params.n_batch = params.n_ubatch = settings.n_batch
    params.n_parallel = settings.slots
    params.kv_unified = settings.kv_unified
    params.cache_type_k = params.cache_type_v = _ggml_type(settings.kv_cache_type)
    if kv_types.is_quantized(settings.kv_cache_type):
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    params.n_gpu_layers = settings.gpu_layers
    params.cpuparams.n_threads = settings.decode_threads
    params.cpuparams_batch.n_threads = settings.prefill_threads
    params.cache_ram_mib = settings.cache_ram_mib
    params.cache_idle_slots = settings.cache_ram_mib > 0


def _ggml_type(name: str) -> "xllamacpp.ggml_type":
    return xllamacpp.ggml_type[f"GGML_TYPE_{name.upper()}"]


if __name__ == "__main__":
    main()
