"""llama.cpp and transformers render the table's templates as they are meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import xllamacpp
from transformers import PreTrainedTokenizerFast

from polychat.engines.models import BUILTIN_PATH
from polychat.engines.templates import find, names, of_family
from tests.support import tiny_gguf
from tests.support.chat_prompts import CONVERSATION, expected

EXPECTED = expected()


@contextmanager
def llamacpp(jinja: str, model: Path = BUILTIN_PATH) -> Iterator[httpx.Client]:
    """llama.cpp's own server in this process, with a chat template."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.chat_template, params.use_jinja = jinja, True
    params.n_ctx, params.n_parallel, params.n_gpu_layers, params.port = 256, 1, 0, 0
    params.warmup, params.offline, params.verbosity = False, True, 1
    server = xllamacpp.Server(params)
    with httpx.Client(base_url=server.listening_address, trust_env=False, timeout=30) as http:
        yield http
    del server


@pytest.mark.parametrize("name", names())
def test_llamacpp_writes_the_prompt_that_fastchat_wrote(name: str) -> None:
    with llamacpp(of_family(name, bos=False).jinja) as http:
        answer = http.post("/apply-template", json={"messages": CONVERSATION}).json()
    assert answer["prompt"] == EXPECTED[name]["prompt"]


@pytest.mark.parametrize("name", ["vicuna_v1.1", "alpaca", "llama2-chinese"])
def test_llamacpp_puts_one_bos_token_first(name: str, tmp_path: Path) -> None:
    model = tiny_gguf.write(tmp_path / "tiny.gguf", adds_bos=True)
    with llamacpp(find(name).jinja, model) as http:
        prompt = http.post("/apply-template", json={"messages": CONVERSATION}).json()["prompt"]
        asked = {"content": prompt, "add_special": True, "parse_special": True, "with_pieces": True}
        tokens = [token["piece"] for token in http.post("/tokenize", json=asked).json()["tokens"]]
    assert tokens[0] == "<|endoftext|>"
    assert tokens.count("<|endoftext|>") == 1


def test_llamacpp_answers_400_to_a_role_that_a_template_cannot_show() -> None:
    chat = {"messages": [*CONVERSATION, {"role": "tool", "tool_call_id": "1", "content": "42"}]}
    with llamacpp(find("vicuna_v1.1").jinja) as http:
        refused = http.post("/v1/chat/completions", json=chat)
    assert refused.status_code == 400
    assert "messages, not role tool" in refused.json()["error"]["message"]


def tokenizer() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(BUILTIN_PATH.parent, gguf_file=BUILTIN_PATH.name)


def test_transformers_writes_every_prompt_that_fastchat_wrote() -> None:
    tokens = tokenizer()
    for name in names():
        jinja = of_family(name, bos=False).jinja
        prompt = tokens.apply_chat_template(
            list(CONVERSATION), chat_template=jinja, add_generation_prompt=True, tokenize=False
        )
        assert prompt == EXPECTED[name]["prompt"], name


def test_transformers_puts_one_bos_token_first() -> None:
    tokens = tokenizer()
    ids = tokens.apply_chat_template(
        list(CONVERSATION), chat_template=find("vicuna_v1.1").jinja, return_dict=True
    )["input_ids"]
    assert ids[0] == tokens.bos_token_id
    assert ids.count(tokens.bos_token_id) == 1


def test_transformers_can_go_on_with_an_answer() -> None:
    prompt = tokenizer().apply_chat_template(
        list(CONVERSATION[:3]),
        chat_template=find("dolly_v2").jinja,
        continue_final_message=True,
        tokenize=False,
    )
    assert prompt.endswith("### Response:\nA1")
