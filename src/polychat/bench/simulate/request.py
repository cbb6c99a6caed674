"""A simulated request: which blocks of text its prompt is, and how much it generates."""

from dataclasses import dataclass, field

from polychat.routing.ask import Ask, blocks_in, bytes_in
from polychat.routing.router import Ticket

BYTES_PER_TOKEN = 4.0


@dataclass(slots=True, eq=False)
class Request:
    """One request on its way. Times in virtual seconds."""

    number: int
    ask: Ask
    output_tokens: int
    arrived_s: float
    conversation: "Talk | None" = None
    ticket: Ticket | None = None
    gateway: int = 0
    began_prefill_s: float = 0.0
    cached_tokens: int = 0
    first_s: float | None = None
    ended_s: float | None = None
    replica: int = -1
    attempts: int = 0

    @property
    def prompt_tokens(self) -> int:
        return max(1, round(self.ask.size_bytes / BYTES_PER_TOKEN))


@dataclass(slots=True, eq=False)
class Talk:
    """A conversation: each turn's prompt has all before it."""

    beginning: tuple[int, ...]  # blocks that others share
    identity: int
    size_bytes: int  # of all that was said
    turns_left: int
    own: list[int] = field(default_factory=list)

    def ask(self, more_bytes: int) -> Ask:
        """The prompt of the next turn, which adds so much."""
        self.size_bytes += more_bytes
        num = blocks_in(self.size_bytes)
        for place in range(len(self.own), max(0, num - len(self.beginning))):
            self.own.append(hash((self.identity, place)) & 0xFFFFFFFFFFFFFFFF)
        return Ask((self.beginning + tuple(self.own))[:num], self.size_bytes, str(self.identity))

    def answered(self, tokens: int) -> None:
        """The answer belongs to the next turn's prompt."""
        self.size_bytes += int(tokens * BYTES_PER_TOKEN)


def tokens_in(num_blocks: int) -> int:
    """Tokens in the first blocks of a prompt."""
    return round(bytes_in(num_blocks) / BYTES_PER_TOKEN)
