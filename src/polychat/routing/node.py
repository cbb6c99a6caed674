"""A replica as one gateway sees it: what was sent there, how fast it is, what others have there."""

import xxhash

from polychat.routing.pace import ANSWER_TOKENS, DECODE_S_PER_TOKEN, PREFILL_S_PER_BYTE, Pace
from polychat.routing.replica import Replica
from polychat.types import Load

_MEMORY = 0.9  # of a decaying sum: what is left of it with each new answer
CAPACITY_BLOCKS = 32_768  # of a replica whose hits have not shown less: 8 million tokens or more
_LEAST_BLOCKS = 64
_MISSED = 0.5


class Node:
    """One replica, for as long as it is known. Engine seconds are shared: 4 requests have 0.25 s of 1 s."""

    __slots__ = (
        "_others",
        "_peak",
        "_seen",
        "cached_tokens",
        "capacity_blocks",
        "decode_each_s",
        "in_flight",
        "last_sent",
        "number",
        "pace",
        "pending_bytes",
        "prefill_s_per_byte",
        "prompt_tokens",
        "rank",
        "replica",
        "siblings",
        "tells_hits",
        "trust",
        "unfinished",
    )

    def __init__(self, replica: Replica, number: int) -> None:
        self.replica = replica
        self.number = number  # of its bit in the prefix index
        self.rank = xxhash.xxh3_64_intdigest(replica.id.encode())
        self.in_flight = 0  # requests sent there whose end has not been seen
        self.siblings = 0  # requests there of other gateways of this host, as of now
        self.unfinished = 0  # requests there: those two, and those of others as of its last report
        self.pace = Pace()
        self.prefill_s_per_byte = PREFILL_S_PER_BYTE  # engine time for what is not in its KV cache
        self.decode_each_s = DECODE_S_PER_TOKEN * ANSWER_TOKENS  # that one answer adds to another's time
        self.pending_bytes = 0.0  # of their prompts, those that it has yet to prefill
        self.prompt_tokens = self.cached_tokens = 0  # of all answers, as the engine counted
        self.last_sent = 0  # number of the last request that went there
        self.trust = 1.0  # share of the expected prefix hits that came true
        self.tells_hits = False  # whether its answers say how much of a prompt was cached
        self.capacity_blocks = CAPACITY_BLOCKS  # of prompts that its KV cache is thought to hold
        self._others = 0  # requests of others, as last reported
        self._peak = 0  # the most of ours since the last report
        self._seen: Load | None = None

    def renew(self, replica: Replica) -> None:
        """What the controller says of it now."""
        self.replica = replica
        load = replica.load
        if load is not self._seen:
            self._seen = load
            # What it reports beyond the most that we can have had there is others'.
            ours = self.in_flight + self.siblings
            self._others = max(0, load.running + load.waiting - max(self._peak, ours))
            self._peak = ours
            self.unfinished = ours + self._others

    def heed(self, siblings: int) -> None:
        """Other gateways of this host have so many requests there now."""
        if siblings != self.siblings:
            self.unfinished += siblings - self.siblings
            self.siblings = siblings
            self._peak = max(self._peak, self.in_flight + siblings)

    def begin(self, pending_bytes: float, number: int) -> None:
        """One more request goes there; its first token will tell when `pending_bytes` are prefilled."""
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight + self.siblings)
        self.unfinished += 1
        self.pending_bytes += pending_bytes
        self.last_sent = number

    def prefilled(self, pending_bytes: float) -> None:
        """What a request added to `pending_bytes` is done, or never will be."""
        self.pending_bytes = max(0.0, self.pending_bytes - pending_bytes)

    def keep_pace(self, all_: Pace) -> None:
        """Work out its rates anew, among those of its model."""
        self.prefill_s_per_byte = self.pace.prefill.among(all_.prefill)
        speed = self.pace.decode.among(all_.decode) / max(all_.decode.value, 1e-12)
        self.decode_each_s = all_.steps.each_s * speed * all_.answer.value

    def end(self) -> None:
        """A request there has ended."""
        assert self.in_flight > 0, "ends as often as it begins"
        self.in_flight -= 1
        self.unfinished -= 1

    def learn_hit(self, real_share: float, num_blocks: int) -> None:
        """Of a prefix that should have been there, `real_share` was; `num_blocks` should be in all."""
        self.trust = _MEMORY * self.trust + (1 - _MEMORY) * min(1.0, real_share)
        if real_share < _MISSED:  # it forgets sooner than was thought
            self.capacity_blocks = max(_LEAST_BLOCKS, int(min(self.capacity_blocks, num_blocks) * _MEMORY))
        else:
            self.capacity_blocks = min(CAPACITY_BLOCKS, self.capacity_blocks + self.capacity_blocks // 100)
