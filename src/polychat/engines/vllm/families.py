"""Which of vLLM's parsers reads a model's tool calls and thoughts: by its type and by its template.

To add a family: a line in FAMILIES with names of `vllm/tool_parsers` and `vllm/reasoning`; the first line
that holds decides. Names as in version 0.32.0.
"""

from dataclasses import dataclass

from polychat.engines.spec import Tuning


@dataclass(frozen=True, slots=True)
class Family:
    """Models whose `model_type` begins so, if any is named, and whose template has all of `marks`."""

    tools: str
    reasoning: str = ""  # used where the template has the end of a thought, or `always_reasons`
    types: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    always_reasons: bool = False

    def holds(self, model_type: str, template: str) -> bool:
        return (not self.types or model_type.startswith(self.types)) and all(
            mark in template for mark in self.marks
        )


FAMILIES = (
    Family("openai", "openai_gptoss", ("gpt_oss",), always_reasons=True),
    Family("deepseek_v41", "deepseek_v41", ("deepseek_v41",), always_reasons=True),
    Family("deepseek_v4", "deepseek_v4", ("deepseek_v4",), always_reasons=True),
    Family("deepseek_v32", "deepseek_v3", ("deepseek_v32",), always_reasons=True),
    Family("deepseek_v3", "deepseek_r1", ("deepseek_v3",), ("```json", "</think>")),
    Family("deepseek_v3", "", ("deepseek_v3",), ("```json",)),
    Family("deepseek_v31", "deepseek_v3", ("deepseek_v3",)),
    Family("kimi_k3", "kimi_k3", ("kimi_k3",)),
    Family("kimi_k2", "kimi_k2", ("kimi_k2",)),
    Family("kimi_k2", "kimi_k2", marks=("<|tool_calls_section_begin|>",)),
    Family("glm47", "glm45", ("glm",), ("<arg_key>",)),
    Family("minimax_m3", "minimax_m3", ("minimax_m3",)),
    Family("minimax_m2", "minimax_m2", ("minimax_m2", "minimax"), ("<minimax:tool_call>",)),
    Family("seed_oss", "seed_oss", ("seed_oss",)),
    Family("step3p5", "step3p5", ("step3p5",)),
    Family("step3", "step3", ("step3",)),
    Family("ernie45", "ernie45", ("ernie4_5",)),
    Family("hunyuan_a13b", "hunyuan_a13b", ("hunyuan",)),
    Family("gemma4", "gemma4", ("gemma4",), always_reasons=True),
    Family("functiongemma", "", ("gemma3",), ("<start_function_call>",)),
    Family("granite4", "", ("granitemoehybrid",), ("<tool_call>",)),
    Family("granite", "granite", ("granite",)),
    Family("cohere_command3", "cohere_command3", ("cohere",), ("<|START_ACTION|>",)),
    Family("mistral", "mistral", ("mistral", "ministral", "mixtral", "pixtral"), ("[TOOL_CALLS]",)),
    Family("mistral", "mistral", marks=("[AVAILABLE_TOOLS]", "[TOOL_CALLS]")),
    Family("phi4_mini_json", "", ("phi3", "phi4"), ("<|tool|>",)),
    Family("jamba", "", ("jamba",)),
    Family("internlm", "", ("internlm2",), ("<|action_start|>",)),
    Family("lfm2", "", ("lfm2",), ("<|tool_call_start|>",)),
    Family("longcat", "", ("longcat",)),
    Family("olmo3", "olmo3", ("olmo3",)),
    Family("apertus", "", ("apertus",)),
    Family("llama4_pythonic", "", ("llama4",)),
    Family("llama3_json", "", ("llama", "mllama"), ("<|python_tag|>",)),
    Family("llama3_json", "", ("llama", "mllama"), ("<|start_header_id|>", '"parameters"')),
    Family("qwen3_coder", "qwen3", marks=("<tool_call>", "<function=")),
    Family("hermes", "qwen3", ("qwen3",), ("<tool_call>",)),
    Family("hermes", "deepseek_r1", marks=("<tool_call>",)),
)
_UNKNOWN = Family("", "deepseek_r1")  # its reading of <think> is everybody's
_END_OF_THOUGHT = ("</think>", "[/THINK]", "</seed:think>", "<|END_THINKING|>")


@dataclass(frozen=True, slots=True)
class Parsers:
    """Names of vLLM's parsers; "" for none."""

    tools: str
    reasoning: str


def parsers(model_type: str, template: str, asked: Tuning) -> Parsers:
    """The parsers of a model with that chat template; what is asked for wins."""
    family = next((each for each in FAMILIES if each.holds(model_type, template)), _UNKNOWN)
    reasons = family.always_reasons or any(mark in template for mark in _END_OF_THOUGHT)
    return Parsers(
        tools=asked.tool_parser or (family.tools if "tools" in template else ""),
        reasoning=asked.reasoning_parser or (family.reasoning if reasons else ""),
    )
