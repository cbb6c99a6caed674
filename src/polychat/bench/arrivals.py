"""When requests are sent in an open loop, whether earlier ones have been answered or not."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from polychat.errors import SetupError

KINDS = ("poisson", "constant", "gamma")


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A stream of requests: `rate` a second on average."""

    rate: float
    kind: str = "poisson"
    burstiness: float = (
        1.0  # of gamma: below 1 they come in bursts, 1 is poisson, above they are more regular
    )

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SetupError(f"--arrival {self.kind!r} is unknown; choose one of {', '.join(KINDS)}")
        if self.rate <= 0 or self.burstiness <= 0:
            raise SetupError("--rate and --burstiness must be above 0")

    def times_s(self, chance: random.Random) -> Iterator[float]:
        """Seconds after the start at which requests are sent, without end."""
        at_s = 0.0
        while True:
            at_s += self._gap_s(chance)
            yield at_s

    def _gap_s(self, chance: random.Random) -> float:
        match self.kind:
            case "constant":
                return 1 / self.rate
            case "gamma":
                return chance.gammavariate(self.burstiness, 1 / (self.rate * self.burstiness))
            case _:
                return chance.expovariate(self.rate)
