"""What is done to a site: storms of actions, all from one seed. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.support.chaos.history import Verb

STORM_S = 6.0
MOST_LASTS_S = 6.0
LASTING = frozenset({Verb.STOP, Verb.CUT, Verb.STALL, Verb.DELAY, Verb.END_DATABASE})


@dataclass(frozen=True, slots=True)
class Part:
    """Something that things can be done to."""

    name: str
    kind: str  # parts of one kind can take each other's place
    verbs: tuple[Verb, ...]


@dataclass(frozen=True, slots=True)
class Action:
    at_s: float  # from the beginning of its storm
    verb: Verb
    part: str
    lasts_s: float = 0.0  # of what is undone again

    def shown(self) -> str:
        lasts = f" for {self.lasts_s:.2f} s" if self.lasts_s else ""
        return f"+{self.at_s:.2f} s {self.verb} {self.part}{lasts}"


@dataclass(frozen=True, slots=True)
class Storm:
    """Some actions; after them all must become well again."""

    is_rough: bool  # several of a kind may be struck at once; else all but one of each kind are left alone
    actions: tuple[Action, ...]

    def shown(self) -> str:
        return f"{'rough' if self.is_rough else 'mild'}: {'; '.join(each.shown() for each in self.actions)}"


def storms(seed: int, parts: Sequence[Part]) -> Iterator[Storm]:
    """Without end, the same ones for the same seed."""
    chance = random.Random(f"schedule {seed}")
    while True:
        is_rough = chance.random() < 0.25
        exposed = list(parts) if is_rough else _one_of_each(chance, parts)
        times = sorted(chance.uniform(0.0, STORM_S) for _ in range(chance.randint(2, 5)))
        yield Storm(is_rough, tuple(_action(chance, at_s, exposed) for at_s in times))


def _one_of_each(chance: random.Random, parts: Sequence[Part]) -> list[Part]:
    kinds: dict[str, list[Part]] = {}
    for part in parts:
        kinds.setdefault(part.kind, []).append(part)
    return [chance.choice(alike) for alike in kinds.values()]


def _action(chance: random.Random, at_s: float, parts: Sequence[Part]) -> Action:
    part = chance.choice(parts)
    verb = chance.choice(part.verbs)
    lasts_s = round(chance.uniform(0.1, MOST_LASTS_S), 2) if verb in LASTING else 0.0
    return Action(round(at_s, 3), verb, part.name, lasts_s)
