"""Every family's prompt is FastChat's, character for character, and fits any conversation."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.templates import find, names, of_family
from tests.support.chat_prompts import CONVERSATION, TemplateRefused, expected, renderer

EXPECTED = expected()
Turns = Sequence[tuple[str, str]]  # (question, answer); then one more question


def test_the_table_has_every_family_that_ships_no_template() -> None:
    assert len(names()) == len(set(names())) == 66
    assert set(names()) <= set(EXPECTED)


@pytest.mark.parametrize("name", names())
def test_a_prompt_is_fastchats_character_for_character(name: str) -> None:
    assert renderer(find(name).jinja)(CONVERSATION) == EXPECTED[name]["prompt"]


@pytest.mark.parametrize("name", names())
def test_what_ends_an_answer_is_what_it_was_in_fastchat(name: str) -> None:
    template, stop = find(name), EXPECTED[name]["stop_str"]
    assert list(template.stop) == ([stop] if isinstance(stop, str) else stop or [])
    assert list(template.stop_token_ids) == (EXPECTED[name]["stop_token_ids"] or [])


@pytest.mark.parametrize("name", names())
def test_the_bos_token_comes_once_and_first_or_not_at_all(name: str) -> None:
    with_system = renderer(find(name).jinja)(CONVERSATION, bos="<BOS>")
    without = renderer(find(name).jinja)([{"role": "system", "content": ""}, *CONVERSATION[1:]], bos="<s>")
    assert with_system.removeprefix("<BOS>") == EXPECTED[name]["prompt"]
    assert not without.startswith("<s><s>")


@pytest.mark.parametrize("name", names())
def test_without_a_question_to_answer_the_prompt_ends_with_the_last_message(name: str) -> None:
    render = renderer(find(name).jinja)
    whole, open_ended = render(CONVERSATION[:3], cue=False), render(CONVERSATION[:3])
    assert "A1" in whole
    assert open_ended.startswith(whole) or name == "cllm"


@pytest.mark.parametrize("name", names())
def test_the_last_of_several_system_messages_counts(name: str) -> None:
    render = renderer(find(name).jinja)
    several = [{"role": "system", "content": "forgotten"}, *CONVERSATION]
    assert render(several) == render(CONVERSATION)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "user", "content": [{"type": "image_url"}]},
    ],
)
@pytest.mark.parametrize("name", ["vicuna_v1.1", "llama-2", "cllm"])
def test_what_a_template_cannot_show_is_an_error(name: str, message: dict[str, object]) -> None:
    with pytest.raises(TemplateRefused, match=f"{name} shows only text of system, user and assistant"):
        renderer(find(name).jinja)([*CONVERSATION, message])


def test_a_conversation_without_system_message_has_the_familys_own() -> None:
    prompt = renderer(find("koala_v1").jinja)(CONVERSATION[1:])
    assert prompt == "BEGINNING OF CONVERSATION: USER: U1 GPT: A1</s>USER: U2 GPT:"


def test_an_empty_system_message_is_left_out_where_its_frame_would_mean_something() -> None:
    empty = [{"role": "system", "content": ""}, *CONVERSATION[1:]]
    assert renderer(find("llama-2").jinja)(empty) == "[INST] U1 [/INST] A1 </s><s>[INST] U2 [/INST]"


def test_whether_the_text_begins_with_the_bos_token_may_be_said() -> None:
    assert renderer(of_family("vicuna_v1.1", bos=False).jinja)(CONVERSATION, bos="<s>")[:3] == "{S}"
    assert renderer(of_family("dolly_v2", bos=True).jinja)(CONVERSATION, bos="<s>")[:6] == "<s>{S}"


def vicuna(system: str, turns: Turns, last: str) -> str:
    said = "".join(f"USER: {question} ASSISTANT: {answer}</s>" for question, answer in turns)
    return f"{system} {said}USER: {last} ASSISTANT:"


def chatglm2(system: str, turns: Turns, last: str) -> str:
    rounds = [f"问：{question}\n\n答：{answer}\n\n" for question, answer in turns] + [f"问：{last}\n\n答："]
    return f"{system}\n\n" + "".join(f"[Round {n}]\n\n{text}" for n, text in enumerate(rounds, 1))


def llama_2(system: str, turns: Turns, last: str) -> str:
    questions = [question for question, _ in turns] + [last]
    questions[0] = f"<<SYS>>\n{system}\n<</SYS>>\n\n{questions[0]}"
    blocks = [f"[INST] {question} [/INST]" for question in questions]
    return blocks[0] + "".join(
        f" {answer} </s><s>{block}" for (_, answer), (_, block) in zip(turns, pairwise(blocks), strict=True)
    )


def qwen(system: str, turns: Turns, last: str) -> str:
    said = [("system", system)]
    for question, answer in turns:
        said += [("user", question), ("assistant", answer)]
    blocks = [f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in [*said, ("user", last)]]
    return "".join(blocks) + "<|im_start|>assistant\n"


def falcon(system: str, turns: Turns, last: str) -> str:
    def tight(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\n\n", "\n")

    said = "".join(f"User: {tight(question)}\n\nAssistant: {tight(answer)}\n\n" for question, answer in turns)
    return f"{system}{said}User: {tight(last)}\n\nAssistant:"


def yuan2(system: str, turns: Turns, last: str) -> str:
    return f"{system}\n" + "<n>".join([text for turn in turns for text in turn] + [last]) + "<sep>"


def cllm(system: str, turns: Turns, last: str) -> str:
    return f"{system} USER: {last} ASSISTANT:"


REFERENCES: dict[str, Callable[[str, Turns, str], str]] = {
    "vicuna_v1.1": vicuna,
    "chatglm2": chatglm2,
    "llama-2": llama_2,
    "qwen-7b-chat": qwen,
    "falcon": falcon,
    "yuan2": yuan2,
    "cllm": cllm,
}
text = st.text(min_size=1, max_size=12) | st.sampled_from(["{{ x }}", "a\r\n\r\nb", "\\n'\"", "</s>", "  "])


@pytest.mark.parametrize("name", REFERENCES)
@given(system=text, turns=st.lists(st.tuples(text, text), max_size=3), last=text)
def test_any_conversation_is_written_in_the_familys_style(
    name: str, system: str, turns: Turns, last: str
) -> None:
    messages: list[dict[str, object]] = [{"role": "system", "content": system}]
    for question, answer in turns:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    messages.append({"role": "user", "content": last})
    assert renderer(find(name).jinja)(messages) == REFERENCES[name](system, turns, last)
