"""What each replica's KV cache is likely to hold: the beginnings of the prompts that were sent there.

Engines forget the longest unused; so does this, replica by replica and block by block, with the ends of
prompts before their beginnings. Who has a block has all blocks before it, so the longest match is found by
bisection. Memory is bounded: an index that grows with every prompt eats its gateway
(vllm-project/production-stack#687).
"""

from collections import OrderedDict
from collections.abc import Sequence

_ENTRY_BYTES = 220  # a block at one replica: its places in both dictionaries, measured
INDEX_BYTES = 64 * 1024 * 1024


class PrefixIndex:
    """Blocks of prompts, and the numbers of the nodes that were sent them."""

    def __init__(self, max_bytes: int = INDEX_BYTES) -> None:
        self._max_blocks = max(1, max_bytes // _ENTRY_BYTES)  # of all nodes together
        self._holders: dict[int, int] = {}  # block -> a bit for each node that has it
        self._held: dict[int, OrderedDict[int, None]] = {}  # node -> its blocks, the longest unused first
        self._num = 0  # blocks, counted for each node that has them

    def __len__(self) -> int:
        """Blocks, counted for each node that has them."""
        return self._num

    def depths(self, blocks: Sequence[int], wanted: int) -> dict[int, int]:
        """How many of `blocks` each node has, from the first on; nodes that have none are left out.

        `wanted`: bits of the nodes that matter.
        """
        found: dict[int, int] = {}
        end = len(blocks)
        while wanted and (depth := self._deepest(blocks, end, wanted)):
            there = self._holders[blocks[depth - 1]] & wanted
            wanted &= ~there
            while there:
                bit = there & -there
                found[bit.bit_length() - 1] = depth
                there ^= bit
            end = depth - 1
        return found

    def _deepest(self, blocks: Sequence[int], end: int, wanted: int) -> int:
        """The most blocks that any of the wanted nodes has, at most `end`."""
        holders, low, high = self._holders, 0, end
        while low < high:
            middle = (low + high + 1) // 2
            if holders.get(blocks[middle - 1], 0) & wanted:
                low = middle
            else:
                high = middle - 1
        return low

    def put(self, node: int, blocks: Sequence[int], *, capacity: int) -> None:
        """`blocks` are sent to `node`, which holds at most `capacity` of them."""
        held = self._held.get(node)
        if held is None:
            held = self._held[node] = OrderedDict()
        bit, holders = 1 << node, self._holders
        for block in reversed(blocks):  # the beginning is the last to be forgotten
            if block in held:
                held.move_to_end(block)
            else:
                held[block] = None
                holders[block] = holders.get(block, 0) | bit
                self._num += 1
        share = max(1, self._max_blocks // len(self._held))
        self._shrink(node, held, min(capacity, share))
        if self._num > self._max_blocks:  # who came when there were fewer has more than its share
            fattest = max(self._held, key=lambda each: len(self._held[each]))
            self._shrink(fattest, self._held[fattest], share)

    def num_blocks(self, node: int) -> int:
        """Blocks that `node` is thought to hold."""
        return len(self._held.get(node, ()))

    def holders(self, blocks: Sequence[int], most: int, *, start: int) -> list[int]:
        """At most `most` nodes of those that have the longest beginning, from the number `start` on."""
        depth = self._deepest(blocks, len(blocks), -1)
        if not depth:
            return []
        found: list[int] = []
        bits = self._holders[blocks[depth - 1]]
        high, low = bits >> start << start, bits & ((1 << start) - 1)
        for part in (high, low):
            while part and len(found) < most:
                bit = part & -part
                found.append(bit.bit_length() - 1)
                part ^= bit
        return found

    def remove(self, node: int) -> None:
        """`node` is gone."""
        for block in self._held.pop(node, ()):
            self._drop(block, 1 << node)

    def _shrink(self, node: int, held: "OrderedDict[int, None]", most: int) -> None:
        while len(held) > most:
            block, _ = held.popitem(last=False)
            self._drop(block, 1 << node)

    def _drop(self, block: int, bit: int) -> None:
        self._num -= 1
        left = self._holders[block] & ~bit
        if left:
            self._holders[block] = left
        else:
            del self._holders[block]
