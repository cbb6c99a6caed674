"""Conversations with tools: call one, answer from its result, or answer without a call."""

import json
import random
import re
from dataclasses import dataclass, replace

from corpus import tool_generic
from corpus.echo import phrase
from corpus.faq import faq
from corpus.greetings import greeting
from corpus.sample import Call, JsonValue, Param, Sample, Tool, Turn, assistant, user
from corpus.tool_domains import Domain, Slot
from corpus.tool_domains_held import domains
from corpus.tool_generic import NOUNS, PARAMS, arguments_in_order
from corpus.tool_values import value
from corpus.unknown import helpful_system, unknown
from corpus.words import Split, listed, nonce

OPENINGS = ["", "", "", "", "", "please ", "hey, ", "hi, ", "ok, ", "Hello! ", "can you help? "]
TYPES = {"int": ("integer", "integer", "number")}


@dataclass(frozen=True, slots=True)
class Asked:
    """A tool with a question that calls it."""

    tool: Tool
    question: str
    call: Call
    topic: str  # two tools of one topic are never offered together


def reskinned(rng: random.Random, domain: Domain) -> Domain:
    """`domain` with other nouns: get_weather becomes get_zorki, "the weather in Paris" "the zorki in Paris".

    Without this the model learns the few domains by heart instead of reading the tool list.
    """
    words = set(re.findall(r"[a-z]{4,}", domain.names.lower())) - set(tool_generic.VERBS)
    new = nonce(rng, "train") if rng.random() < 0.6 else rng.choice(NOUNS["train"]).split("_")[0]
    texts = [domain.names, domain.descriptions, domain.asks]
    for word in sorted(words, key=len, reverse=True):
        if word in domain.asks.lower():
            texts = [text.replace(word, new).replace(word.capitalize(), new.capitalize()) for text in texts]
    texts = [re.sub(rf"{new}[_ ]{new}", new, text) for text in texts]
    return replace(domain, names=texts[0], descriptions=texts[1], asks=texts[2])


def domain_tool(rng: random.Random, split: Split, domain: Domain) -> Tool:
    params: dict[str, Param] = {}
    for slot in domain.slots:
        name = rng.choice(slot.names.split("|"))
        if split == "train" and rng.random() < 0.35:
            name = nonce(rng, split) if rng.random() < 0.4 else rng.choice(PARAMS["train"])
        while name in params:
            name = nonce(rng, split)
        params[name] = Param(name, rng.choice(TYPES.get(slot.kind, ("string",))), slot.required, slot.choices)
    return Tool(
        rng.choice(domain.names.split("|")),
        rng.choice(domain.descriptions.split("|")),
        tuple(params.values()),
    )


def ask_domain(rng: random.Random, split: Split, domain: Domain) -> Asked:
    """A question of `domain`. What it does not mention is left out,"
    " or is an enum's first choice if required."""
    topic = domain.names.split("|")[0]
    if split == "train" and rng.random() < 0.5:
        domain = reskinned(rng, domain)
    tool = domain_tool(rng, split, domain)
    frame = rng.choice(domain.asks.split("|"))
    values: dict[str, JsonValue] = {}
    shown: list[str] = []
    for index, (slot, param) in enumerate(zip(domain.slots, tool.params, strict=True)):
        given = _slot_value(rng, slot, split)
        shown.append(str(given))
        if f"{{{index}}}" in frame:
            values[param.name] = given
        elif slot.required:
            values[param.name] = slot.choices[0] if slot.choices else given
    if rng.random() < 0.3 and split == "train":
        frame = frame.lower()
    if rng.random() < 0.25:
        frame = frame.rstrip("?")
    question = rng.choice(OPENINGS) + frame.format(*shown)
    return Asked(tool, question, Call(tool.name, arguments_in_order(tool, values)), topic)


def _slot_value(rng: random.Random, slot: Slot, split: Split) -> str | int:
    return rng.choice(slot.choices) if slot.choices else value(rng, slot.kind, split)


def ask_something(rng: random.Random, split: Split) -> Asked:
    if rng.random() < 0.65:
        return ask_domain(rng, split, rng.choice(domains(split)))
    tool, verb, noun = tool_generic.make_tool(rng, split)
    question, call = tool_generic.ask(rng, split, tool, verb, noun)
    return Asked(tool, question, call, noun)


def with_others(rng: random.Random, split: Split, asked: Asked) -> list[Asked]:
    """`asked` among up to three other tools that share no word of its name."""
    offered, taken = [asked], set(asked.tool.name.lower().split("_"))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3])):
        other = ask_something(rng, split)
        words = set(other.tool.name.lower().split("_")) - set(tool_generic.VERBS)
        if words & taken or other.topic in {a.topic for a in offered}:
            continue
        offered.append(other)
        taken |= words
    rng.shuffle(offered)
    return offered


def tools_of(offered: list[Asked]) -> tuple[Tool, ...]:
    return tuple(asked.tool for asked in offered)


def call_turns(asked: Asked) -> list[Turn]:
    return [user(asked.question), Turn("assistant", "", (asked.call,))]


def call_sample(rng: random.Random, split: Split) -> Sample:
    asked = ask_something(rng, split)
    turns = [*_before(rng, split), *call_turns(asked)]
    return Sample("call", tuple(turns), tools_of(with_others(rng, split, asked)))


def result_sample(rng: random.Random, split: Split) -> Sample:
    """After the call the tool has answered; half of the training samples go on with another question."""
    asked = ask_something(rng, split)
    offered = with_others(rng, split, asked)
    content, answer = result(rng, split)
    turns = [*_before(rng, split), *call_turns(asked), Turn("tool", content), assistant(answer)]
    if split == "train" and rng.random() < 0.2:
        turns += _plain(rng, split)
    if split == "train" and rng.random() < 0.4:
        content, answer = result(rng, split)
        turns += [*call_turns(rng.choice(offered)), Turn("tool", content), assistant(answer)]
    return Sample("result", tuple(turns), tools_of(offered))


def no_call_sample(rng: random.Random, split: Split) -> Sample:
    turns = _before(rng, split)
    for _ in range(rng.choice([1, 1, 2])):
        turns += _plain(rng, split, unknown_share=0.35)
    offered = with_others(rng, split, ask_something(rng, split))
    return Sample("no_call", tuple(turns), tools_of(offered))


def _before(rng: random.Random, split: Split) -> list[Turn]:
    """What may come before the question: a system prompt, an earlier turn."""
    turns = [Turn("system", helpful_system(rng))] if rng.random() < 0.3 else []
    return turns + _plain(rng, split) if rng.random() < 0.06 else turns


def _plain(rng: random.Random, split: Split, unknown_share: float = 0.15) -> list[Turn]:
    make = rng.choices([greeting, faq, unknown], [0.45, 0.4, unknown_share])[0]
    question, answer = make(rng, split)
    return [user(question), assistant(answer)]


def result(rng: random.Random, split: Split) -> tuple[str, str]:
    """What a tool returns (plain text, a number, a flat JSON object, other JSON) and the answer to it."""
    roll = rng.random()
    if roll < 0.3:
        text = _plain_result(rng, split)
        return text, f"The result is: {text}" + ("" if text[-1] in ".!?" else ".")
    if roll < 0.38:
        items = [value(rng, "any", split) for _ in range(rng.choice([1, 2, 3]))]
        text = json.dumps(items if rng.random() < 0.6 else {_key(rng, split): items}, ensure_ascii=False)
        return text, f"The result is: {text}."
    fields = {_key(rng, split): _field(rng, split) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))}
    separators = (",", ":") if rng.random() < 0.35 else (", ", ": ")
    answer = ", ".join(f"the {key} is {_spoken(item)}" for key, item in fields.items())
    return json.dumps(fields, ensure_ascii=False, separators=separators), f"{answer[0].upper()}{answer[1:]}."


def _plain_result(rng: random.Random, split: Split) -> str:
    """Sentences, numbers and the weather reports that SDK examples return."""
    roll = rng.random()
    if roll < 0.35:
        return phrase(rng, split)
    if roll < 0.55:
        return str(rng.choice([rng.randint(-20, 99), rng.randint(100, 99999), round(rng.uniform(0, 500), 2)]))
    degrees = rng.choice(["{} C", "{} degrees", "{}°C", "{} degrees celsius", "{}F", "{} degrees Fahrenheit"])
    sky = rng.choice(
        listed("sunny,cloudy,rainy,windy,snow,light rain,clear,partly cloudy,fog,Sunny,Cloudy", ",")
    )
    frames = [
        "{d}",
        "{s}",
        "{s}, {d}",
        "{d} and {s}",
        "{d}, {s}",
        "It is {s}",
        "It is {d} in {c}",
        "{s} in {c}",
        "{c}: {d}",
    ]
    filled = rng.choice(frames).format(
        d=degrees.format(rng.randint(-15, 95)), s=sky, c=value(rng, "city", split)
    )
    return filled + rng.choice(["", "", "."])


def _key(rng: random.Random, split: Split) -> str:
    roll = rng.random()
    if roll < 0.25:
        return rng.choice(
            listed("temperature weather city unit condition time price result status location name id")
        )
    return nonce(rng, split) if roll < 0.4 else rng.choice(PARAMS["train"] + NOUNS[split] + PARAMS[split])


def _field(rng: random.Random, split: Split) -> str | int | float | bool:
    roll = rng.random()
    if roll < 0.3:
        return value(rng, "int", split)
    if roll < 0.37:
        return rng.random() < 0.5
    return round(rng.uniform(0, 100), 1) if roll < 0.45 else value(rng, "any", split)


def _spoken(item: str | int | float | bool) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)
