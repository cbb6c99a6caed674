"""How fast engines are, as their answers tell: each by itself, and all of one model together.

Measured rates are noisy, and replicas of one model mostly alike. So a replica counts as one of all, until its
own figures are clearly others: else those that were measured slow by chance would get less than their share.
"""

_MEMORY = 0.95  # of a decaying sum: what is left of it with each new answer
_CLEARLY = 1.5  # times faster or slower than all
_LEAST = 10.0  # answers that say something of one replica
_LEAST_BYTES = 512  # of prefill that says something of a rate
PREFILL_S_PER_BYTE = 1 / 40_000  # until it is measured: 10,000 tokens per second
DECODE_S_PER_TOKEN = 0.001
ANSWER_TOKENS = 100.0


class Rate:
    """Engine seconds for a unit of work: a sum that forgets, by a sum that forgets."""

    __slots__ = ("_amount", "_num", "_s", "_unmeasured")

    def __init__(self, unmeasured: float) -> None:
        self._unmeasured = unmeasured
        self._s = self._amount = self._num = 0.0

    def learn(self, amount: float, engine_s: float) -> None:
        self._s = _MEMORY * self._s + engine_s
        self._amount = _MEMORY * self._amount + amount
        self._num = _MEMORY * self._num + 1

    @property
    def value(self) -> float:
        return self._s / self._amount if self._amount else self._unmeasured

    def among(self, all_: "Rate") -> float:
        """Its own value if that is clearly another one than that of all."""
        if self._num >= _LEAST and not 1 / _CLEARLY < self.value / max(all_.value, 1e-12) < _CLEARLY:
            return self.value
        return all_.value


class Pace:
    """The rates of one engine, or of all of a model."""

    __slots__ = ("answer", "decode", "prefill")

    def __init__(self) -> None:
        self.prefill = Rate(PREFILL_S_PER_BYTE)
        self.decode = Rate(DECODE_S_PER_TOKEN)
        self.answer = Rate(ANSWER_TOKENS)  # tokens of one answer

    def learn_prefill(self, uncached_bytes: float, engine_s: float) -> None:
        """Prefilling so much of a prompt took so long."""
        if uncached_bytes >= _LEAST_BYTES:
            self.prefill.learn(uncached_bytes, engine_s)

    def learn_decode(self, num_tokens: int, engine_s: float) -> None:
        """An answer of so many tokens took so long after its first one."""
        self.answer.learn(1, num_tokens)
        if num_tokens > 1:
            self.decode.learn(num_tokens - 1, engine_s)
