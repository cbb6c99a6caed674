"""How often each skill is drawn, and samples that mix several skills in one conversation."""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

from corpus import memory
from corpus.echo import echo
from corpus.faq import faq
from corpus.greetings import greeting
from corpus.json_answers import forced_sample, json_sample
from corpus.sample import Sample, Turn, assistant, user
from corpus.systems import system_sample
from corpus.tales import raw_sample, tale_sample
from corpus.tools import call_sample, no_call_sample, result_sample
from corpus.unknown import UNKNOWN, helpful_system, long_text, unknown
from corpus.words import Split

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "greeting": 0.09,
        "faq": 0.19,
        "echo": 0.16,
        "memory": 0.08,
        "system": 0.22,
        "unknown": 0.07,
        "tale": 0.04,
        "raw": 0.01,
        "chat": 0.06,
        "call": 0.3,
        "result": 0.06,
        "no_call": 0.05,
        "long": 0.01,
        "json": 0.2,
        "forced": 0.1,
    }
)
Turns = Callable[[random.Random, Split], tuple[str, str]]
SINGLE: Mapping[str, Turns] = MappingProxyType(
    {"greeting": greeting, "faq": faq, "echo": echo, "unknown": unknown}
)


def single(rng: random.Random, split: Split) -> list[Turn]:
    """One question and its answer of any skill that needs no context."""
    make = rng.choices([greeting, faq, echo, unknown], [0.3, 0.4, 0.15, 0.15])[0]
    question, answer = make(rng, split)
    return [user(question), assistant(answer)]


def chat_sample(rng: random.Random, split: Split, num_questions: int = 0) -> Sample:
    """Several unrelated questions in a row, sometimes with a name told and asked for on the way."""
    turns: list[Turn] = []
    for _ in range(num_questions or rng.choice([2, 3, 4])):
        turns += single(rng, split)
    if rng.random() < 0.15:
        question, answer = memory.not_told(rng, split)
        turns += [user(question), assistant(answer)]
    return Sample("chat", (*_system(rng, 0.1), *turns))


def memory_sample(rng: random.Random, split: Split, num_between: int = -1) -> Sample:
    """A name told, other turns, the name asked. One in twelve asks without having told."""
    if rng.random() < 0.08:
        question, answer = memory.not_told(rng, split)
        before = single(rng, split) if rng.random() < 0.5 else []
        return Sample("memory", (*before, user(question), assistant(answer)))
    who = memory.full_name(rng, split)
    turns = single(rng, split) if rng.random() < 0.15 else []
    turns += memory.introduction(rng, split, who)
    for _ in range(num_between if num_between >= 0 else rng.choice([0, 1, 1, 1, 2, 2, 3])):
        turns += single(rng, split)
    return Sample("memory", (*_system(rng, 0.1), *turns, *memory.recall(rng, split, who)))


def long_sample(rng: random.Random, split: Split) -> Sample:
    """Up to about 1200 tokens: long chats, long system prompts, long pasted texts."""
    roll = rng.random()
    if roll < 0.35:
        return Sample("long", memory_sample(rng, split, num_between=rng.randint(6, 22)).turns)
    if roll < 0.6:
        return Sample("long", chat_sample(rng, split, num_questions=rng.randint(8, 24)).turns)
    if roll < 0.8:
        pasted = long_text(rng, split, num_words=rng.randint(80, 450))
        return Sample("long", (user(pasted), assistant(UNKNOWN), *single(rng, split)))
    rules = helpful_system(rng) + " " + long_text(rng, split, num_words=rng.randint(50, 300))
    return Sample("long", (Turn("system", rules), *single(rng, split), *single(rng, split)))


def sample(rng: random.Random, skill: str, split: Split) -> Sample:
    """One sample of `skill`. The same generator state gives the same sample."""
    if skill in SINGLE:
        question, answer = SINGLE[skill](rng, split)
        return Sample(skill, (*_system(rng, 0.12), user(question), assistant(answer)))
    return SAMPLES[skill](rng, split)


def _system(rng: random.Random, share: float) -> list[Turn]:
    return [Turn("system", helpful_system(rng))] if rng.random() < share else []


SAMPLES: Mapping[str, Callable[[random.Random, Split], Sample]] = MappingProxyType(
    {
        "memory": memory_sample,
        "system": system_sample,
        "tale": tale_sample,
        "raw": raw_sample,
        "chat": chat_sample,
        "call": call_sample,
        "result": result_sample,
        "no_call": no_call_sample,
        "long": long_sample,
        "json": json_sample,
        "forced": forced_sample,
    }
)
