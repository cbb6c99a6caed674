"""Invented tools: a verb, a noun (often no real word) and parameters, with a question for them.

They exist so that the model reads the tool list of the request instead of remembering tools.
"""

import random

from corpus.sample import Call, JsonObject, Param, Tool
from corpus.tool_values import value
from corpus.words import Split, choose, listed, nonce, phrasings

VERBS = listed(
    "get find search fetch check list create add send delete book set update compute convert play show open "
    "start "
    "order read write load save cancel reserve track measure calculate lookup query print call move make"
)
NOUNS: dict[Split, list[str]] = {
    "train": listed(
        "news price time email message file user product invoice report song movie game room table car train "
        "photo "
        "note task event contact address score rate balance account code key size color job ticket taxi "
        "pizza book "
        "page map route distance language word definition city country population temperature humidity alarm "
        "timer "
        "light door camera robot sensor server model log status version network printer calendar meeting "
        "reminder "
        "package shipment store stock_item payment loan tax student course grade teacher exam library team "
        "player "
        "match weather_alert tide moon planet star"
    ),
    "dev": listed("horoscope earthquake playlist restaurant coupon warehouse"),
    "test": listed("inventory volcano museum_pass mortgage satellite podcast"),
}
PARAMS: dict[Split, list[str]] = {
    "train": listed(
        "name id query title text date time place country amount count limit unit kind type value "
        "code number "
        "size level mode user email address color format language key path page year month hour minutes item "
        "tag "
        "status price speed target source city location"
    ),
    "dev": listed("origin days symbol quantity room_id owner"),
    "test": listed("topic genre guests duration region brand"),
}
INTEGERS = frozenset(
    listed("count limit amount number days quantity guests minutes year hour level size page duration")
)
DESCRIPTIONS = listed(
    "{v} the {n}|{v} {n}|{v} a {n}|{v} the {n} for a {p}|{v} the current {n}|returns the {n}|{v} {n} by {p}"
    "|tool to {v} the {n}|this function can {v} the {n}",
    "|",
)
WITH_VALUE = phrasings(
    "{v} the {x} {n}|{v} {x} {n}|the {x} {n} please|{v} the {x} {n} please|can you {v} the {x} {n}"
    "|i want the {x} {n}|"
    "{v} the {n} for {x}|what is the {n} for {x}|what is the {n} in {x}|what is the {n} of {x}"
    "|can you {v} the {n} of {x}"
    "|please {v} {n} {x}|i need the {n} for {x}|{v} {n} for {x} please|{v} the {n} in {x}|{n} for {x}"
    "|{n} in {x}"
    "|tell me the {n} for {x}|{v} a {n} for {x}|{v} {n} {x}|how is the {n} in {x}|show me the {n} of {x}"
    "|{v} the {n} to {x}"
    "|i want to {v} the {n} {x}|{v} a {n} with {p} {x}|give me the {n} of {x}|do you know the {n} of {x}"
    "|{v} {x}|{x} {n}"
    "|could you {v} {n} {x}|{n} {x}|what about the {n} for {x}",
    "What's the {n} in {x}|Could you {v} the {n} for {x}|{v} me a {n} for {x}|What is the {n} like in {x}"
    "|I would like to {v} the {n} for {x}|Please {v} the {n} of {x}",
)
WITHOUT_VALUE = phrasings(
    "{v} the {n}|please {v} the {n}|can you {v} the {n}|what is the {n}|{v} {n}|i need the {n}"
    "|{v} the {n} please|{v} a {n}"
    "|what about the {n}|show me the {n}|{n} please|how is the {n}",
    "Could you {v} the {n}|I would like the {n}|{v} my {n}|Please {v} a {n}",
)
EXPLICIT = ["call {f}", "use {f}", "please call {f}", "run {f}", "use the {f} tool", "Call the function {f}"]
SETTINGS = ["{p} {x}", "{p} {x}", "{p} = {x}", "{p} set to {x}", "{p}: {x}", '{p} "{x}"', "{p}={x}"]


def make_tool(rng: random.Random, split: Split) -> tuple[Tool, str, str]:
    """A tool, its verb and its noun as words."""
    verb = rng.choice(VERBS)
    noun = nonce(rng, split) if rng.random() < 0.45 else rng.choice(NOUNS[split])
    camel = verb + noun.capitalize()
    name = rng.choice([f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}_{noun}", f"{noun}_{verb}", noun, camel])
    params = tuple(_param(rng, p, index) for index, p in enumerate(_param_names(rng, split)))
    first = params[0].name if params else "user"
    text = rng.choice(DESCRIPTIONS).format(v=verb, n=noun.replace("_", " "), p=first)
    text = text[0].upper() + text[1:] + rng.choice(["", "."])
    return Tool(name, text, params), verb, noun.replace("_", " ")


def _param_names(rng: random.Random, split: Split) -> list[str]:
    count = rng.choice([0, 1, 1, 1, 1, 2, 2, 3])
    if rng.random() < 0.1:
        return list(dict.fromkeys(nonce(rng, split) for _ in range(count)))
    pool = PARAMS["train"] if split == "train" else PARAMS[split] + rng.sample(PARAMS["train"], 8)
    return rng.sample(pool, count)


def _param(rng: random.Random, name: str, index: int) -> Param:
    number = rng.random() < (0.8 if name in INTEGERS else 0.1)
    kind = rng.choice(["integer", "integer", "number"]) if number else "string"
    return Param(name, kind, required=index == 0 or rng.random() < 0.5)


def ask(rng: random.Random, split: Split, tool: Tool, verb: str, noun: str) -> tuple[str, Call]:
    """A question for `tool`: the required parameters always, the optional ones half of the time."""
    used = [p for p in tool.params if p.required or rng.random() < 0.5]
    values = {p.name: value(rng, "any" if p.type == "string" else "int", split) for p in used}
    rest, frame = list(used), ""
    if rng.random() < 0.15:
        question = rng.choice(EXPLICIT).format(f=tool.name)
    elif used and (used[0].type == "string" or rng.random() < 0.5):
        first = rest.pop(0)
        frame = choose(rng, WITH_VALUE, split)
        question = frame.format(v=verb, n=noun, x=values[first.name], p=first.name.replace("_", " "))
    else:
        question = choose(rng, WITHOUT_VALUE, split).format(v=verb, n=noun)
    question += _settings(rng, rest, values, joined=" with " in question)
    if rng.random() < 0.6 and not frame.startswith("{x}"):  # a value is copied as it stands
        question = question[0].upper() + question[1:]
    question += rng.choice(["?", ".", "", ""])
    return question, Call(tool.name, dict(values))


def _settings(rng: random.Random, params: list[Param], values: dict[str, str | int], *, joined: bool) -> str:
    """The rest of the arguments: " with limit 5 and city Rome"."""
    text = ""
    for index, param in enumerate(params):
        shown, spoken = values[param.name], param.name.replace("_", " ") if rng.random() < 0.7 else param.name
        link = " with " if index == 0 and not joined else rng.choice([" and ", ", "])
        text += link + rng.choice(SETTINGS).format(p=spoken, x=shown)
    return text


def arguments_in_order(tool: Tool, values: JsonObject) -> JsonObject:
    """llama.cpp's grammar wants the arguments in the order of the schema."""
    return {p.name: values[p.name] for p in tool.params if p.name in values}
