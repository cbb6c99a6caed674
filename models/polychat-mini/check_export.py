"""Check that llama.cpp and transformers read the exported file alike.

    python serve.py FILE.gguf --port 18770 &
    python check_export.py FILE.gguf http://127.0.0.1:18770

For a few conversations it compares, between the two programs, the rendered prompt's token ids and
the greedy answer, and the rendered prompt with the text that training used.
"""

import argparse
import random
from pathlib import Path

import httpx
import torch
from corpus.mix import WEIGHTS, sample
from corpus.sample import Sample, messages, schema, segments
from transformers import AutoTokenizer, LlamaForCausalLM

NUM_EACH = 3
MAX_NEW_TOKENS = 80


def conversations() -> list[Sample]:
    """Test samples that end in a plain answer: llama.cpp constrains tool calls by a grammar."""
    rng = random.Random(7)
    drawn = [sample(rng, skill, "test") for skill in WEIGHTS for _ in range(NUM_EACH)]
    return [s for s in drawn if s.turns and not s.turns[-1].calls]


def greedy(model: LlamaForCausalLM, ids: list[int]) -> list[int]:
    inputs = torch.tensor([ids])
    out = model.generate(inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
    answer: list[int] = out[0, len(ids) :].tolist()
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("server")
    args = parser.parse_args()
    folder, name = str(args.file.parent), args.file.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = LlamaForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    http = httpx.Client(base_url=args.server, timeout=120)
    same = {"text": 0, "ids": 0, "answer": 0}
    drawn = conversations()
    for one in drawn:
        tools = [schema(tool) for tool in one.tools] or None
        prompt = tokenizer.apply_chat_template(
            messages(one.turns[:-1]), tools=tools, tokenize=False, add_generation_prompt=True
        )
        same["text"] += prompt == "".join(text for text, _ in segments(one)[:-1])
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        same["ids"] += ids == http.post("/tokenize", json={"content": prompt}).json()["tokens"]
        ours = tokenizer.decode(greedy(model, ids), skip_special_tokens=True)
        sampling = {"prompt": ids, "temperature": 0, "max_tokens": MAX_NEW_TOKENS}
        theirs = http.post("/v1/completions", json=sampling).json()["choices"][0]["text"]
        same["answer"] += ours == theirs
        if ours != theirs:
            print(f"answers differ:\n  transformers {ours!r}\n  llama.cpp    {theirs!r}")
    print(f"of {len(drawn)} prompts the same: {same}")


if __name__ == "__main__":
    main()
