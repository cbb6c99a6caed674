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
LIKELY = {  # what most people will type first, word for word; never part of the test split
    "start": "How do I start polychat?|How do I start it?|How do I run polychat?",
    "stop": "How do I stop polychat?|How do I stop it?|How do I shut it down?",
    "install": "How do I install polychat?|How do I install it?",
    "model": "How do I add a model?|How do I use my own model?|How do I load a model?",
    "second": "How do I add a second model?|How do I serve two models?",
    "remote": "How do I add a worker on another machine?|How do I add a worker?",
    "keys": "How do I use API keys?|How do I set an API key?|How do I protect the API with keys?",
    "p_api": "Which port does the API use?|What port is the API on?|What is the API port?",
    "p_web": "Which port is the web page on?|Which port does the web page use?",
    "p_ctl": "Which port does the controller use?|What port is the controller on?",
    "p_wrk": "Which port does a worker use?|Which ports do workers use?",
    "ports": "What ports does polychat use?|Which ports does polychat use?|What are the ports?",
    "port_change": "How do I change the port?|How do I use another port?",
    "sdk": "How do I use it with the OpenAI SDK?|How do I use the OpenAI SDK?|What is the base URL?",
    "web": "How do I open the web page?|Where is the web page?",
    "chat": "How do I chat in the terminal?|Can I chat in the terminal?",
    "list": "How do I list the models?|Which models are there?",
    "status": "How do I see the status?|How do I check the status?",
    "download": "How do I download a model?",
    "doctor": "What do I do if something goes wrong?|It does not work. What now?",
    "curl": "How do I call the API with curl?",
    "controller": "What does the controller do?|What is the controller?|What is a controller?",
    "worker": "What is a worker?|What does a worker do?",
    "gateway": "What is a gateway?|What is the gateway?|What does the gateway do?",
    "what": "What is polychat?|What does polychat do?|Tell me about polychat",
    "license": "What license is polychat under?|Is polychat open source?|What is the license?",
    "offline": "Does it work offline?|Does polychat work offline?|Do I need the internet?",
    "gpu": "Do I need a GPU?|Does polychat need a GPU?|Does it need a GPU?",
    "fastchat": "How is polychat different from FastChat?|Can polychat replace FastChat?",
}
LIKELY_SHARE = 0.2  # of the training questions
QUESTION_SHARE = 0.45  # of the others: hand-written whole sentences, not prefix + core


def ask(rng: random.Random, item: Item, split: Split) -> str:
    if split != "train":
        return rng.choice(item.held.split("|")[0 if split == "dev" else 1 :: 2])
    if item.key in LIKELY and rng.random() < LIKELY_SHARE:
        return noisy(rng, rng.choice(LIKELY[item.key].split("|")), split)
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
