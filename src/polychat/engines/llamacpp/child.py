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
from polychat.engines.llamacpp.settings import SERVING, VARIABLE, Settings

_WARNINGS = 2  # llama.cpp's verbosity: 3 writes five lines a request
_HTTP_THREADS_SPARE = 256  # each connection holds a thread, waiting requests and idle ones too


def main() -> None:
    """Serve until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our worker decides when we end
    lifeline.hold(on_cut=lambda: os._exit(0))
    settings = Settings.from_env(os.environ)
    del os.environ[VARIABLE]  # it holds the secret
    try:
        server = xllamacpp.Server(_params(settings))
    except RuntimeError as exc:  # the reason is in the log
        sys.exit(str(exc))
    sys.stdout.write(f"{SERVING} {server.listening_address}\n")  # this line is for our worker
    sys.stdout.flush()
    threading.Event().wait()


def _params(settings: Settings) -> "xllamacpp.CommonParams":
    params = xllamacpp.CommonParams()
    params.model.path = settings.model
    params.mmproj.path = settings.mmproj
    params.model_alias = {settings.name}
    params.embedding = settings.embeds or settings.ranks
    if settings.ranks:  # the file says so too, but the server's route for it asks the settings
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    _set_server(params, settings)
    _set_resources(params, settings)
    return params


def _set_server(params: "xllamacpp.CommonParams", settings: Settings) -> None:
    params.hostnames = [settings.host]
    params.port = settings.port
    params.api_keys = [settings.secret]
    params.n_threads_http = settings.slots + _HTTP_THREADS_SPARE
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
    params.n_gpu_layers = settings.gpu_layers
    params.cpuparams.n_threads = settings.decode_threads
    params.cpuparams_batch.n_threads = settings.prefill_threads
    params.cache_ram_mib = settings.cache_ram_mib


if __name__ == "__main__":
    main()
