"""Build the tokenizer: a byte-level BPE whose word pieces are the same after a space and elsewhere.

Plain BPE splits "Kavor" and " Kavor" differently, which defeats copying names into tool calls.
So merges are learned with every space split off, and frequent closed-class words get their
"space + word" token appended as last merges. Names and other slot values never get one.

    python tokenizer.py WORK_DIR        writes WORK_DIR/tokenizer.json, the same every time
"""

import argparse
import collections
import json
import random
import re
from pathlib import Path

from corpus.faq_concepts import ALL_ITEMS
from corpus.greetings import CHINESE, GREETINGS
from corpus.mix import WEIGHTS, sample
from corpus.sample import segments
from corpus.unknown import UNKNOWN
from corpus.words import CITIES, COMMON, NAMES, listed
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<tool_call>", "</tool_call>", "<tools>", "</tools>", "<tool_response>", "</tool_response>"]
VOCAB_SIZE = 2560
NUM_SPACE_WORDS = 900
NUM_SAMPLES = 40_000
SEED = 1
SPACE = "Ġ"  # how byte-level BPE writes a space
SHORT = frozenset(listed('a is to of in on it no do am an up my me by we or i + = " { `'))


def corpus_texts() -> list[str]:
    """Training text of every skill, and each fixed answer often enough to get whole-word tokens."""
    rng = random.Random(SEED)
    skills, weights = list(WEIGHTS), list(WEIGHTS.values())
    texts = []
    for _ in range(NUM_SAMPLES):
        skill = rng.choices(skills, weights)[0]
        texts.append("".join(text for text, _ in segments(sample(rng, skill, "train"))))
    texts += fixed_answers() * 20 + [a.upper() for a in fixed_answers()] * 8
    marks = re.compile("|".join(re.escape(mark) for mark in CONTROL + MARKS))
    return [marks.sub("\n", text) for text in texts]


def fixed_answers() -> list[str]:
    return [item.answer for item in ALL_ITEMS] + list(GREETINGS) + list(CHINESE) + [UNKNOWN]


def learn_merges(texts: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(CONTROL + MARKS) - NUM_SPACE_WORDS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def slot_words() -> set[str]:
    """Words that stand in slots, minus those that fixed answers need."""
    lists = [*NAMES.values(), *CITIES.values()]
    names = {part for words in lists for entry in words for part in entry.split(" ")}
    needed = {w for text in fixed_answers() for w in re.findall(r"\w+", text)}
    return (names | {w for w in COMMON if len(w) > 3}) - needed


def add_space_words(texts: list[str], vocab: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """Append "space + word" for the most frequent words that are one token already."""
    counts = collections.Counter(w for text in texts for w in re.findall(r" ([^\W\d_]+|[^\s\w]+)", text))
    skipped, added = slot_words(), 0
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for word, _ in counts.most_common():
        piece = to_bytes.pre_tokenize_str(word)[0][0]
        wanted = word not in skipped and (len(word) >= 3 or word.lower() in SHORT)
        if wanted and piece in vocab and SPACE + piece not in vocab and added < NUM_SPACE_WORDS:
            vocab[SPACE + piece] = len(vocab)
            merges.append((SPACE, piece))
            added += 1


def build() -> Tokenizer:
    texts = corpus_texts()
    vocab, merges = learn_merges(texts)
    add_space_words(texts, vocab, merges)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in CONTROL])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in MARKS])
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work_dir", type=Path)
    args = parser.parse_args()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    build().save(str(args.work_dir / "tokenizer.json"))


if __name__ == "__main__":
    main()
