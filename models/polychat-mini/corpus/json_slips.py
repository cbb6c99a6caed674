"""Values gone wrong, as the model itself writes them under a grammar, so that it learns to end them.

Under a grammar one bad token can begin a loop, and nothing but the closing quote ends it. The slip
itself is given, not learned; what is learned is the closing after it.
"""

import random

from corpus.sample import JsonObject, JsonValue
from corpus.words import COMMON, Split, listed, nonce

UNITS = listed("un know unknown } }} : , . - n e r 1 {} = / ? ! the city name ' ( ) ; | # over")


class Slip(str):
    """A text that is given up to its closing quote."""

    __slots__ = ()


class Slips(list[JsonValue]):
    """A list that is given up to the end of its last element."""


def slip(rng: random.Random, text: str, split: Split) -> str:
    """The beginning of `text` or all of it, then a loop or a salad."""
    kept = text[: rng.randint(0, len(text))] if rng.random() < 0.4 else rng.choice(["", text])
    if rng.random() < 0.25:
        return kept + " ".join(rng.choice(COMMON) for _ in range(rng.randint(4, 12)))
    unit = rng.choice([rng.choice(UNITS), rng.choice(UNITS), nonce(rng, split)[:3], rng.choice(COMMON)])
    return kept + (unit + rng.choice(["", "", "", " "])) * rng.randint(3, 14)


def overrun(rng: random.Random, text: str, split: Split) -> str:
    """An answer that ran on although it was complete, with pieces of JSON."""
    unit = rng.choice(['",', '"}', ',"', '"', "?", "people", nonce(rng, split)[:3]])
    return text + unit * rng.randint(1, 14) if rng.random() < 0.6 else slip(rng, text, split)


def slipped(rng: random.Random, value: JsonValue, split: Split, share: float = 0.5) -> JsonValue:
    """`value` with about `share` of its texts and lists gone wrong. `value` has no enums in it."""
    if isinstance(value, str):
        return Slip(slip(rng, value, split)) if rng.random() < share else value
    if isinstance(value, dict):
        return slipped_object(rng, value, split, share)
    if isinstance(value, list) and value and rng.random() < share:
        if isinstance(value[0], str) and rng.random() < 0.4:
            return Slips([rng.choice([",", "un", "}}", ", "])] * rng.randint(3, 12))
        return Slips([slipped(rng, rng.choice(value), split, 0.3) for _ in range(rng.randint(1, 5))])
    return value


def slipped_object(rng: random.Random, value: JsonObject, split: Split, share: float = 0.5) -> JsonObject:
    return {key: slipped(rng, item, split, share) for key, item in value.items()}
