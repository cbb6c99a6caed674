import pytest

from polychat.engines import choice
from polychat.engines.checkpoint import Kind
from polychat.engines.choice import Choice, Facts
from polychat.engines.machine import Gpu, Machine
from polychat.engines.spec import ModelFormat
from polychat.errors import SetupError

CPU = Machine(1)
NVIDIA = Machine(1, (Gpu("NVIDIA", "H100", 1),))
AMD = Machine(1, (Gpu("AMD", "MI300", 1),))
APPLE = Machine(1, (Gpu("Apple", "M4"),))
BOTH = {"transformers", "vllm", "llamacpp"}


@pytest.mark.parametrize(
    ("facts", "machine", "installed", "expected"),
    [
        (Facts("m", "gguf", Kind.GENERATE), NVIDIA, BOTH, Choice("llamacpp", "it is a GGUF file")),
        (Facts("m", "gguf", Kind.GENERATE), CPU, set(), Choice("llamacpp", "it is a GGUF file")),
        (
            Facts("m", "checkpoint", Kind.GENERATE),
            NVIDIA,
            BOTH,
            Choice("vllm", "it is safetensors and there is an NVIDIA GPU"),
        ),
        (
            Facts("m", "checkpoint", Kind.VISION),
            AMD,
            BOTH,
            Choice("vllm", "it is safetensors and there is an AMD GPU"),
        ),
        (
            Facts("m", "checkpoint", Kind.GENERATE),
            CPU,
            BOTH,
            Choice("transformers", "it is safetensors, without a GPU"),
        ),
        (
            Facts("m", "checkpoint", Kind.GENERATE),
            APPLE,
            BOTH,
            Choice("transformers", "it is safetensors, on an Apple GPU"),
        ),
        (
            Facts("m", "checkpoint", Kind.EMBED),
            NVIDIA,
            BOTH,
            Choice("transformers", "it is an embedding model"),
        ),
        (Facts("m", "checkpoint", Kind.RERANK), CPU, BOTH, Choice("transformers", "it is a reranker")),
        (Facts("m", "checkpoint", Kind.CLASSIFY), CPU, BOTH, Choice("transformers", "it is a classifier")),
        (
            Facts("m", "checkpoint", Kind.GENERATE),
            NVIDIA,
            {"transformers"},
            Choice("transformers", "it is safetensors; vllm would do better: pip install 'polychat[vllm]'"),
        ),
        (
            Facts("m", "checkpoint", Kind.EMBED),
            CPU,
            {"vllm"},
            Choice(
                "vllm",
                "it is safetensors; transformers would do better: pip install 'polychat[transformers]'",
            ),
        ),
    ],
)
def test_auto_takes_the_best_that_is_installed_and_says_why(
    facts: Facts, machine: Machine, installed: set[str], expected: Choice
) -> None:
    assert choice.choose(facts, machine, installed) == expected


@pytest.mark.parametrize(
    ("machine", "kind", "install"),
    [
        (CPU, Kind.GENERATE, r"pip install 'polychat\[transformers\]'"),
        (NVIDIA, Kind.GENERATE, r"pip install 'polychat\[vllm\]'"),
        (NVIDIA, Kind.EMBED, r"pip install 'polychat\[transformers\]'"),
    ],
)
def test_auto_without_an_engine_gives_the_line_that_installs_it(
    machine: Machine, kind: Kind, install: str
) -> None:
    with pytest.raises(
        SetupError, match=rf"m is safetensors, and no engine for that is installed: {install}$"
    ):
        choice.choose(Facts("m", "checkpoint", kind), machine, {"llamacpp"})


@pytest.mark.parametrize(
    ("machine", "installed", "formats"),
    [
        (CPU, {"llamacpp"}, ("gguf",)),
        (CPU, BOTH, ("gguf", "checkpoint")),
        (NVIDIA, BOTH, ("checkpoint", "gguf")),
        (NVIDIA, {"transformers"}, ("gguf", "checkpoint")),
        (APPLE, BOTH, ("gguf", "checkpoint")),
    ],
)
def test_of_a_model_in_both_formats_the_faster_one_is_taken(
    machine: Machine, installed: set[str], formats: tuple[ModelFormat, ...]
) -> None:
    assert choice.readable(machine, installed) == formats


@pytest.mark.parametrize(
    ("engine", "format_", "complaint"),
    [
        ("llamacpp", "checkpoint", "reads GGUF, and m is safetensors; .* `polychat convert m`"),
        ("vllm", "gguf", "the engine vllm reads safetensors, and m is GGUF; name --engine llamacpp"),
    ],
)
def test_an_engine_that_cannot_read_the_format_is_refused(
    engine: str, format_: ModelFormat, complaint: str
) -> None:
    reads: set[ModelFormat] = {"gguf"} if engine == "llamacpp" else {"checkpoint"}
    with pytest.raises(SetupError, match=complaint):
        choice.require_reads(engine, reads, Facts("m", format_))


def test_an_engine_asked_for_that_is_not_installed_gives_the_line() -> None:
    choice.require_installed("sglang", set())
    with pytest.raises(SetupError, match=r"the engine vllm is not installed: pip install 'polychat\[vllm\]'"):
        choice.require_installed("vllm", {"transformers"})
