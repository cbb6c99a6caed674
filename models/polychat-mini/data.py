"""Samples as token ids with a loss weight per token, and batches of similar length."""

import bisect
import itertools
import random
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from corpus.mix import sample
from corpus.sample import Piece, Sample, segments
from tokenizer import SPACE
from tokenizers import Tokenizer
from torch import Tensor

MAX_TOKENS = 1500
LONGEST_TOKEN = 24  # characters of one that a grammar can force


@dataclass(frozen=True, slots=True)
class Item:
    ids: list[int]
    weights: list[float]  # 0 for given tokens
    choices: dict[int, list[int]] = field(default_factory=dict)  # by position: tokens a grammar lets through


def load_tokenizer(work_dir: Path) -> Tokenizer:
    return Tokenizer.from_file(str(work_dir / "tokenizer.json"))


def encode(tokenizer: Tokenizer, drawn: Sample) -> Item:
    """Loss only on what the assistant writes.

    A turn of n tokens weighs about sqrt(n), so that a story does not drown a "Yes". The first
    token counts twice: it decides which answer it is, the rest follows.
    """
    ids: list[int] = []
    weights: list[float] = []
    for text, is_answer in segments(drawn):
        tokens = tokenizer.encode(text).ids
        ids += tokens
        each = len(tokens) ** -0.5 if is_answer else 0.0
        weights += [2 * each] + [each] * (len(tokens) - 1)
    item = Item(ids, weights)
    if drawn.turns and drawn.turns[-1].pieces:
        hold(tokenizer, item, drawn.turns[-1].pieces)
    return item


def hold(tokenizer: Tokenizer, item: Item, pieces: tuple[Piece, ...]) -> None:
    """Set what is allowed at each forced position of the last answer, and that given pieces are not learned.

    White space and code fences are allowed too, since llama.cpp's grammar lets them through around values.
    """
    encoded = tokenizer.encode("".join(piece.text for piece in pieces) + "<|im_end|>")
    ends = list(itertools.accumulate(len(piece.text) for piece in pieces))
    first = len(item.ids) - len(encoded.ids)
    for index, (start, _) in enumerate(encoded.offsets[:-1]):
        at = bisect.bisect_right(ends, start)
        piece, done = pieces[at], start - (ends[at] - len(pieces[at].text))
        if not piece.is_learned:
            item.weights[first + index] = 0.0
        elif piece.allowed is not None:
            allowed = _continuations(tokenizer, piece, done) | {encoded.ids[index]}
            item.choices[first + index] = sorted(allowed)


def _continuations(tokenizer: Tokenizer, piece: Piece, done: int) -> set[int]:
    texts, around, last = _vocabulary(tokenizer)
    if not piece.allowed:
        return set(texts.values()) - {last}
    rests = [way[done:] for way in piece.allowed if way.startswith(piece.text[:done])]
    found = (texts.get(rest[:n]) for rest in rests for n in range(1, min(len(rest), LONGEST_TOKEN) + 1))
    return around | {index for index in found if index is not None}


@lru_cache(maxsize=1)
def _vocabulary(tokenizer: Tokenizer) -> tuple[dict[str, int], set[int], int]:
    """Tokens by their text, those of white space and code fences, and the one that ends an answer."""
    size = tokenizer.get_vocab_size()
    texts = {tokenizer.decode([index], skip_special_tokens=False): index for index in range(size)}
    around = {index for text, index in texts.items() if text and not text.strip(" \n\t`")}
    return texts, around, texts["<|im_end|>"]


def random_copy(rng: random.Random, vocab_size: int) -> Item:
    """Random ids, then spans of them again: nothing but copying can predict these."""
    first = [rng.randrange(vocab_size - 9) for _ in range(rng.randint(8, 28))]
    ids, weights = list(first), [0.0] * len(first)
    for _ in range(rng.randint(3, 5)):
        length = min(len(first), rng.randint(4, 12))
        start = rng.randrange(len(first) - length + 1)
        ids += first[start : start + length]
        weights += [0.0] + [0.25] * (length - 1)
    return Item(ids, weights)


def dev_items(tokenizer: Tokenizer, skills: list[str], *, count: int, seed: int) -> dict[str, list[Item]]:
    rng = random.Random(seed)
    return {skill: [encode(tokenizer, sample(rng, skill, "dev")) for _ in range(count)] for skill in skills}


def draw(
    tokenizer: Tokenizer, rng: random.Random, weights: dict[str, float], count: int, longest: int
) -> list[Item]:
    skills = rng.choices(list(weights), list(weights.values()), k=count)
    items = [encode(tokenizer, sample(rng, skill, "train")) for skill in skills]
    return [item for item in items if len(item.ids) <= min(longest, MAX_TOKENS)]


def batches(items: list[Item], max_tokens: int) -> list[list[Item]]:
    """Group by length, so that little is padding; each group has at most `max_tokens` with padding."""
    groups: list[list[Item]] = [[]]
    for item in sorted(items, key=lambda i: len(i.ids)):
        if groups[-1] and (len(groups[-1]) + 1) * len(item.ids) > max_tokens:
            groups.append([])
        groups[-1].append(item)
    return groups


def tensors(group: list[Item]) -> tuple[Tensor, Tensor, Tensor]:
    """(inputs, targets, weights), each (batch, length), shifted by one. Padding has weight 0."""
    length = max(len(item.ids) for item in group)
    ids = torch.zeros(len(group), length, dtype=torch.long)
    weights = torch.zeros(len(group), length)
    for row, item in enumerate(group):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
        weights[row, : len(item.ids)] = torch.tensor(item.weights)
    return ids[:, :-1], ids[:, 1:], weights[:, 1:]


def grammar(group: list[Item], wanted: Tensor, vocab_size: int) -> Tensor:
    """What to add to the logits of the `wanted` targets, (their number, vocabulary): -inf where forbidden."""
    bias = torch.zeros(int(wanted.sum()), vocab_size)
    rows = wanted.flatten().cumsum(0).view_as(wanted) - 1
    for number, item in enumerate(group):
        for position, allowed in item.choices.items():
            row = bias[rows[number, position - 1]]
            row.fill_(float("-inf"))
            row[allowed] = 0.0
    return bias


def related_tokens(tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """(token, variant) where the variant has a space before it, or a capital letter, or both."""
    vocab: dict[str, int] = tokenizer.get_vocab()
    pairs = []
    for text, index in vocab.items():
        bare = text.removeprefix(SPACE)
        lowered = bare[:1].lower() + bare[1:]
        base = vocab.get(lowered, vocab.get(bare, index))
        if base != index and len(bare) >= 2:
            pairs.append((base, index))
    return sorted(pairs, key=lambda pair: pair[1])
