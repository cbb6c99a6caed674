"""Which family a model is of, told from its name where that is certain.

A rule holds for the whole model name from its beginning, so that `my-vicuna-mix` is nobody's; and for the
architectures that the family's models have, so that a name alone never decides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from polychat.engines.templates.find import Template, of_family

_SAYS_NOTHING = re.compile(r"[0-9a-f]{7,64}|snapshots|checkpoint-\d+|main|final|hf|gguf|safetensors")
_OF_CACHE = re.compile(r"models--.+--(?P<name>.+)")
_CHATS = ("CausalLM", "LMHeadModel", "ConditionalGeneration")
_FIRST_IS_BOS = frozenset({"llama", "mistral", "mixtral", "internlm"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Models whose name begins so and whose `model_type`, if known, is one of these, are of a family."""

    family: str
    pattern: str
    example: str
    types: tuple[str, ...] = ("llama",)

    def holds(self, name: str, model_type: str) -> bool:
        return (not model_type or model_type in self.types) and re.match(self.pattern, name) is not None


_FALCON = ("falcon", "refinedweb", "refinedwebmodel")
_AQUILA = ("aquila", "llama")

RULES = (  # the first that holds decides
    Rule("stable-vicuna", r"stable-vicuna-\d+b", "stable-vicuna-13b"),
    Rule("vicuna_v1.1", r"vicuna-\d+b-v1\.[135](?!\d)", "vicuna-7b-v1.5"),
    Rule("vicuna_v1.1", r"longchat-\d+b", "longchat-7b-v1.5-32k"),
    Rule("vicuna_v1.1", r"wizardlm-(13|30|70)b-v1\.", "WizardLM-13B-V1.2"),
    Rule("vicuna_v1.1", r"xwin-lm-\d+b-v0\.[12]", "Xwin-LM-13B-V0.2"),
    Rule("vicuna_v1.1", r"camel-\d+b-(combined|role)", "CAMEL-13B-Combined-Data"),
    Rule(
        "cllm", r"consistency-llm-7b-(sharegpt|gsm8k|spider|codesearchnet)", "consistency-llm-7b-sharegpt48k"
    ),
    Rule("airoboros_v3", r"airoboros-.*-3\.\d", "airoboros-l2-70b-3.1.2", ("llama", "mistral")),
    Rule("airoboros_v2", r"(airoboros-.*-2\.[2-9]|spicyboros-)", "airoboros-l2-13b-2.2.1"),
    Rule("airoboros_v1", r"airoboros-.*-(1\.[0-9]|2\.[01])(?!\d)", "airoboros-13b-gpt4-1.4"),
    Rule("koala_v1", r"koala-\d+b", "koala-13B-HF"),
    Rule("alpaca", r"alpaca-(7|13|30|65)b", "alpaca-7b"),
    Rule("alpaca", r"wizardcoder-", "WizardCoder-15B-V1.0", ("llama", "gptbigcode", "starcoder")),
    Rule("alpaca", r"nous-hermes-(13b|llama-?2)", "Nous-Hermes-Llama2-13b"),
    Rule("alpaca", r"open-llama-.*open-instruct", "open-llama-7b-open-instruct"),
    Rule("metamath", r"metamath-\d+b", "MetaMath-7B-V1.0"),
    Rule("metamath", r"metamath-mistral-7b", "MetaMath-Mistral-7B", ("llama", "mistral")),
    Rule("chinese-alpaca2", r"chinese-alpaca-2-", "chinese-alpaca-2-7b"),
    Rule("llama2-chinese", r"llama2-chinese-\d+b-chat", "Llama2-Chinese-7b-Chat"),
    Rule("zero_shot", r"guanaco-\d+b", "guanaco-33b"),
    Rule("oasst_llama", r"oasst-(sft|rlhf)-.*llama-30b", "oasst-sft-7-llama-30b"),
    Rule("oasst_pythia", r"oasst-.*pythia", "oasst-sft-4-pythia-12b-epoch-3.5", ("gptneox",)),
    Rule("tulu", r"tulu-\d+b", "tulu-7b"),
    Rule("openbuddy", r"openbuddy-", "openbuddy-7b-v1.3", ("llama", "falcon", "mistral", "mixtral")),
    Rule("ReaLM-7b-v1", r"realm-7b-v1", "ReaLM-7b-v1"),
    Rule("billa", r"billa-7b", "BiLLa-7B-SFT"),
    Rule("Robin", r"robin-\d+b", "robin-7b-v2"),
    Rule("snoozy", r"gpt4all-13b-snoozy", "gpt4all-13b-snoozy"),
    Rule("manticore", r"manticore-\d+b", "manticore-13b"),
    Rule("cutegpt", r"cutegpt-\d+b", "CuteGPT-13B"),
    Rule("open-orca", r"openorca(xopenchat)?-preview\d", "OpenOrca-Preview1-13B"),
    Rule("orca-2", r"orca-2-(7|13)b", "Orca-2-7b"),
    Rule("lemur-70b-chat", r"lemur-70b-chat", "lemur-70b-chat-v1"),
    Rule("vigogne_chat_v3", r"vigostral-7b-chat", "vigostral-7b-chat", ("mistral", "llama")),
    Rule("vigogne_chat_v2", r"vigogne-2-\d+b-chat", "vigogne-2-7b-chat"),
    Rule("vigogne_instruct", r"vigogne-(2-)?\d+b-instruct", "vigogne-2-7b-instruct"),
    Rule("phind", r"phind-codellama-34b-v2", "Phind-CodeLlama-34B-v2"),
    Rule(
        "metharme", r"(metharme-\d+b|pygmalion-2-\d+b|mythalion-13b)", "pygmalion-2-7b", ("llama", "gptneox")
    ),
    Rule("xdan-v1", r"xdan-l1-chat-.*v1", "xDAN-L1-Chat-RL-v1", ("mistral", "llama")),
    Rule("deepseek-chat", r"deepseek-llm-\d+b-chat", "deepseek-llm-7b-chat"),
    Rule("dolly_v2", r"dolly-v2-", "dolly-v2-3b", ("gptneox",)),
    Rule("stablelm", r"stablelm-tuned-alpha-", "stablelm-tuned-alpha-7b", ("gptneox",)),
    Rule("phoenix", r"phoenix-(chat|inst-chat)-7b", "phoenix-inst-chat-7b", ("bloom",)),
    Rule("redpajama-incite", r"redpajama-incite-(7b-chat|chat-3b)", "RedPajama-INCITE-7B-Chat", ("gptneox",)),
    Rule("h2ogpt", r"h2ogpt-gm-", "h2ogpt-gm-oasst1-en-2048-open-llama-7b", ("llama", "gptneox", *_FALCON)),
    Rule("mpt-7b-chat", r"mpt-7b-chat", "mpt-7b-chat", ("mpt",)),
    Rule("mpt-30b-chat", r"mpt-30b-chat", "mpt-30b-chat", ("mpt",)),
    Rule("mpt-30b-instruct", r"mpt-30b-instruct", "mpt-30b-instruct", ("mpt",)),
    Rule("falcon", r"falcon-(7|40)b-instruct", "falcon-7b-instruct", _FALCON),
    Rule("falcon-chat", r"falcon-180b-chat", "falcon-180B-chat", _FALCON),
    Rule(
        "polyglot_changgpt",
        r"(polyglot-ko-.*chang|llama2-ko-chang)",
        "llama2-ko-chang-instruct-chat",
        ("llama", "gptneox"),
    ),
    Rule("tigerbot", r"tigerbot-\d+b-(sft|chat)", "tigerbot-7b-sft", ("llama", "bloom")),
    Rule("xgen", r"xgen-7b-8k-inst", "xgen-7b-8k-inst"),
    Rule("internlm-chat", r"internlm-chat-(7|20)b", "internlm-chat-7b", ("internlm", "llama")),
    Rule("starchat", r"starchat-(alpha|beta)", "starchat-beta", ("gptbigcode", "starcoder")),
    Rule("baichuan2-chat", r"baichuan2-\d+b-chat", "Baichuan2-13B-Chat", ("baichuan",)),
    Rule("baichuan-chat", r"baichuan-13b-chat", "Baichuan-13B-Chat", ("baichuan",)),
    Rule("qwen-7b-chat", r"qwen-(1[._]8|7|14|72)b-chat", "Qwen-7B-Chat", ("qwen",)),
    Rule("aquila", r"aquilachat2-\d+b-16k", "AquilaChat2-7B-16K", _AQUILA),
    Rule("aquila-legacy", r"aquilachat2-34b", "AquilaChat2-34B", _AQUILA),
    Rule("aquila-v1", r"aquilachat2-7b", "AquilaChat2-7B", _AQUILA),
    Rule("aquila-chat", r"aquilachat-7b", "AquilaChat-7B", _AQUILA),
    Rule("yuan2", r"yuan2-(2|51|102)b", "Yuan2-2B-hf", ("yuan", "llama")),
)


def for_model(model: str, model_type: str, architectures: Sequence[str]) -> Template | None:
    """The template of a model that brings none; None unless its family is certain.

    model: a hub id, a folder or a file. model_type: as in `config.json` or `general.architecture` of a
    GGUF file, "" if unknown. architectures: as in `config.json`; what cannot chat has no template.
    """
    if architectures and not any(part in name for name in architectures for part in _CHATS):
        return None
    kind = re.sub(r"[-_]", "", model_type.lower())
    for rule in RULES:
        if rule.holds(_telling_name(model), kind):
            return of_family(rule.family, bos=kind in _FIRST_IS_BOS if kind else None)
    return None


def examples_of(family: str) -> list[str]:
    """Models that get a family's template by themselves; none if it is used only when asked for."""
    return [rule.example for rule in RULES if rule.family == family]


def _telling_name(model: str) -> str:
    """The last part of a path that is a model's name and not a commit, a step or a cache's word."""
    for part in reversed(PurePath(model.replace("\\", "/").lower()).parts):
        cached = _OF_CACHE.fullmatch(part)
        if cached:
            return cached["name"]
        if not _SAYS_NOTHING.fullmatch(part):
            return part
    return ""
