"""What vLLM is started with, word for word, on machines that these tests make up."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from polychat.engines.launch import Command
from polychat.engines.machine import Gpu, Machine
from polychat.engines.spec import Adapter, EngineSpec, Tuning
from polychat.engines.vllm.arguments import command, command_on
from polychat.engines.vllm.cpu import Cpu
from polychat.errors import SetupError
from tests.support import tiny_checkpoint

GIB = 1 << 30
NO_GPU = Machine(8 * GIB)
TWO_GPUS = Machine(64 * GIB, (Gpu("NVIDIA", "H100", 80 * GIB),) * 2)
OLD = Cpu(8 * GIB, cpus=4, affine_cpus=4, has_fast_bfloat16=False)


def made(spec: EngineSpec, machine: Machine = TWO_GPUS, processor: Cpu = OLD) -> Command:
    return command_on(machine, processor, spec, 9000)


def words(spec: EngineSpec, machine: Machine = TWO_GPUS) -> str:
    """The command line after the program and the model."""
    argv = made(spec, machine).argv
    return " ".join(argv[argv.index("--host") :])


def tuned(spec: EngineSpec, tuning: Tuning) -> EngineSpec:
    return replace(spec, tuning=replace(tuning, program=spec.tuning.program))


def has(line: str, *phrases: str) -> bool:
    return all(f" {phrase} " in f" {line} " for phrase in phrases)


def test_little_is_said_where_nothing_is_asked(spec: EngineSpec) -> None:
    assert words(spec) == (
        "--host 127.0.0.1 --port 9000 --served-model-name mine --middleware polychat_guard.Guard "
        "--enable-prompt-tokens-details --disable-uvicorn-access-log"
    )


def test_everything_that_is_asked_is_said(spec: EngineSpec, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 24}')
    asked = Tuning(
        dtype="float16",
        quantization="fp8",
        kv_cache_dtype="fp8",
        pipeline_parallel=2,
        adapters=(Adapter("sql", tmp_path),),
        tool_parser="pythonic",
        reasoning_parser="qwen3",
        trust_remote_code=True,
        arguments=("--seed", "7"),
    )

    line = words(replace(tuned(spec, asked), context_length=4096, slots=8, num_gpus=2))

    assert has(line, "--max-model-len 4096", "--max-num-seqs 8", "--tensor-parallel-size 1")
    assert has(line, "--dtype float16", "--quantization fp8", "--kv-cache-dtype fp8")
    assert has(line, "--pipeline-parallel-size 2", "--trust-remote-code")
    assert has(line, "--tool-call-parser pythonic", "--enable-auto-tool-choice", "--reasoning-parser qwen3")
    assert has(line, f'--lora-modules {{"name":"sql","path":"{tmp_path}"}}')
    assert has(line, "--enable-lora --max-lora-rank 32 --max-loras 1")
    assert line.endswith(" --seed 7")


def test_the_key_is_in_the_environment_only(spec: EngineSpec) -> None:
    it = made(spec)

    assert it.env["VLLM_API_KEY"] == "the-key"
    assert "the-key" not in " ".join(it.argv)


def test_nobody_is_told_that_it_runs(spec: EngineSpec) -> None:
    assert {"VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"} <= made(spec).env.keys()


def test_a_python_runs_the_module_and_the_console_script_has_a_command(
    spec: EngineSpec, tmp_path: Path
) -> None:
    python = tmp_path / "python3"
    python.symlink_to(sys.executable)
    model = str(spec.model.path) if spec.model else ""

    by_module = made(replace(spec, tuning=Tuning(program=str(python))))

    assert by_module.argv[:5] == (
        str(python),
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        model,
    )
    assert made(spec).argv[:3] == ("/usr/bin/env", "serve", model)


def test_without_a_gpu_it_computes_in_float32_with_little_memory_for_the_cache(spec: EngineSpec) -> None:
    assert has(
        words(spec, NO_GPU), "--enforce-eager", "--dtype float32", f"--kv-cache-memory-bytes {64 << 20}"
    )


def test_on_a_cpu_nothing_is_compiled_unless_asked(spec: EngineSpec) -> None:
    compiled = tuned(spec, Tuning(arguments=("--no-enforce-eager",)))

    assert made(spec, NO_GPU).env["TORCHDYNAMO_DISABLE"] == "1"
    assert "TORCHDYNAMO_DISABLE" not in made(compiled, NO_GPU).env
    assert "TORCHDYNAMO_DISABLE" not in made(spec, TWO_GPUS).env


def test_gpus_are_left_alone_when_told_so(spec: EngineSpec) -> None:
    line = words(replace(spec, num_gpus=0), TWO_GPUS)

    assert has(line, "--enforce-eager", "--dtype float32")
    assert "--tensor-parallel-size" not in line


def test_more_gpus_than_there_are_is_one_line(spec: EngineSpec) -> None:
    with pytest.raises(SetupError, match=r"--num-gpus 4 is too many: this machine has 2 GPUs \(H100\)"):
        made(replace(spec, num_gpus=4))
    with pytest.raises(SetupError, match=r"--pipeline-parallel 3 is too many"):
        made(tuned(spec, Tuning(pipeline_parallel=3)))


def test_stages_share_the_gpus_evenly(spec: EngineSpec) -> None:
    with pytest.raises(SetupError, match="--num-gpus 3 cannot be shared by --pipeline-parallel 2"):
        made(replace(tuned(spec, Tuning(pipeline_parallel=2)), num_gpus=3))


def test_a_template_is_handed_over_by_its_text(spec: EngineSpec) -> None:
    argv = made(tuned(spec, Tuning(chat_template="vicuna_v1.1"))).argv

    assert "USER" in argv[argv.index("--chat-template") + 1]


def test_clients_may_load_adapters_when_told_so(spec: EngineSpec) -> None:
    it = made(tuned(spec, Tuning(allow_adapter_updates=True)))

    assert it.env["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"
    assert has(" ".join(it.argv), "--enable-lora --max-lora-rank 64 --max-loras 4")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (None, "has no adapter_config.json; name an adapter's folder"),
        ("{", "is damaged; download it again"),
        ('{"r": 1024}', "takes ranks up to 512, and its `r` is 1024"),
    ],
)
def test_what_is_no_adapter_is_refused(
    spec: EngineSpec, tmp_path: Path, config: str | None, says: str
) -> None:
    if config is not None:
        (tmp_path / "adapter_config.json").write_text(config)

    with pytest.raises(SetupError, match=says):
        made(tuned(spec, Tuning(adapters=(Adapter("sql", tmp_path),))))


def test_a_model_that_embeds_is_pooled(spec: EngineSpec, folder: Path) -> None:
    tiny_checkpoint.write(
        folder, tiny_checkpoint.files({**tiny_checkpoint.LLAMA, "architectures": ["LlamaModel"]})
    )

    line = words(spec, NO_GPU)

    assert has(line, "--runner pooling", f"--kv-cache-memory-bytes {2 * GIB}")


def test_what_it_cannot_do_is_refused_by_its_flag(spec: EngineSpec) -> None:
    with pytest.raises(SetupError, match="vllm does not take --mmproj"):
        made(tuned(spec, Tuning(mmproj=Path("/x.gguf"))))


def test_where_it_is_not_installed_there_is_the_line_that_installs_it(spec: EngineSpec) -> None:
    with pytest.raises(SetupError, match=r"pip install 'polychat\[vllm\]'"):
        command(replace(spec, tuning=Tuning()), 9000)
