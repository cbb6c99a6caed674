"""How long prompts and answers are: distributions, as the command line writes them."""

import random
from dataclasses import dataclass

from polychat.errors import SetupError

_FORMS = "a number, uniform:LOW-HIGH, normal:MEAN,DEVIATION or lognormal:MEDIAN,SIGMA"


@dataclass(frozen=True, slots=True)
class Lengths:
    """A distribution of token counts; each is at least 1."""

    kind: str
    first: float
    second: float = 0.0

    @classmethod
    def parsed(cls, text: str, *, flag: str) -> "Lengths":
        """Read what `flag` was given.

        Raises:
            SetupError: it is no distribution.
        """
        kind, _, values = text.partition(":")
        try:
            if not values:
                return cls("fixed", _positive(kind))
            separator = "-" if kind == "uniform" else ","
            first, second = (float(value) for value in values.split(separator))
        except ValueError:
            raise SetupError(f"{flag} {text!r} is no length; write {_FORMS}") from None
        is_sane = first >= 1 and (first <= second if kind == "uniform" else second >= 0)
        if kind not in ("uniform", "normal", "lognormal") or not is_sane:
            raise SetupError(f"{flag} {text!r} is no length; write {_FORMS}")
        return cls(kind, first, second)

    def __str__(self) -> str:
        if self.kind == "fixed":
            return f"{self.first:g}"
        return f"{self.kind}:{self.first:g}{'-' if self.kind == 'uniform' else ','}{self.second:g}"

    def draw(self, chance: random.Random) -> int:
        """One length in tokens."""
        match self.kind:
            case "uniform":
                return chance.randint(int(self.first), int(self.second))
            case "normal":
                return max(1, round(chance.gauss(self.first, self.second)))
            case "lognormal":
                return max(1, round(self.first * chance.lognormvariate(0.0, self.second)))
            case _:
                return int(self.first)


def _positive(text: str) -> float:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
