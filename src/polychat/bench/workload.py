"""What is asked: conversations of one turn or several, made up or from a file, the same for the same seed."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polychat.bench.lengths import Lengths
from polychat.errors import SetupError

_WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an",
    "which one you were her all she there would their we him been has when who will more no if out so said",
    "up its about into than them can only other new some could time these two may then do first any my now",
)
_VOCABULARY = " ".join(_WORDS).split()


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that the user says, and how long the answer may be."""

    text: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one user asks, turn after turn; each later turn has the answers before it in its prompt."""

    turns: Sequence[Turn]
    system: str = ""
    messages: Sequence[Mapping[str, Any]] = ()  # instead of the first turn's text: as a file has them
    starts_s: float | None = None  # in a trace: when it begins


@dataclass(frozen=True, slots=True)
class Shape:
    """What made-up conversations are like; lengths in tokens."""

    prompt: Lengths = field(default_factory=lambda: Lengths("fixed", 256))
    output: Lengths = field(default_factory=lambda: Lengths("fixed", 64))
    num_prefixes: int = 0  # different system prompts; 0: none
    prefix_tokens: int = 0
    turns: int = 1
    words_per_token: float = 0.75  # of the model; measured before the run


def made_up(shape: Shape, seed: int) -> Iterator[Conversation]:
    """Conversations without end. No two turns are alike, but for the system prompts."""
    chance = random.Random(seed)
    prefixes = [
        _text(random.Random(f"{seed}/{n}"), shape.prefix_tokens, shape) for n in range(shape.num_prefixes)
    ]
    for number in itertools.count():
        turns = [
            Turn(
                _numbered(number, turn, _text(chance, shape.prompt.draw(chance), shape)),
                shape.output.draw(chance),
            )
            for turn in range(shape.turns)
        ]
        yield Conversation(turns, system=chance.choice(prefixes) if prefixes else "")


def from_file(path: Path, *, max_tokens: int) -> list[Conversation]:
    """Conversations of a JSONL file: lines with `prompt`, `messages`, ShareGPT's `conversations`, a batch's
    `body` or a trace's `timestamp`, `input_length`, `output_length` and `hash_ids`.

    Raises:
        SetupError: it cannot be read, or a line is none of these.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"cannot read {path}: {exc}") from exc
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(_conversation(json.loads(line), max_tokens))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise SetupError(
                f"{path}:{number} is no request: a line is an object with prompt, messages, conversations, "
                "body, or input_length and output_length"
            ) from None
    if not found:
        raise SetupError(f"{path} has no lines")
    return found


def _conversation(line: dict[str, Any], max_tokens: int) -> Conversation:  # Any: decoded JSON
    line = line.get("body", line)
    most = int(
        line.get("max_completion_tokens") or line.get("max_tokens") or line.get("output_length") or max_tokens
    )
    starts_s = float(line["timestamp"]) / 1000 if "timestamp" in line else None
    if "messages" in line:
        return Conversation([Turn("", most)], messages=list(line["messages"]), starts_s=starts_s)
    if "conversations" in line:
        said = [each["value"] for each in line["conversations"] if each["from"] in ("human", "user")]
        return Conversation([Turn(text, most) for text in said[:1]] + [Turn(text, most) for text in said[1:]])
    if "input_length" in line:
        return Conversation([Turn(_traced(line), most)], starts_s=starts_s)
    return Conversation([Turn(str(line["prompt"]), most)], starts_s=starts_s)


def _traced(line: dict[str, Any]) -> str:  # Any: decoded JSON
    """A prompt of the length that a trace tells. Who shares a block's id shares its text."""
    ids = line.get("hash_ids") or [f"alone {line}"]
    per_block = max(1, int(line["input_length"]) // len(ids))
    return " ".join(_text(random.Random(f"block {id_}"), per_block, Shape()) for id_ in ids)


def sample_text(chance: random.Random, num_words: int) -> str:
    """Words in no order."""
    return " ".join(chance.choices(_VOCABULARY, k=max(1, num_words)))


def _text(chance: random.Random, num_tokens: int, shape: Shape) -> str:
    return sample_text(chance, round(num_tokens * shape.words_per_token))


def _numbered(conversation: int, turn: int, text: str) -> str:
    """Begins unlike any other, so that no KV cache has it by accident."""
    return f"{conversation}.{turn} {text}"
