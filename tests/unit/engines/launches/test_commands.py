"""What each server is started with, word for word, and what is refused because it has no word for it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from polychat.engines import launches
from polychat.engines.launch import Command
from polychat.engines.selection import select
from polychat.engines.spec import PLAIN, Adapter, EngineSpec, ModelFiles, Tuning
from polychat.errors import SetupError

KEY = "the-secret-key"
FOLDER = ModelFiles(Path("/models/qwen"), "qwen", format="checkpoint")
GGUF = ModelFiles(Path("/models/qwen.gguf"), "qwen")
NAME = ModelFiles(Path("qwen3:0.6b"), "qwen3:0.6b", format="reference")

PLAINLY = EngineSpec(KEY, model=NAME, name="mine")
ABSENT = [name for name in launches.READS if not launches.launch_of(name).program.is_here()]


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A program that can be run: nobody runs it here."""
    path = tmp_path / "python3"
    path.symlink_to(sys.executable)
    return str(path)


def spec_of(engine: str, program: str, model: ModelFiles = FOLDER, tuning: Tuning = PLAIN) -> EngineSpec:
    return EngineSpec(KEY, engine=engine, model=model, name="mine", tuning=replace(tuning, program=program))


def command(spec: EngineSpec, port: int = 9000) -> Command:
    return launches.launch_of(spec.engine).command(spec, port)


def words(spec: EngineSpec) -> str:
    """The command line without the program."""
    return " ".join(command(spec).argv).removeprefix(spec.tuning.program).strip()


def test_every_name_has_a_launch_of_that_name() -> None:
    assert [launches.launch_of(name).name for name in launches.READS] == list(launches.READS)


def test_sglang(program: str) -> None:
    tuning = Tuning(
        dtype="bfloat16",
        quantization="fp8",
        kv_cache_dtype="fp8_e5m2",
        pipeline_parallel=2,
        adapters=(Adapter("sql", Path("/l/sql")), Adapter("law", Path("/l/law"))),
        chat_template="/t.jinja",
        tool_parser="qwen25",
        reasoning_parser="qwen3",
        trust_remote_code=True,
        arguments=("--mem-fraction-static", "0.7"),
    )
    spec = replace(spec_of("sglang", program, tuning=tuning), context_length=4096, slots=8, num_gpus=2)

    assert words(spec) == (
        "-m sglang.launch_server --model-path /models/qwen --host 127.0.0.1 --port 9000 "
        "--served-model-name mine --api-key the-secret-key --context-length 4096 "
        "--max-running-requests 8 --tp-size 2 --dtype bfloat16 --quantization fp8 "
        "--kv-cache-dtype fp8_e5m2 --pp-size 2 --chat-template /t.jinja --tool-call-parser qwen25 "
        "--reasoning-parser qwen3 --trust-remote-code --lora-paths sql=/l/sql law=/l/law "
        "--enable-metrics --mem-fraction-static 0.7"
    )
    assert command(spec).env == {"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false"}


def test_sglang_on_the_cpu(program: str) -> None:
    assert "--device cpu" in words(replace(spec_of("sglang", program), num_gpus=0))


def test_tgi(program: str) -> None:
    tuning = Tuning(quantization="awq", adapters=(Adapter("a", Path("/a")), Adapter("b", Path("/b"))))
    spec = replace(spec_of("tgi", program, tuning=tuning), context_length=2048, num_gpus=4)

    assert words(spec) == (
        "--model-id /models/qwen --hostname 127.0.0.1 --port 9000 --max-total-tokens 2048 --num-shard 4 "
        "--quantize awq --lora-adapters a=/a,b=/b --usage-stats off"
    )
    assert command(spec).env == {"API_KEY": KEY}


def test_trtllm(program: str) -> None:
    spec = replace(spec_of("trtllm", program), context_length=2048, slots=16, num_gpus=2)

    assert words(spec) == (
        "/models/qwen --host 127.0.0.1 --port 9000 --max_seq_len 2048 --max_batch_size 16 --tp_size 2"
    )


def test_lmdeploy(program: str) -> None:
    tuning = Tuning(kv_cache_dtype="int8", adapters=(Adapter("a", Path("/a")),))
    spec = replace(spec_of("lmdeploy", program, tuning=tuning), context_length=2048)

    assert words(spec) == (
        "-m lmdeploy serve api_server /models/qwen --server-name 127.0.0.1 --server-port 9000 "
        "--api-keys the-secret-key --session-len 2048 --quant-policy int8 --adapters a=/a "
        "--backend pytorch --model-name polychat --log-level INFO --allow-origins"
    )


def test_mii(program: str) -> None:
    assert words(replace(spec_of("mii", program), num_gpus=2)) == (
        "-m mii.entrypoints.openai_api_server --model /models/qwen --host 127.0.0.1 --port 9000 --api-keys "
        "the-secret-key --tensor-parallel 2"
    )


def test_openvino_model_server_with_a_model_of_the_hub(program: str) -> None:
    spec = replace(spec_of("ovms", program, NAME), slots=4, num_gpus=0)

    assert words(spec) == (
        f"--source_model qwen3:0.6b --model_repository_path {Path.home()}/.cache/ovms --task text_generation "
        "--rest_bind_address 127.0.0.1 --rest_port 9000 --max_num_seqs 4 --target_device CPU "
        "--model_name polychat --metrics_enable --metrics_list ovms_current_graphs"
    )
    assert command(spec).env == {"API_KEY": KEY}


def test_openvino_model_server_with_a_folder(program: str, tmp_path: Path) -> None:
    spec = spec_of("ovms", program, ModelFiles(tmp_path, str(tmp_path), format="reference"))

    assert f"--source_model {tmp_path.name} --model_repository_path {tmp_path.parent} " in words(spec)


def test_text_generation_webui_gives_each_slot_the_whole_context(program: str) -> None:
    spec = replace(spec_of("textgen", program, GGUF), context_length=1000, slots=4)

    assert words(spec) == (
        "--model-dir /models --model qwen.gguf --listen-host 127.0.0.1 --api-port 9000 "
        "--api-key the-secret-key --ctx-size 4000 --parallel 4 --listen --api --nowebui"
    )


def test_openllm(program: str) -> None:
    spec = spec_of("openllm", program, NAME)

    assert words(spec) == "-m openllm serve qwen3:0.6b --port 9000"
    assert command(spec).env == {"BENTOML_HOST": "127.0.0.1", "BENTOML_DO_NOT_TRACK": "True"}


def test_mistralrs_serve(program: str) -> None:
    spec = replace(spec_of("mistralrs-serve", program, GGUF), slots=2, num_gpus=0)

    assert words(spec) == (
        "serve -f /models/qwen.gguf --host 127.0.0.1 --port 9000 --max-seqs 2 --cpu --no-ui"
    )


def test_xinference_is_told_its_model_once_it_runs(program: str) -> None:
    tuning = Tuning(quantization="Int4", arguments=("--size-in-billions", "7"))
    spec = replace(spec_of("xinference", program, NAME, tuning=tuning), num_gpus=1)

    line = " ".join(command(spec).argv)

    assert f"{program}-local --host 127.0.0.1 --port 9000 --then {program} launch " in line
    assert line.endswith(
        "--endpoint http://127.0.0.1:9000 --model-uid polychat --model-name qwen3:0.6b --model-engine vLLM "
        "--trust-remote-code false --quantization Int4 --n-gpu 1 --size-in-billions 7"
    )


def test_xinference_must_know_the_family_of_a_folder(program: str) -> None:
    with pytest.raises(SetupError, match="family of /models/qwen: add -- --model-name NAME"):
        command(spec_of("xinference", program))


def test_ollama_pulls_loads_and_names_a_model_of_its_library(program: str) -> None:
    spec = replace(spec_of("ollama", program, NAME), context_length=8192, slots=2, num_gpus=0)

    steps = " ".join(command(spec).argv).split(" --then ")

    assert steps[0].endswith(
        f"http://127.0.0.1:9000 http://127.0.0.1:9000/v1/models/polychat {program} serve"
    )
    assert steps[1:] == [
        f"{program} pull qwen3:0.6b",
        f"{program} run qwen3:0.6b ",
        f"{program} cp qwen3:0.6b polychat",
    ]
    assert command(spec).env == {
        "OLLAMA_HOST": "127.0.0.1:9000",
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_CONTEXT_LENGTH": "8192",
        "OLLAMA_NUM_PARALLEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def test_ollama_makes_a_model_of_a_gguf_file(tmp_path: Path) -> None:
    ollama = tmp_path / "ollama"
    ollama.write_text('#!/bin/sh\necho "$1 $2" && cat "$4"\n')
    ollama.chmod(0o755)
    model = ModelFiles(tmp_path / "a b.gguf", "a b")
    argv = command(spec_of("ollama", str(ollama), model)).argv
    at = argv.index("--then")

    made = subprocess.run(argv[at + 1 : argv.index("--then", at + 1)], capture_output=True, check=True)

    assert made.stdout.decode() == f"create polychat-files\nFROM {tmp_path}/a b.gguf\n"
    assert argv[-4:] == (str(ollama), "cp", "polychat-files", "polychat")


@pytest.mark.parametrize(
    ("engine", "tuning", "flag"),
    [
        ("sglang", Tuning(mmproj=Path("/m")), "--mmproj"),
        ("tgi", Tuning(chat_template="/t"), "--chat-template"),
        ("trtllm", Tuning(quantization="awq"), "--quantization"),
        ("lmdeploy", Tuning(draft_model=Path("/d")), "--draft-model"),
        ("mii", Tuning(trust_remote_code=True), "--trust-remote-code"),
        ("textgen", Tuning(adapters=(Adapter("a", Path("/a")),)), "--lora"),
        ("openllm", Tuning(dtype="float16"), "--dtype"),
        ("ollama", Tuning(tool_parser="hermes"), "--tool-parser"),
        ("xinference", Tuning(kv_cache_dtype="fp8"), "--kv-cache-dtype"),
        ("ovms", Tuning(allow_adapter_updates=True), "--allow-lora-updates"),
        ("mistralrs-serve", Tuning(reasoning_parser="r1"), "--reasoning-parser"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_by_the_flags_name(
    engine: str, tuning: Tuning, flag: str, program: str
) -> None:
    model = NAME if launches.READS[engine] == {"reference"} else GGUF

    with pytest.raises(SetupError, match=f"the engine {engine} does not take {flag};"):
        command(spec_of(engine, program, model, tuning=tuning))


@pytest.mark.parametrize(
    ("engine", "spec", "message"),
    [
        ("openllm", replace(PLAINLY, slots=4), "does not take --slots"),
        ("ovms", replace(PLAINLY, context_length=4096), "does not take --context-length"),
        ("xinference", replace(PLAINLY, slots=4), "does not take --slots"),
        ("tgi", replace(PLAINLY, num_gpus=0), "needs a GPU; leave out --num-gpus 0"),
        ("mistralrs-serve", replace(PLAINLY, num_gpus=2), "does not take --num-gpus"),
        ("ollama", replace(PLAINLY, num_gpus=2), "takes the GPUs it wants"),
    ],
)
def test_a_limit_that_an_engine_has_no_flag_for_is_refused(
    engine: str, spec: EngineSpec, message: str, program: str
) -> None:
    with pytest.raises(SetupError, match=message):
        command(replace(spec, engine=engine, tuning=Tuning(program=program)))


@pytest.mark.parametrize("engine", ABSENT)
def test_an_engine_that_is_not_installed_says_how_to_install_it(engine: str) -> None:
    launch = launches.launch_of(engine)
    spec = spec_of(engine, "", NAME)

    with pytest.raises(SetupError, match="is not installed; install it with: ") as refused:
        command(spec)

    assert launch.program.install in str(refused.value)


def test_an_engine_that_is_not_installed_is_refused_before_its_model_is_downloaded() -> None:
    with pytest.raises(SetupError, match="text-generation-launcher is not installed"):
        select("nobody/has-such-a-model", engine="tgi")


@pytest.mark.parametrize(
    ("engine", "model", "is_fetched_by_it"),
    [("ollama", "qwen3:0.6b", True), ("ollama", "builtin", False), ("openllm", "llama3.2:1b", True)],
)
def test_a_name_goes_to_the_engine_that_fetches_and_a_file_stays_a_file(
    engine: str, model: str, is_fetched_by_it: bool, program: str
) -> None:
    selected = select(model, engine=engine, program=program)

    assert selected.model is not None
    assert (selected.model.format == "reference") is is_fetched_by_it


@pytest.mark.parametrize("engine", ["tgi", "ovms"])
def test_a_key_that_goes_through_the_environment_is_on_no_command_line(engine: str, program: str) -> None:
    assert KEY not in " ".join(command(spec_of(engine, program, NAME)).argv)
