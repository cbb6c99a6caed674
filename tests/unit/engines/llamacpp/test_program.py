from dataclasses import replace
from pathlib import Path

import pytest

from polychat.engines.llamacpp import program
from polychat.engines.llamacpp.settings import Settings
from polychat.errors import SetupError

SETTINGS = Settings(
    model="/m.gguf",
    mmproj="",
    name="mini",
    host="127.0.0.1",
    secret="s3cret",
    slots=4,
    n_ctx=8192,
    kv_unified=False,
    kv_cache_type="f16",
    n_batch=0,
    gpu_layers=-1,
    num_gpus=0,
    decode_threads=1,
    prefill_threads=2,
    cache_ram_mib=512,
    port=21002,
)


def line(**fields: object) -> str:
    told = replace(SETTINGS, **fields)  # type: ignore[arg-type]
    return " ".join(program.command("python", "/bin/llama-server", told).argv)


def test_it_runs_below_the_warden_and_the_secret_is_in_its_environment_only() -> None:
    command = program.command("python", "/bin/llama-server", SETTINGS)
    assert command.argv[:4] == ("python", "-m", "polychat.engines.warden", "/bin/llama-server")
    assert command.env == {"LLAMA_API_KEY": "s3cret"}
    assert "s3cret" not in " ".join(command.argv)


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"mmproj": "/p.gguf"}, "--mmproj /p.gguf"),
        ({"embeds": True}, "--embedding"),
        ({"ranks": True}, "--reranking"),
        ({"kv_unified": True}, "--kv-unified"),
        ({"kv_cache_type": "q8_0"}, "--cache-type-k q8_0 --cache-type-v q8_0"),
        ({"kv_cache_type": "q8_0"}, "--flash-attn on"),
        ({"n_batch": 512}, "--batch-size 512 --ubatch-size 512"),
        ({"gpu_layers": 0}, "--gpu-layers 0"),
        ({"adapters": ("/a", "/b")}, "--lora /a,/b --lora-init-without-apply"),
        ({"cache_ram_mib": 0}, "--cache-ram 0 --no-cache-idle-slots"),
        ({"draft_model": "/d.gguf"}, "--spec-type draft-simple --spec-draft-model /d.gguf"),
        ({"chat_template": "x", "stop": ("###",)}, "--chat-template x --reverse-prompt ###"),
        ({"arguments": ("--mlock", "-t", "3")}, "--mlock -t 3"),
    ],
)
def test_each_setting_has_its_flag(fields: dict[str, object], flags: str) -> None:
    assert flags in line(**fields)
    assert flags not in line()


def test_arguments_of_the_user_come_last_and_so_count() -> None:
    assert line(arguments=("--threads", "9")).endswith("--threads 9")


def test_the_gpus_to_use_are_the_first_ones() -> None:
    command = program.command("python", "/bin/llama-server", replace(SETTINGS, num_gpus=2))
    assert command.env["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_program_may_be_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "llama-server"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    assert program.found(str(path)) == str(path)
    assert program.found("") == ""


def test_a_program_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "llama-server"
    path.write_text("")
    with pytest.raises(SetupError, match="is no program that this machine can run"):
        program.found(str(path))
