"""What one gateway knows of its replicas, and the choice among them. No clock, no I/O: simulations use it."""

import bisect
import random
from collections import Counter
from collections.abc import Collection, Sequence

import xxhash
from msgspec import Struct

from polychat.routing.ask import NOTHING, Ask, bytes_in
from polychat.routing.hits import Hits
from polychat.routing.node import Node
from polychat.routing.pace import Pace
from polychat.routing.policies import POLICIES, Choice
from polychat.routing.prefix import INDEX_BYTES, PrefixIndex
from polychat.routing.replica import Replica

ALL = 16  # nodes, as long as there are no more, are all looked at for each request
_AT_RANDOM = 8  # of more: of so many, the best is nearly as good as the best of all
_HOLDING = 4  # of those that hold the longest beginning of its prompt
_AGREED = 2  # that every gateway thinks of for a beginning that nobody has
_AGREED_FOR_SESSION = 16
_NO_BOUND = -1  # all bits


class Ticket(Struct, gc=False):
    """One request at one node."""

    node: Node
    ask: Ask
    held_bytes: int  # of its prompt, that the node has been sent before
    expected_bytes: float  # of them, those that are likely to be in its KV cache still
    pending_bytes: float
    prefill_s: float | None = None  # engine time until the first token
    first_at_s: float = 0.0

    @property
    def uncached_bytes(self) -> float:
        return self.ask.size_bytes - self.expected_bytes


class Used(Struct, frozen=True, gc=False):
    """Token counts of one answer, as the engine tells; 0 where it does not."""

    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompt's, those that were in the KV cache
    output_tokens: int = 0


NOTHING_USED = Used()


class Router:
    """Chooses nodes by a policy, and keeps the figures that it chooses by."""

    def __init__(self, policy: str, *, chance: random.Random, index_bytes: int = INDEX_BYTES) -> None:
        self._policy = POLICIES[policy]
        self.needs_prompt = policy == "cache_aware"
        self.needs_session = policy == "session"
        self.hit_bytes = self.prompt_bytes = (
            0  # of the prompts sent, those that should have been in a KV cache
        )
        self._chance = chance
        self._index = PrefixIndex(index_bytes)
        self._nodes: dict[str, Node] = {}
        self._ids: dict[int, str] = {}  # number of a node -> id of its replica
        self._free_numbers: list[int] = []  # of nodes that are gone, for the next ones
        self._num_sent = 0
        self._paces: dict[str, Pace] = {}  # of all replicas of a model
        self._ring = _Ring(())

    @property
    def in_flight(self) -> Counter[str]:
        """Requests at each replica, by its id; no zeros."""
        return Counter({id_: node.in_flight for id_, node in self._nodes.items() if node.in_flight})

    def hits(self) -> dict[str, Hits]:
        """What answers have told of the KV cache of each replica, by its id."""
        return {
            id_: Hits(node.prompt_tokens, node.cached_tokens)
            for id_, node in self._nodes.items()
            if node.prompt_tokens
        }

    def node(self, replica: Replica) -> Node:
        """The node of a replica, up to date."""
        node = self._nodes.get(replica.id)
        if node is None:
            number = self._free_numbers.pop() if self._free_numbers else len(self._nodes)
            node = self._nodes[replica.id] = Node(replica, number)
            self._ids[number] = replica.id
            node.renew(replica)
        elif node.replica is not replica:
            node.renew(replica)
        return node

    def few(self, ids: Sequence[str], ask: Ask) -> Sequence[str]:
        """Of many ids those worth a look, none twice.

        Who holds the beginning of the prompt; those that every gateway would think of for it or for its
        session; and some at random, of which the best is nearly as good as the best of all.
        """
        num = len(ids)
        if num <= ALL:
            return ids
        if self.needs_session and ask.session:
            seed = xxhash.xxh3_64_intdigest(ask.session.encode())
            return self._ring_of(ids).after(seed, _AGREED_FOR_SESSION)
        chance = self._chance.random
        picked = {ids[int(chance() * num)]: None for _ in range(_AT_RANDOM)}
        if ask.blocks:
            start = int(chance() * len(self._nodes))
            ring = self._ring_of(ids)
            for number in self._index.holders(ask.blocks, _HOLDING, start=start):
                if (id_ := self._ids[number]) in ring.known:
                    picked[id_] = None
            picked |= dict.fromkeys(ring.after(ask.blocks[0], _AGREED))
        return list(picked)

    def choose(self, nodes: Sequence[Node], ask: Ask = NOTHING) -> Node:
        """The node that gets the request; `nodes` is not empty."""
        if len(nodes) == 1:
            return nodes[0]
        return self._policy(Choice(nodes, self._chance, ask, self._held(nodes, ask)))

    def sent(self, node: Node, ask: Ask = NOTHING, *, tells_first_token: bool = False) -> Ticket:
        """A request goes to `node`."""
        self._num_sent += 1
        held_bytes = self._held((node,), ask).get(node.number, 0) if ask.blocks else 0
        expected_bytes = held_bytes * node.trust
        pending_bytes = ask.size_bytes - expected_bytes if tells_first_token else 0.0
        node.begin(pending_bytes, self._num_sent)
        if ask.blocks:
            self._index.put(node.number, ask.blocks, capacity=node.capacity_blocks)
            self.prompt_bytes += ask.size_bytes
            self.hit_bytes += int(expected_bytes)
        return Ticket(node, ask, held_bytes, expected_bytes, pending_bytes)

    def first_token(self, ticket: Ticket, engine_s: float, *, now_s: float) -> None:
        """Its first token came, after so much of the engine's time."""
        if ticket.prefill_s is None:
            ticket.prefill_s, ticket.first_at_s = engine_s, now_s
            ticket.node.prefilled(ticket.pending_bytes)

    def ended(self, ticket: Ticket, engine_s: float, used: Used = NOTHING_USED, *, now_s: float) -> None:
        """It has ended, however it did, after so much of the engine's time."""
        node = ticket.node
        node.end()
        uncached_bytes = self._learn_hits(ticket, used)
        if ticket.prefill_s is None:
            node.prefilled(ticket.pending_bytes)
            return
        all_ = self._paces.setdefault(node.replica.model, Pace())
        for pace in (node.pace, all_):
            pace.learn_prefill(uncached_bytes, ticket.prefill_s)
            if used.output_tokens:
                pace.learn_decode(used.output_tokens, engine_s - ticket.prefill_s, now_s - ticket.first_at_s)
        node.keep_pace(all_)

    def _learn_hits(self, ticket: Ticket, used: Used) -> float:
        """What the engine's own counts say of its cache; how many bytes it had to prefill."""
        node, size_bytes = ticket.node, ticket.ask.size_bytes
        node.prompt_tokens += used.prompt_tokens
        node.cached_tokens += used.cached_tokens
        node.tells_hits = node.tells_hits or used.cached_tokens > 0
        if not (used.prompt_tokens and size_bytes and node.tells_hits):
            return ticket.uncached_bytes
        real_bytes = used.cached_tokens / used.prompt_tokens * size_bytes
        if ticket.held_bytes:
            node.learn_hit(real_bytes / ticket.held_bytes, self._index.num_blocks(node.number))
        return size_bytes - real_bytes

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget replicas that are gone, once nothing of ours is there."""
        for id_, node in tuple(self._nodes.items()):
            if id_ not in ids and not node.in_flight:
                del self._nodes[id_], self._ids[node.number]
                self._index.remove(node.number)
                self._free_numbers.append(node.number)

    def _held(self, nodes: Sequence[Node], ask: Ask) -> dict[int, int]:
        """Of the prompt, the bytes that each node has been sent before."""
        if not ask.blocks:
            return {}
        wanted = _NO_BOUND
        if len(nodes) == 1 or len(self._nodes) > ALL:
            wanted = 0
            for node in nodes:
                wanted |= 1 << node.number
        return {n: bytes_in(depth) for n, depth in self._index.depths(ask.blocks, wanted).items()}

    def _ring_of(self, ids: Sequence[str]) -> "_Ring":
        if self._ring.ids is not ids:
            self._ring = _Ring(ids)
        return self._ring


class _Ring:
    """Ids in an order of their hashes, which is the same for all who know them."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self.known = frozenset(ids)
        self._places = sorted((xxhash.xxh3_64_intdigest(id_.encode()), id_) for id_ in ids)

    def after(self, seed: int, most: int) -> list[str]:
        """The ids that come next after `seed`; `most` is no more than there are."""
        start = bisect.bisect(self._places, (seed, ""))
        return [self._places[(start + n) % len(self._places)][1] for n in range(most)]
