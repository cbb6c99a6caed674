"""response_format: what comes is JSON, and fits the schema."""

from polychat.conformance.areas.chat import content
from polychat.conformance.areas.stream import said
from polychat.conformance.departure import Json, at, equal, fits, parsed, require
from polychat.conformance.scenario import Area, Scenario
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("structured", feature=Feature.JSON_SCHEMA)
refusal = scenario.proving("errors")
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "enum": ["Ann", "Bob"]},
        "age": {"type": "integer", "enum": [7, 42]},
        "tags": {
            "type": "array",
            "items": {"type": "string", "enum": ["a", "b"]},
            "minItems": 1,
            "maxItems": 2,
        },
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


def wanting(schema: Json, name: str = "answer") -> Json:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


@scenario("json_object: an object comes")
async def json_object(t: Target) -> None:
    ask = 'Answer with the JSON object {"a": 1}'
    answer = await t.chat(ask, response_format={"type": "json_object"}, max_tokens=400)
    if at(answer, "choices", 0, "finish_reason") == "length":  # a tiny model may never come to an end
        require(content(answer).lstrip().startswith("{"), "the beginning of an object", content(answer))
    else:
        require(isinstance(parsed(content(answer), "content"), dict), "an object", content(answer))


@scenario("text is what comes without a format")
async def text_format(t: Target) -> None:
    plain, named = await t.chat(), await t.chat(response_format={"type": "text"})
    equal(content(named), content(plain), "the answer")


def _follows(name: str, claim: str, schema: Json) -> Scenario:
    """The schema is followed, streamed and not, with the same result."""

    async def run(t: Target) -> None:
        fields = {"response_format": wanting(schema), "max_tokens": 600}
        answer = await t.chat("Tell me of somebody.", **fields)
        equal(at(answer, "choices", 0, "finish_reason"), "stop", "finish_reason")
        fits(parsed(content(answer), "content"), schema, "content")
        streamed = said(await t.chat_chunks("Tell me of somebody.", **fields))
        equal(parsed(streamed, "streamed text"), parsed(content(answer), "content"), "the streamed value")

    return scenario(claim, name=name)(run)


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMAS = (
    _follows("json_schema", "a strict schema with enums, numbers and arrays is followed", PERSON),
    _follows(
        "nested", "objects in objects are followed", _object(person=PERSON, ok=_object(yes={"const": True}))
    ),
    _follows(
        "any_of", "anyOf is followed", _object(value={"anyOf": [{"type": "null"}, {"type": "boolean"}]})
    ),
    _follows(
        "references",
        "references to $defs are followed",
        _object(one={"$ref": "#/$defs/tag"}, two={"$ref": "#/$defs/tag"})
        | {"$defs": {"tag": {"type": "string", "enum": ["x", "y"]}}},
    ),
    _follows(
        "any_script", "characters of several bytes come whole", _object(text={"const": "Grüße 你好 🙂"})
    ),
)


@scenario("an answer cut by max_tokens has finish_reason length")
async def cut_short(t: Target) -> None:
    answer = await t.chat(response_format=wanting(PERSON), max_tokens=1)
    equal(at(answer, "choices", 0, "finish_reason"), "length", "finish_reason")


def _refuses(name: str, claim: str, wanted: Json) -> Scenario:
    async def run(t: Target) -> None:
        await t.refused(Endpoint.CHAT, t.chat_body(response_format=wanted), param="response_format")

    return refusal(claim, name=name)(run)


BAD = (
    _refuses("bad_schema", "a schema that is none is a 400", wanting({"type": "nonsense"})),
    _refuses(
        "endless_schema", "a schema whose values have no end is a 400", wanting(_object(a={"$ref": "#"}))
    ),
    _refuses(
        "broken_reference", "a reference to nothing is a 400", wanting(_object(a={"$ref": "#/$defs/absent"}))
    ),
    _refuses("no_schema", "json_schema without one is a 400", {"type": "json_schema"}),
)
