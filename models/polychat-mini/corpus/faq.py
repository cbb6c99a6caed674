"""Questions about polychat: an item's phrasings and their answer."""

import random

from corpus.faq_concepts import ALL_ITEMS
from corpus.faq_items import Item
from corpus.words import Split, noisy

OPENINGS = [
    "hi, ",
    "hello, ",
    "please, ",
    "ok, ",
    "and ",
    "so ",
    "now ",
    "well, ",
    "sorry, ",
    "quick question: ",
]
ENDINGS = [" please", " with polychat", " in polychat", ", please", " thanks", " now", " here", " again"]
SYNONYMS = [
    ("polychat", ["it", "the platform", "this", "the server", "Polychat", "the service", "poly chat"]),
    ("machine", ["computer", "server", "host", "box", "node", "pc", "system"]),
    ("computer", ["machine", "server", "host", "pc", "laptop"]),
    ("use", ["run", "employ", "work with", "make use of", "utilize"]),
    ("start", ["launch", "fire up", "spin up", "boot", "bring up", "kick off"]),
    ("add", ["attach", "hook up", "plug in", "include", "connect"]),
    ("model", ["llm", "language model", "AI model", "checkpoint"]),
    ("see", ["find out", "check", "view", "look at", "show", "tell"]),
    ("port", ["port number", "network port", "tcp port"]),
    ("web", ["chat", "browser"]),
    ("is", ["'s", "would be", "might be"]),
    ("change", ["modify", "alter", "set", "adjust"]),
    ("how", ["in what way", "HOW", "how exactly"]),
    ("need", ["require", "have to have"]),
]
QUESTION_SHARE = 0.45  # of the training questions: hand-written whole sentences, not prefix + core


def ask(rng: random.Random, item: Item, split: Split) -> str:
    if split != "train":
        return rng.choice(item.held.split("|")[0 if split == "dev" else 1 :: 2])
    if rng.random() < QUESTION_SHARE:
        question = rng.choice(item.questions.split("|"))
    else:
        question = f"{rng.choice(item.prefixes.split('|'))} {rng.choice(item.cores.split('|'))}"
        if rng.random() < 0.15:
            question += rng.choice(ENDINGS)
        question += "?" if rng.random() < 0.6 else ""
    if rng.random() < 0.1:
        question = rng.choice(OPENINGS) + question
    return noisy(rng, other_word(rng, question), split)


def other_word(rng: random.Random, question: str) -> str:
    """Now and then one word becomes another that means the same here."""
    if rng.random() < 0.25:
        word, others = rng.choice(SYNONYMS)
        question = f" {question} ".replace(f" {word} ", f" {rng.choice(others)} ", 1).strip()
    return question


def faq(rng: random.Random, split: Split) -> tuple[str, str]:
    """One question about polychat and the one answer it has."""
    item = rng.choice(ALL_ITEMS)
    return ask(rng, item, split), item.answer


def answer(key: str) -> str:
    return next(item.answer for item in ALL_ITEMS if item.key == key)
