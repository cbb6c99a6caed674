"""How fast engines are, as their answers tell: each by itself, and all of one model together.

Measured rates are noisy, and replicas of one model mostly alike. So a replica counts as one of all, until its
own figures are clearly others: else those that were measured slow by chance would get less than their share.
"""

_MEMORY = 0.95  # of a decaying sum: what is left of it with each new answer
_CLEARLY = 1.5  # times faster or slower than all
_LEAST = 10.0  # answers that say something of one replica
_LEAST_BYTES = 512  # of prefill that says something of a rate
PREFILL_S_PER_BYTE = 1 / 40_000  # until it is measured: 10,000 tokens per second
DECODE_S_PER_TOKEN = 0.0003
ANSWER_TOKENS = 100.0
_LEAST_SPREAD = 0.05  # of the batches' sizes, by their mean: below that nothing says what one more costs


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


class Steps:
    """How long a decode step takes by the size of its batch: a line, fitted to answers that are forgotten.

    An engine whose memory is its limit decodes one request more in nearly the same time; one whose arithmetic
    is, in so much more.
    """

    __slots__ = ("_n", "_x", "_xx", "_xy", "_y")

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    def learn(self, batch: float, step_s: float) -> None:
        self._n = _MEMORY * self._n + 1
        self._x = _MEMORY * self._x + batch
        self._y = _MEMORY * self._y + step_s
        self._xx = _MEMORY * self._xx + batch * batch
        self._xy = _MEMORY * self._xy + batch * step_s

    @property
    def each_s(self) -> float:
        """What one request more in the batch adds to a step. If nothing tells, its share of the step."""
        if not self._n:
            return DECODE_S_PER_TOKEN
        mean = self._x / self._n
        share_s = self._y / self._x
        spread = self._xx / self._n - mean * mean
        if spread < _LEAST_SPREAD * mean * mean:
            return share_s
        slope = (self._xy / self._n - mean * self._y / self._n) / spread
        return min(max(slope, 0.02 * share_s), share_s)


class Pace:
    """The rates of one engine, or of all of a model."""

    __slots__ = ("answer", "decode", "prefill", "steps")

    def __init__(self) -> None:
        self.prefill = Rate(PREFILL_S_PER_BYTE)
        self.decode = Rate(DECODE_S_PER_TOKEN)
        self.answer = Rate(ANSWER_TOKENS)  # tokens of one answer
        self.steps = Steps()

    def learn_prefill(self, uncached_bytes: float, engine_s: float) -> None:
        """Prefilling so much of a prompt took so long."""
        if uncached_bytes >= _LEAST_BYTES:
            self.prefill.learn(uncached_bytes, engine_s)

    def learn_decode(self, num_tokens: int, engine_s: float, took_s: float) -> None:
        """An answer of so many tokens took so long after its first one, and so much of the engine's time."""
        self.answer.learn(1, num_tokens)
        if num_tokens > 1 and engine_s > 0:
            self.decode.learn(num_tokens - 1, engine_s)
            self.steps.learn(took_s / engine_s, took_s / (num_tokens - 1))
