"""Answers that a JSON schema forces, and tool calls that the request forces, whatever was asked.

The schema is not in the prompt: the keys come one by one, and the model fills in what fits from the
conversation, or "unknown", 0, false, null or []. It learns to end each value, not to answer in JSON.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace

from corpus.echo import echo
from corpus.faq import faq
from corpus.greetings import greeting
from corpus.json_pieces import render
from corpus.json_scenes import COLORS, JOBS, KEYS, PETS, Scene, fact, scene, simple
from corpus.json_slips import Slip, overrun, slipped_object
from corpus.sample import Call, JsonObject, JsonValue, Piece, Sample, Tool, Turn, assistant, user
from corpus.tool_generic import NOUNS, PARAMS
from corpus.tools import Asked, ask_something, tools_of, with_others
from corpus.unknown import helpful_system, unknown
from corpus.words import Split, listed, name, nonce

UNKNOWN = "unknown"
SYSTEMS = listed(
    "Extract the data.|Extract the event information.|Answer in JSON.|Reply only with JSON."
    "|You are a data extractor.|You extract facts from a text.|Output a JSON object.|Return the fields."
    "|You are an expert at structured data extraction.|Fill in the form.",
    "|",
)
WRAPPERS = listed(
    "{s}|{s}|{s}|{s}|{s}|Extract: {s}|{s} Return JSON.|Extract the {k}: {s}|Give me the {k}: {s}|Text: {s}"
    "|Parse this: {s}|What is the {k}? {s}|{s} Answer as JSON.|Extract the information from this text: {s}",
    "|",
)
IDLE = listed(
    "Give me JSON.|Tell me about {w}.|Invent a person.|Generate a user.|Describe a {w}.|{w}|Classify: {w} {w}"
    "|Write a joke about {w}.|Rate the {w}.|Return JSON.|What do you know about {w}?|Make a plan for {w}."
    "|.|ok",
    "|",
)
ANSWERS = listed("answer answer response reply text message content final_answer output result")
WRAPS = listed("person user data info details result address meta record customer")
ENUMS = [COLORS, JOBS, PETS, listed("positive negative neutral"), listed("low medium high"), listed("yes no")]
Fields = dict[str, tuple[JsonValue, JsonObject]]  # by key: the value and its schema
STRING: JsonObject = {"type": "string"}


def json_sample(rng: random.Random, split: Split) -> Sample:
    roll = rng.random()
    if roll < 0.08:
        return free_sample(rng, split)
    if roll < 0.5:
        shown = scene(rng, split)
        text = rng.choice(WRAPPERS).replace("{s}", shown.text)
        fields = fields_of(rng, shown, split)
        return _sample(rng, split, text.replace("{k}", " and ".join(fields)), fields)
    if roll < 0.58:
        return people_sample(rng, split)
    return idle_sample(rng, split)


def simple_sample(rng: random.Random, split: Split) -> Sample:
    """Name, age and city, each asked for by its plainest key."""
    shown = simple(rng, split)
    fields: Fields = {kind: (item, _schema_of(item)) for kind, item in shown.facts.items()}
    schema = _object_schema({key: kind for key, (_, kind) in fields.items()})
    return _finished("extract", [user(shown.text)], {k: v for k, (v, _) in fields.items()}, schema, " ")


def free_sample(rng: random.Random, split: Split) -> Sample:
    """`json_object`: any object will do, so the keys are the model's own."""
    question, answer = _plain(rng, split)
    value: JsonObject = {"answer": answer}
    if rng.random() < 0.5:
        shown = scene(rng, split)
        question, value = shown.text, dict(shown.facts)
    text = json.dumps(value, ensure_ascii=False)
    pieces = (Piece(text[:2], ('{"', "{}")), Piece(text[2:]))
    turns = [*_before(rng, split), user(question), Turn("assistant", text, pieces=pieces)]
    return Sample("json", tuple(turns), answer_schema={"type": "object"})


def people_sample(rng: random.Random, split: Split) -> Sample:
    """An array of objects."""
    num, kind = rng.choice([1, 2, 2, 3]), rng.choice(["age", "city", "job", "color", "pet"])
    people = [(name(rng, split), fact(rng, kind, split)) for _ in range(num)]
    link = {"age": "{} is {}", "city": "{} lives in {}", "job": "{} is a {}"}.get(kind, "{} has a {}")
    text = " and ".join(link.format(*pair) for pair in people) + "."
    first, second = rng.choice(KEYS["name"]), rng.choice(KEYS[kind])
    items: JsonValue = [{first: who, second: what} for who, what in people]
    one = _object_schema({first: STRING, second: _schema_of(people[0][1])})
    key = rng.choice(["people", "users", "items", "list", "persons", "pets", nonce(rng, split)])
    return _sample(rng, split, text, {key: (items, {"type": "array", "items": one})})


def idle_sample(rng: random.Random, split: Split) -> Sample:
    """A prompt in which there is nothing of what the schema asks for."""
    question, answer = _plain(rng, split)
    if rng.random() < 0.25:
        question = rng.choice(IDLE).replace("{w}", nonce(rng, split))
        answer = ""
    fields: Fields = {}
    for _ in range(rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 8])):
        fields[_any_key(rng, split)] = missing(rng)
    if answer and rng.random() < 0.35:
        fields = {rng.choice(ANSWERS): (answer, STRING)} | (fields if rng.random() < 0.5 else {})
    return _sample(rng, split, question, fields)


def fields_of(rng: random.Random, shown: Scene, split: Split) -> Fields:
    """Some or all facts of a scene in any order; now and then a key that it says nothing about."""
    kinds = list(shown.facts)
    if rng.random() < 0.4:
        kinds = rng.sample(kinds, rng.randint(1, len(kinds)))
    fields: Fields = {}
    for kind in kinds:
        item = shown.facts[kind]
        key = rng.choice(KEYS[kind]) if kind in KEYS else kind
        fields[key if key not in fields else kind] = (item, _schema_of(item, rng))
    if rng.random() < 0.25:
        key = nonce(rng, split) if rng.random() < 0.5 else rng.choice(["phone", "country", "id", "zip"])
        fields[key] = missing(rng)
    return fields


def missing(rng: random.Random) -> tuple[JsonValue, JsonObject]:
    """What stands for something unknown, by type."""
    roll = rng.random()
    if roll < 0.5:
        return UNKNOWN, STRING
    if roll < 0.75:
        kind = rng.choice(["integer", "integer", "number", "boolean"])
        return False if kind == "boolean" else 0, {"type": kind}
    if roll < 0.83:
        choices = rng.choice(ENUMS)[:5]
        return rng.choice(choices), {"type": "string", "enum": list(choices)}
    if roll < 0.9:
        return None, {"anyOf": [STRING, {"type": "null"}]}
    items: JsonObject = rng.choice([STRING, STRING, {"type": "integer"}, _object_schema({"name": STRING})])
    return [], {"type": "array", "items": items}


def forced_sample(rng: random.Random, split: Split) -> Sample:
    """`tool_choice` forces a call that the question does not ask for, before or after a plain answer."""
    asked, forced = ask_something(rng, split), ask_something(rng, split)
    offered = with_others(rng, split, forced)
    question, answer, given = *_plain(rng, split), {}
    if rng.random() < 0.35:
        question, answer, given = asked.question, "", asked.call.arguments
    content = answer if rng.random() < 0.7 else ""
    called = rng.choice(offered)
    arguments = stand_ins(called, given)
    if split == "train" and rng.random() < 0.3 and not any(p.choices for p in called.tool.params):
        content = Slip(overrun(rng, content, split)) if content and rng.random() < 0.4 else content
        arguments = slipped_object(rng, arguments, split)
    call = Call(called.tool.name, arguments)
    turn = Turn("assistant", content, (call,), _call_pieces(content, call, called.tool))
    return Sample("forced", (*_before(rng, split), user(question), turn), tools_of(offered))


def stand_ins(called: Asked, given: JsonObject) -> JsonObject:
    """Arguments of a call that was not asked for: values of the question whose type fits, in its order."""
    words = [item for item in given.values() if isinstance(item, str)]
    numbers = [item for item in given.values() if isinstance(item, int)]
    arguments: JsonObject = {}
    for param in called.tool.params:
        if not param.required:
            continue
        if param.choices:
            arguments[param.name] = param.choices[0]
        elif param.type == "string":
            arguments[param.name] = words.pop(0) if words else UNKNOWN
        else:
            arguments[param.name] = numbers.pop(0) if numbers else 0
    return arguments


def _call_pieces(content: str, call: Call, tool: Tool) -> tuple[Piece, ...]:
    """After a plain answer the end is forbidden, which leaves the call; without one the call is forced."""
    mark, head = "<tool_call>\n", f'{{"name": "{call.name}", "arguments": '
    plain = Piece(content, is_learned=not isinstance(content, Slip))
    opening = [plain, Piece("\n" + mark, ())] if content else [Piece(mark, (mark,))]
    if not call.arguments:
        return (*opening, Piece(head + "{}", (head + "{}",)), Piece("}\n</tool_call>"))
    properties: JsonObject = {p.name: _param_schema(p.type, p.choices) for p in tool.params}
    inner = render(call.arguments, {"type": "object", "properties": properties}, (head,))
    return (*opening, *inner, Piece("}\n</tool_call>"))


def _param_schema(kind: str, choices: tuple[str, ...]) -> JsonObject:
    return {"type": "string", "enum": list(choices)} if choices else {"type": kind}


def _sample(rng: random.Random, split: Split, text: str, fields: Fields) -> Sample:
    value: JsonObject = {key: item for key, (item, _) in fields.items()}
    properties = {key: schema for key, (_, schema) in fields.items()}
    if rng.random() < 0.15:
        wrap, inner = rng.choice(WRAPS), _object_schema(properties)
        value, properties = {wrap: value}, {wrap: inner}
    gap = " " if rng.random() < 0.7 else ""
    if split == "train" and "enum" not in str(properties) and rng.random() < 0.35:
        value = slipped_object(rng, value, split)
    drawn = _finished("json", [*_before(rng, split), user(text)], value, _object_schema(properties), gap)
    if rng.random() < 0.08:
        return replace(drawn, tools=tools_of(with_others(rng, split, ask_something(rng, split))))
    return drawn


def _finished(skill: str, turns: list[Turn], value: JsonObject, schema: JsonObject, gap: str) -> Sample:
    pieces = tuple(render(value, schema, gap=gap))
    answer = Turn("assistant", "".join(piece.text for piece in pieces), pieces=pieces)
    return Sample(skill, (*turns, answer), answer_schema=schema)


def _before(rng: random.Random, split: Split) -> list[Turn]:
    roll = rng.random()
    system = rng.choice(SYSTEMS) if roll < 0.2 else helpful_system(rng)
    turns = [Turn("system", system)] if roll < 0.35 else []
    if rng.random() < 0.08:
        question, answer = _plain(rng, split)
        turns += [user(question), assistant(answer)]
    return turns


def _plain(rng: random.Random, split: Split) -> tuple[str, str]:
    makers: list[Callable[[random.Random, Split], tuple[str, str]]] = [greeting, faq, unknown, echo]
    while True:
        question, answer = rng.choices(makers, [0.3, 0.25, 0.35, 0.1])[0](rng, split)
        if len(answer) < 160 and '"' not in answer and "\n" not in answer:
            return question, answer


def _any_key(rng: random.Random, split: Split) -> str:
    roll = rng.random()
    if roll < 0.25:
        return nonce(rng, split)
    pools = [*KEYS.values(), tuple(PARAMS["train"] + PARAMS[split]), tuple(NOUNS[split])]
    return rng.choice(rng.choice(pools))


def _schema_of(item: JsonValue, rng: random.Random | None = None) -> JsonObject:
    """The type of a fact; now and then a string is one of a few, or may be null."""
    if isinstance(item, list):
        return {"type": "array", "items": _schema_of(item[0])}
    if not isinstance(item, str):
        return {"type": "integer" if isinstance(item, int) else "number"}
    table = next((choices for choices in ENUMS if item in choices), None)
    if rng and table and rng.random() < 0.4:
        return {"type": "string", "enum": list(dict.fromkeys([*table[:5], item]))}
    if rng and rng.random() < 0.1:
        return {"anyOf": [STRING, {"type": "null"}]}
    return STRING


def _object_schema(properties: dict[str, JsonObject]) -> JsonObject:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
