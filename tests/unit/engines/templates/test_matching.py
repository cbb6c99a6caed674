"""A family is recognised where it is certain, and nobody's model is guessed at."""

import pytest

from polychat.engines.templates import examples_of, for_model, names
from polychat.engines.templates.matching import RULES, Rule
from tests.support.chat_prompts import CONVERSATION, renderer

KNOWN = [
    ("lmsys/vicuna-7b-v1.5", "llama", "vicuna_v1.1"),
    ("/models/Vicuna-13B-v1.5.Q4_K_M.gguf", "llama", "vicuna_v1.1"),
    ("lmsys/longchat-7b-v1.5-32k", "llama", "vicuna_v1.1"),
    ("CarperAI/stable-vicuna-13b-delta", "llama", "stable-vicuna"),
    ("WizardLM/WizardLM-13B-V1.2", "llama", "vicuna_v1.1"),
    ("jondurbin/airoboros-l2-70b-2.2.1", "llama", "airoboros_v2"),
    ("jondurbin/airoboros-m-7b-3.1.2", "mistral", "airoboros_v3"),
    ("jondurbin/airoboros-13b-gpt4-1.4", "llama", "airoboros_v1"),
    ("databricks/dolly-v2-3b", "gpt_neox", "dolly_v2"),
    ("OpenAssistant/oasst-sft-4-pythia-12b-epoch-3.5", "gpt_neox", "oasst_pythia"),
    ("stabilityai/stablelm-tuned-alpha-7b", "gpt_neox", "stablelm"),
    ("NousResearch/Nous-Hermes-Llama2-13b", "llama", "alpaca"),
    ("tiiuae/falcon-7b-instruct", "falcon", "falcon"),
    ("tiiuae/falcon-180B-chat", "falcon", "falcon-chat"),
    ("baichuan-inc/Baichuan2-13B-Chat", "baichuan", "baichuan2-chat"),
    ("Qwen/Qwen-7B-Chat", "qwen", "qwen-7b-chat"),
    ("internlm/internlm-chat-7b", "internlm", "internlm-chat"),
    ("BAAI/AquilaChat2-7B-16K", "aquila", "aquila"),
    ("togethercomputer/RedPajama-INCITE-7B-Chat", "gpt_neox", "redpajama-incite"),
    ("togethercomputer/RedPajama-INCITE-Chat-3B-v1", "gpt_neox", "redpajama-incite"),
    ("microsoft/Orca-2-7b", "llama", "orca-2"),
    ("/cache/models--lmsys--vicuna-7b-v1.5/snapshots/3321f76e3f527bd14065daf6", "", "vicuna_v1.1"),
    ("/train/koala-7b/checkpoint-400", "llama", "koala_v1"),
]  # fmt: skip
UNKNOWN = [
    ("lmsys/vicuna-7b-delta-v0", "llama"),
    ("someone/my-vicuna-7b-v1.5-mix", "llama"),
    ("lmsys/vicuna-7b-v1.5", "qwen2"),
    ("tiiuae/falcon-7b", "falcon"),
    ("baichuan-inc/Baichuan-7B", "baichuan"),
    ("WizardLM/WizardLM-7B-V1.0", "llama"),
    ("Qwen/Qwen-7B", "qwen"),
    ("Qwen/Qwen2.5-7B-Instruct", "qwen2"),
    ("togethercomputer/RedPajama-INCITE-7B-Base", "gpt_neox"),
    ("NousResearch/Nous-Hermes-2-Yi-34B", "llama"),
    ("THUDM/chatglm3-6b", "chatglm"),
    ("meta-llama/Llama-2-7b-hf", "llama"),
    ("vicuna-7b-v1.5/lora/my-model", "llama"),
    ("BlinkDL/rwkv-4-raven", "rwkv"),
    ("", ""),
]


@pytest.mark.parametrize(("model", "model_type", "family"), KNOWN)
def test_a_model_of_a_family_gets_its_template(model: str, model_type: str, family: str) -> None:
    template = for_model(model, model_type, ())
    assert template is not None
    assert template.name == family


@pytest.mark.parametrize(("model", "model_type"), UNKNOWN)
def test_a_model_that_only_looks_like_one_gets_none(model: str, model_type: str) -> None:
    assert for_model(model, model_type, ()) is None


def test_what_cannot_chat_gets_none() -> None:
    assert for_model("lmsys/vicuna-7b-v1.5", "llama", ["LlamaForSequenceClassification"]) is None
    assert for_model("lmsys/vicuna-7b-v1.5", "llama", ["LlamaForCausalLM"]) is not None


@pytest.mark.parametrize(("model_type", "begins"), [("llama", "<s>"), ("falcon", "Consider")])
def test_the_bos_token_is_as_the_models_tokenizer_has_it(model_type: str, begins: str) -> None:
    template = for_model("OpenBuddy/openbuddy-7b-v1", model_type, ())
    assert template is not None
    assert renderer(template.jinja)(CONVERSATION[1:], bos="<s>").startswith(begins)


def test_every_rule_names_a_family_of_the_table() -> None:
    assert {rule.family for rule in RULES} <= set(names())
    assert examples_of("koala_v1") == ["koala-13B-HF"]
    assert examples_of("mistral") == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example)
def test_no_rule_stands_in_the_way_of_another(rule: Rule) -> None:
    template = for_model(f"someone/{rule.example}", rule.types[0], ())
    assert template is not None
    assert template.name == rule.family
