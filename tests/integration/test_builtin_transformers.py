"""The built-in GGUF is the same model in transformers as in llama.cpp."""

from importlib import resources
from pathlib import Path

import httpx
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from polychat.engines.llamacpp.engine import LlamaCpp
from polychat.engines.models import resolve
from polychat.engines.spec import EngineSpec

FOLDER = Path(str(resources.files("polychat.engines"))) / "builtin"
FILE = "polychat-mini.gguf"


@pytest.mark.parametrize("question", ["Hello!", "How do I add a model?", "你是谁？"])
async def test_transformers_loads_it_and_says_the_same_as_llamacpp(question: str) -> None:
    spec = EngineSpec(secret="s", port=None)
    engine = LlamaCpp(spec, resolve("builtin"))
    chat = [{"role": "user", "content": question}]
    try:
        url = await engine.start()
        async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer s"}) as client:
            body = {"messages": chat, "temperature": 0}
            answer = (await client.post(f"{url}/v1/chat/completions", json=body, timeout=60)).json()
    finally:
        await engine.stop()
    assert greedy(chat) == answer["choices"][0]["message"]["content"]


def greedy(chat: list[dict[str, str]]) -> str:
    """transformers' own answer, token by token the most likely one."""
    tokenizer = AutoTokenizer.from_pretrained(FOLDER, gguf_file=FILE)
    model = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file=FILE, dtype=torch.float32)
    prompt = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    output = model.generate(**prompt, do_sample=False, max_new_tokens=100)
    text: str = tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return text
