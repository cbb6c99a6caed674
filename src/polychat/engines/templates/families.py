"""The table: every family of models whose repositories ship no chat template, by FastChat's name for it.

To add one: an entry with its layout, and, if its models can be told by name, a line in `matching.py`. The
layout is one of the styles of `layout.py`, or its pieces. `bos` says whether the family's tokenizer puts the
BOS token first, as Llama's does and those of GPT-NeoX, MPT, Falcon and Qwen do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from polychat.engines.templates import systems
from polychat.engines.templates.layout import Layout, chatml, colon, inst, line, marks

_MPT_STOP = (50278, 0)
_RESPONSE = "### Response:"
_AQUILA_STOP = ("</s>", "[UNK]")


@dataclass(frozen=True, slots=True)
class Family:
    """A layout with the system message of conversations that have none, and what else ends an answer."""

    layout: Layout
    default: str = ""
    bos: bool = False
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()


def _im(default: str, *, stop: tuple[str, ...] = (), ids: tuple[int, ...] = (), bos: bool = False) -> Family:
    layout = chatml("<|im_start|>user", "<|im_start|>assistant", "<|im_end|>", system="<|im_start|>system")
    return Family(layout, default, bos, stop, ids)


_VICUNA = colon("USER", "ASSISTANT", " ", "</s>")
_MANTICORE = colon("USER", "ASSISTANT", "\n", "</s>")
_PHOENIX = Layout("Human: <s>{}</s>", "Assistant: <s>{}</s>", "Assistant: <s>")
_CHATGLM = Layout("[Round {round}]\n问：{}\n", "答：{}\n", "答：", "{}\n", bare="")
_CHATGLM2 = Layout("[Round {round}]\n\n问：{}\n\n", "答：{}\n\n", "答：", "{}\n\n", bare="", first_round=1)

_LLAMA: Mapping[str, Family] = {
    "zero_shot": Family(colon("Human", "Assistant", "\n### "), systems.CURIOUS_HUMAN, True, ("###",)),
    "vicuna_v1.1": Family(_VICUNA, systems.CURIOUS_USER, True),
    "cllm": Family(replace(_VICUNA, last_turn_only=True), systems.CURIOUS_USER, True),
    "airoboros_v1": Family(_VICUNA, systems.AIROBOROS_1, True),
    "airoboros_v2": Family(_MANTICORE, "A chat.", True),
    "airoboros_v3": Family(inst(" </s><s>"), systems.AIROBOROS_3, True),
    "koala_v1": Family(colon("USER", "GPT", " ", "</s>"), "BEGINNING OF CONVERSATION:", True),
    "alpaca": Family(colon("### Instruction", "### Response", "\n\n", "</s>"), systems.INSTRUCTION, bos=True),
    "metamath": Family(
        Layout(
            user="### Instruction:\n{}\n\n",
            assistant="### Response: Let's think step by step.{}",
            cue="### Response: Let's think step by step.",
            system="{}\n\n",
            bare="",
        ),
        systems.INSTRUCTION,
        bos=True,
    ),
    "oasst_llama": Family(marks("<|prompter|>", "<|assistant|>", "</s>"), bos=True),
    "tulu": Family(line("<|user|>", "<|assistant|>", "\n"), bos=True),
    "openbuddy": Family(colon("User", "Assistant", "\n"), systems.OPENBUDDY, True),
    "ReaLM-7b-v1": Family(_PHOENIX, systems.CURIOUS_HUMAN + "\n\n", True),
    "billa": Family(colon("Human", "Assistant", "\n", space=" "), bos=True, stop=("Human:",)),
    "Robin": Family(
        Layout("###Human:\n{}\n", "###Assistant:\n{}\n", "###Assistant:\n", "{}\n"),
        systems.CURIOUS_HUMAN,
        True,
        ("###",),
        (2, 396),
    ),
    "snoozy": Family(
        replace(colon("### Prompt", "### Response", "\n"), system="### Instruction:\n{}\n"),
        systems.SNOOZY,
        True,
        ("###",),
    ),
    "manticore": Family(_MANTICORE, bos=True),
    "stable-vicuna": Family(
        colon("### Human", "### Assistant", "\n", "\n\n"), systems.STABLE_VICUNA, bos=True
    ),
    "llama-2": Family(inst(" </s><s>"), bos=True),
    "mistral": Family(inst("</s>", system="{}\n"), bos=True),
    "chinese-alpaca2": Family(inst(" </s><s>"), systems.CHINESE_ALPACA, True),
    "llama2-chinese": Family(
        replace(colon("Human", "Assistant", "\n", "\n</s><s>"), system="<s>{}</s>\n"),
        bos=True,
        stop=("</s>",),
    ),
    "cutegpt": Family(marks("问：", "答：\n", "\n"), bos=True, stop=("<end>",)),
    "open-orca": Family(
        colon("User", "Assistant", "<|end_of_turn|>\n", space=" "),
        systems.OPEN_ORCA,
        True,
        ("User",),
        (32000, 32001),
    ),
    "openchat_3.5": Family(
        replace(colon("GPT4 Correct User", "GPT4 Correct Assistant", "<|end_of_turn|>"), bare=""), bos=True
    ),
    "tenyxchat": Family(replace(colon("User", "Assistant", "<|end_of_turn|>"), bare=""), bos=True),
    "zephyr": Family(
        chatml("<|user|>", "<|assistant|>", "</s>", system="<|system|>"), stop=("</s>",), stop_token_ids=(2,)
    ),
    "solar": Family(line("### User", "### Assistant", "\n\n"), bos=True, stop=("</s>",)),
    "lemur-70b-chat": _im(systems.LEMUR, ids=(32002, 0), bos=True),
    "orca-2": _im(systems.ORCA_2, stop=("<|im_end|>",), bos=True),
    "vigogne_instruct": Family(
        Layout(
            user="### Instruction:\n{}\n\n",
            assistant="### Response:\n{}</s>\n\n",
            cue="### Response:\n",
            system="### System:\n{}\n\n",
        ),
        systems.VIGOGNE_INSTRUCT,
        bos=True,
    ),
    "vigogne_chat_v2": Family(
        replace(colon("<|user|>", "<|assistant|>", "\n", "</s>\n"), system="<|system|>: {}\n"),
        systems.VIGOGNE_CHAT,
        True,
        ("<|user|>",),
    ),
    "vigogne_chat_v3": Family(inst(" </s>"), systems.VIGOGNE_CHAT, True),
    "phind": Family(colon("### User Message", "### Assistant", "\n\n"), systems.PHIND, True),
    "metharme": Family(
        marks("<|user|>", "<|model|>", system="<|system|>"), systems.METHARME, True, ("<|user|>",)
    ),
    "xdan-v1": Family(marks("### Human", "### Assistant", "\n"), systems.XDAN, True, ("</s>",)),
    "deepseek-chat": Family(
        replace(colon("User", "Assistant", "\n\n", "<｜end▁of▁sentence｜>"), system="{}"),
        bos=True,
        stop=("<｜end▁of▁sentence｜>",),
    ),
}

_OTHERS: Mapping[str, Family] = {
    "chatglm": Family(_CHATGLM),
    "chatglm2": Family(_CHATGLM2),
    "chatglm3": Family(
        Layout("<|user|>\n{}", "<|assistant|>\n{}", "<|assistant|>", "<|system|>\n{}", bare=""),
        stop_token_ids=(64795, 64797, 2),
    ),
    "codegeex": Family(marks("", "", "\n\n"), stop_token_ids=(0, 2)),
    "dolly_v2": Family(
        Layout("### Instruction:\n{}\n\n", f"{_RESPONSE}\n{{}}### End\n\n", f"{_RESPONSE}\n"),
        systems.INSTRUCTION + "\n\n",
    ),
    "oasst_pythia": Family(marks("<|prompter|>", "<|assistant|>", "<|endoftext|>")),
    "stablelm": Family(
        marks("<|USER|>", "<|ASSISTANT|>", system="<|SYSTEM|>"),
        systems.STABLELM,
        stop_token_ids=(50278, 50279, 50277, 1, 0),
    ),
    "phoenix": Family(_PHOENIX, systems.CURIOUS_HUMAN + "\n\n"),
    "redpajama-incite": Family(colon("<human>", "<bot>", "\n"), stop=("<human>",)),
    "h2ogpt": Family(marks("<|prompt|>", "<|answer|>", "</s>")),
    "mpt-7b-chat": _im(systems.MPT_7B, ids=_MPT_STOP),
    "mpt-30b-chat": _im(systems.MPT_30B, ids=_MPT_STOP),
    "mpt-30b-instruct": Family(
        line("### Instruction", "### Response", "\n\n"), systems.INSTRUCTION, stop_token_ids=_MPT_STOP
    ),
    "falcon": Family(
        replace(colon("User", "Assistant", "\n\n"), system="{}", single_newlines=True),
        stop=("\nUser",),
        stop_token_ids=tuple(range(12)),
    ),
    "falcon-chat": Family(
        replace(colon("User", "Falcon", "\n"), system="System: {}\n", bare=""), stop=("\nUser:",)
    ),
    "polyglot_changgpt": Family(colon("B", "A", "\n")),
    "tigerbot": Family(
        Layout("### Instruction:\n{}\n\n", f"{_RESPONSE}\n{{}}\n\n", f"{_RESPONSE}\n", "{}\n\n"),
        systems.CURIOUS_USER,
        stop=("###",),
    ),
    "xgen": Family(
        colon("### Human", "### Assistant", "\n"), systems.CURIOUS_HUMAN + "\n\n", stop_token_ids=(50256,)
    ),
    "internlm-chat": Family(
        Layout("<s><|User|>:{}<eoh>\n", "<|Bot|>:{}<eoa>\n", "<|Bot|>:"),
        systems.INTERNLM,
        True,
        ("<|User|>",),
        (1, 103028),
    ),
    "starchat": Family(
        chatml("<|user|>", "<|assistant|>", "<|end|>", system="<system>"),
        stop=("<|end|>",),
        stop_token_ids=(0, 49155),
    ),
    "baichuan-chat": Family(marks("<reserved_102>", "<reserved_103>")),
    "baichuan2-chat": Family(marks("<reserved_106>", "<reserved_107>")),
    "qwen-7b-chat": _im(systems.HELPFUL, stop=("<|endoftext|>",), ids=(151643, 151644, 151645)),
    "aquila-chat": Family(
        colon("Human", "Assistant", "###"), systems.CURIOUS_HUMAN, stop=("###", *_AQUILA_STOP)
    ),
    "aquila-legacy": Family(
        marks("### Human: ", "### Assistant: ", "\n", "</s>"),
        systems.CURIOUS_HUMAN + "\n\n",
        stop=_AQUILA_STOP,
    ),
    "aquila": Family(colon("Human", "Assistant", "###", "</s>"), systems.CURIOUS_HUMAN, stop=_AQUILA_STOP),
    "aquila-v1": Family(
        marks("<|startofpiece|>", "<|endofpiece|>", end="</s>"), stop=("</s>", "<|endoftext|>")
    ),
    "yuan": Family(marks("", "", "<sep>"), stop=("<eod>",)),
    "yuan2": Family(
        Layout("{}", "<n>{}<n>", "<sep>", "{}\n", bare=""), stop=("<eod>",), stop_token_ids=(77185,)
    ),
}

FAMILIES: Mapping[str, Family] = {**_LLAMA, **_OTHERS}
