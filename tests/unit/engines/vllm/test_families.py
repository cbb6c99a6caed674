"""Which parsers vLLM is told for a model."""

import pytest

from polychat.engines.spec import PLAIN, Tuning
from polychat.engines.vllm.families import Parsers, parsers

HERMES = "{% if tools %}<tool_call>{% endif %}"


@pytest.mark.parametrize(
    ("model_type", "template", "tools", "reasoning"),
    [
        ("llama", HERMES, "hermes", ""),
        ("qwen2", HERMES, "hermes", ""),
        ("qwen3", HERMES + "</think>", "hermes", "qwen3"),
        ("qwen3_moe", HERMES + "<function=name></think>", "qwen3_coder", "qwen3"),
        ("llama", "tools <|python_tag|>", "llama3_json", ""),
        ("llama4", "tools", "llama4_pythonic", ""),
        ("mistral3", "tools [TOOL_CALLS][/THINK]", "mistral", "mistral"),
        ("deepseek_v3", "tools ```json </think>", "deepseek_v3", "deepseek_r1"),
        ("deepseek_v3", "tools ```json", "deepseek_v3", ""),
        ("deepseek_v3", "tools </think>", "deepseek_v31", "deepseek_v3"),
        ("gpt_oss", "tools", "openai", "openai_gptoss"),
        ("glm4_moe", "tools <arg_key> </think>", "glm47", "glm45"),
        ("granitemoehybrid", HERMES, "granite4", ""),
        ("granite", "tools", "granite", ""),
        ("llama", "tools", "", ""),
        ("llama", "<think> </think>", "", "deepseek_r1"),
        ("llama", "<tool_call>", "", ""),  # its template shows no tools to the model
    ],
)
def test_the_family_decides(model_type: str, template: str, tools: str, reasoning: str) -> None:
    assert parsers(model_type, template, PLAIN) == Parsers(tools, reasoning)


def test_what_is_asked_for_wins() -> None:
    asked = Tuning(tool_parser="pythonic", reasoning_parser="granite")

    assert parsers("qwen3", HERMES + "</think>", asked) == Parsers("pythonic", "granite")
