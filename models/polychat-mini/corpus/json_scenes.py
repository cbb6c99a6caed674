"""Sentences with facts in them, and the keys under which a JSON schema may ask for each fact."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from corpus.sample import JsonValue
from corpus.tool_values import DATES, value
from corpus.words import COMMON, Split, choose, city, listed, name, nonce, phrasings

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        kind: tuple(keys.split("|"))
        for kind, keys in {
            "name": "name|name|full_name|person|first_name|user|customer|userName|patient",
            "age": "age|age|years|age_years|ageYears",
            "city": "city|city|town|location|place|home|cityName",
            "job": "job|profession|occupation|work|role",
            "product": "product|item|article|thing|product_name",
            "price": "price|cost|amount|total",
            "quantity": "quantity|count|number|how_many|num",
            "color": "color|colour|paint",
            "day": "day|date|when|due",
            "time": "time|hour|start|start_time",
            "email": "email|mail|email_address|contact",
            "pet": "animal|pet|species|kind",
            "event": "event|event_name|title|name",
            "items": "items|things|list|tags|words|likes",
            "people": "participants|people|names|guests|attendees",
            "scores": "scores|numbers|values|points",
        }.items()
    }
)
JOBS = listed("teacher doctor farmer baker pilot nurse cook painter driver singer lawyer engineer waiter")
COLORS = listed("red green blue white black yellow brown orange purple pink grey")
PETS = listed("cat dog horse bird rabbit fish snake duck goat hamster parrot")
EVENTS = listed("science fair,birthday party,team meeting,dinner,concert,wedding,picnic,workshop,lunch", ",")
CLOSED: Mapping[str, list[str]] = MappingProxyType(
    {"job": JOBS, "color": COLORS, "pet": PETS, "event": EVENTS, "day": DATES}
)
FRAMES = phrasings(
    "{name} is {age} years old.|{name} is {age}.|{name} is {age} years old and lives in {city}."
    "|{name}, {age}, lives in {city}.|My name is {name} and I am {age} years old."
    "|I am {name}, {age}, from {city}.|{name} lives in {city}.|{name} is a {age} year old {job}."
    "|{name} works as a {job} in {city}."
    "|{name} is a {job}.|{name} ({age}) is a {job} from {city}.|Hi, I'm {name}. I'm {age} and live in {city}."
    "|{name} turned {age} on {day}.|Name: {name}, age: {age}|name {name} age {age} city {city}"
    "|Meet {name}, a {job} of {age} years who lives in {city}.|{name} from {city} is {age} years old."
    "|In {city} lives {name}, who is {age}.|{name} bought {quantity} {product}s for {price} dollars."
    "|The {product} costs {price}.|A {color} {product} costs {price} euros.|{quantity} {product}s, please."
    "|I want to order {quantity} {color} {product}s.|Order: {quantity} x {product} at {price}"
    "|{name} has a {color} {pet}.|I have a {pet} named {name} who is {age} years old."
    "|My {pet} {name} is {age} years old.|{name} is a {color} {pet} and {age} years old."
    "|The {event} is on {day}.|The {event} starts at {time} in {city}.|{event} on {day} at {time}"
    "|{people} are going to a {event} on {day}.|{people} meet in {city} on {day}."
    "|Invite {people} to the {event}."
    "|There will be a {event} in {city} with {people}.|I like {items}.|Buy {items}.|The words are {items}."
    "|{name} likes {items}.|The numbers are {scores}.|{name} scored {scores}.|My list: {items}"
    "|Write to {email}.|{name} can be reached at {email}.|Contact {name} ({email}) in {city}."
    "|{name} arrives in {city} on {day} at {time}.|{product}: {price} dollars, color {color}"
    "|The {color} {product} is {price}.|{city} is where {name} lives.|At {age}, {name} is a {job} in {city}."
    "|Ship {quantity} {product}s to {name} in {city}.|{name} paid {price} for a {product}.",
    "{name} is {age} years old and works as a {job}.|{name}, who is {age}, lives in {city}."
    "|Hello, I am {name}, I am {age} years old.|{name} is {age} and her home is {city}."
    "|The price of the {color} {product} is {price} dollars.|A {product} for {price} was bought by {name}."
    "|On {day} {people} go to a {event}.|{people} plan a {event} on {day}.|Please get {items}."
    "|{name} wants {items}.|My friend {name} lives in {city} and is {age}.|{name} ({age}) moved to {city}.",
)
SIMPLE = phrasings(
    "{name} is {age} years old.|{name} is {age} years old and lives in {city}."
    "|{name}, {age}, lives in {city}.|{name} lives in {city}.|I am {name}, {age}, from {city}."
    "|My name is {name} and I am {age} years old.",
    "{name}, who is {age}, lives in {city}.|{name} is {age} and her home is {city}."
    "|Hello, I am {name}, I am {age} years old.|{name} ({age}) moved to {city}.",
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A text and the facts in it, by kind (or by the very key that the text uses)."""

    text: str
    facts: dict[str, JsonValue]


def scene(rng: random.Random, split: Split) -> Scene:
    return labelled(rng, split) if rng.random() < 0.2 else filled(rng, choose(rng, FRAMES, split), split)


def simple(rng: random.Random, split: Split) -> Scene:
    """Name, age and city in one plain sentence."""
    return filled(rng, choose(rng, SIMPLE, split), split)


def filled(rng: random.Random, frame: str, split: Split) -> Scene:
    facts = {kind: fact(rng, kind, split) for kind in re.findall(r"{(\w+)}", frame)}
    return Scene(frame.format(**{kind: spoken(item) for kind, item in facts.items()}), facts)


def labelled(rng: random.Random, split: Split) -> Scene:
    """Facts under labels of any name, which the schema then asks for: copying by key."""
    facts: dict[str, JsonValue] = {}
    for _ in range(rng.randint(1, 5)):
        kind = rng.choice(["name", "age", "city", "product", "price", "color", "day", "quantity"])
        key = nonce(rng, split) if rng.random() < 0.6 else rng.choice(KEYS[kind])
        facts[key] = fact(rng, kind, split)
    pair, joint = rng.choice([("{}: {}", "\n"), ("{}: {}", ", "), ("The {} is {}.", " "), ("{} {}", ", ")])
    return Scene(joint.join(pair.format(key, item) for key, item in facts.items()), facts)


def fact(rng: random.Random, kind: str, split: Split) -> JsonValue:
    if kind in CLOSED:
        return rng.choice(CLOSED[kind])
    if kind in ("age", "quantity"):
        return rng.randint(1, 99)
    if kind == "price":
        return rng.choice([rng.randint(1, 900), round(rng.uniform(1, 99), 2)])
    if kind in ("items", "people", "scores"):
        one = {"items": "word", "people": "name", "scores": "age"}[kind]
        return [fact(rng, one, split) for _ in range(rng.choice([1, 2, 2, 3, 3, 4]))]
    return text_fact(rng, kind, split)


def text_fact(rng: random.Random, kind: str, split: Split) -> str:
    """Names and words of an open set."""
    if kind == "email":
        return f"{name(rng, split).lower()}@example.com"
    if kind == "name":
        return name(rng, split) + (f" {name(rng, split)}" if rng.random() < 0.15 else "")
    if kind == "city":
        return city(rng, split)
    if kind == "time":
        return str(value(rng, "clock", split))
    return nonce(rng, split) if rng.random() < 0.4 else rng.choice(COMMON)


def spoken(item: JsonValue) -> str:
    """A fact as a sentence has it: "Ann, Bob and Eve"."""
    if not isinstance(item, list):
        return str(item)
    words = [str(part) for part in item]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
