"""A stand-in for llama.cpp's llama-server: the flags of b11434, on xllamacpp's own server.

A flag that llama-server does not know ends it, as there.
"""

import argparse
import os
import stat
import sys
import threading
from pathlib import Path

import xllamacpp

_SWITCHES = (
    *("--kv-unified", "--no-kv-unified", "--embedding", "--reranking", "--lora-init-without-apply"),
    *("--metrics", "--slots", "--no-ui", "--jinja", "--no-prefill-assistant", "--offline"),
    *("--log-prefix", "--log-timestamps", "--no-cache-idle-slots", "--no-warmup"),
)
_NUMBERS = (
    *("--port", "--threads-http", "--ctx-size", "--parallel", "--threads", "--threads-batch"),
    *("--cache-ram", "--batch-size", "--ubatch-size", "--gpu-layers"),
)
_WORDS = (
    *("--model", "--alias", "--mmproj", "--chat-template", "--lora", "--spec-type", "--spec-draft-model"),
    *("--host", "--cors-origins", "--cache-type-k", "--cache-type-v", "--flash-attn"),
)


def program(folder: Path) -> Path:
    """A file that can be run as `llama-server`."""
    path = folder / "llama-server"
    root = Path(__file__).parents[2]
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        "from tests.support.llama_server import main\nmain()\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for flag in _SWITCHES:
        parser.add_argument(flag, action="store_true")
    for flag in _NUMBERS:
        parser.add_argument(flag, type=int, default=-1)
    for flag in _WORDS:
        parser.add_argument(flag, default="")
    parser.add_argument("--reverse-prompt", action="append", default=[])
    server = xllamacpp.Server(_params(parser.parse_args()))
    assert server.listening_address
    threading.Event().wait()


def _params(told: argparse.Namespace) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path, params.mmproj.path = told.model, told.mmproj
    params.model_alias = {told.alias}
    params.hostnames, params.port = [told.host], told.port
    params.api_keys = [os.environ["LLAMA_API_KEY"]]
    params.n_ctx, params.n_parallel = told.ctx_size, told.parallel
    params.n_threads_http = told.threads_http
    params.cpuparams.n_threads, params.cpuparams_batch.n_threads = told.threads, told.threads_batch
    params.cache_type_k = xllamacpp.ggml_type[f"GGML_TYPE_{told.cache_type_k.upper()}"]
    params.cache_type_v = xllamacpp.ggml_type[f"GGML_TYPE_{told.cache_type_v.upper()}"]
    params.kv_unified, params.cache_ram_mib = told.kv_unified, told.cache_ram
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path) for path in told.lora.split(",") if path]
    params.lora_init_without_apply = told.lora_init_without_apply
    params.chat_template, params.antiprompt = told.chat_template, told.reverse_prompt
    params.endpoint_metrics, params.endpoint_slots, params.ui = told.metrics, told.slots, False
    params.prefill_assistant = not told.no_prefill_assistant
    params.verbosity = 3
    return params
