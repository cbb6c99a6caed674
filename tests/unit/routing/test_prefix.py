"""What the index of prefixes remembers and forgets."""

from hypothesis import given
from hypothesis import strategies as st

from polychat.routing.ask import ask_of, blocks_in, bytes_in
from polychat.routing.prefix import PrefixIndex

texts = st.text(alphabet="ab", min_size=0, max_size=8).map(
    lambda letters: b"".join(letter.encode() * 256 for letter in letters)
)
puts = st.lists(st.tuples(st.integers(0, 3), texts), max_size=30)


def common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


@given(puts, texts)
def test_each_node_has_the_longest_beginning_that_it_was_sent(
    sent: list[tuple[int, bytes]], wanted: bytes
) -> None:
    index, blocks = PrefixIndex(), ask_of(wanted, seed="").blocks
    for node, text in sent:
        index.put(node, ask_of(text, seed="").blocks, capacity=1000)
    expected = {
        node: max(common(ask_of(text, seed="").blocks, blocks) for other, text in sent if other == node)
        for node in {node for node, _ in sent}
    }
    assert index.depths(blocks, 0b1111) == {node: depth for node, depth in expected.items() if depth}


@given(puts, st.integers(1, 6))
def test_no_node_has_more_than_its_capacity_and_ends_go_before_beginnings(
    sent: list[tuple[int, bytes]], capacity: int
) -> None:
    index = PrefixIndex()
    for node, text in sent:
        blocks = ask_of(text, seed="").blocks
        index.put(node, blocks, capacity=capacity)
        assert index.num_blocks(node) <= capacity
        assert index.depths(blocks, 1 << node).get(node, 0) == min(len(blocks), capacity)


@given(puts)
def test_nothing_is_left_of_nodes_that_are_gone(sent: list[tuple[int, bytes]]) -> None:
    index = PrefixIndex()
    for node, text in sent:
        index.put(node, ask_of(text, seed="").blocks, capacity=5)
    for node in range(4):
        index.remove(node)
    assert len(index) == 0
    assert not index.__dict__["_holders"]


def test_an_index_of_prompts_that_never_repeat_stays_within_its_bytes() -> None:
    """vllm-project/production-stack#687: a tree that grows with every prompt eats its gateway's memory."""
    index = PrefixIndex(max_bytes=220 * 1000)
    for n in range(2_000):
        index.put(min(n // 400, n % 5), ask_of(f"{n} ".encode() * 500, seed="").blocks, capacity=10**9)
        assert len(index) <= 1000


def test_a_node_that_is_asked_for_is_found_among_many() -> None:
    index, blocks = PrefixIndex(), ask_of(b"x" * 5000, seed="").blocks
    for node in range(0, 5000, 7):
        index.put(node, blocks, capacity=100)
    assert index.holders(blocks, 3, start=4000) == [4004, 4011, 4018]
    assert index.holders(blocks, 2, start=4999) == [0, 7]
    assert index.holders(ask_of(b"y" * 5000, seed="").blocks, 3, start=0) == []


@given(st.binary(max_size=9000), st.binary(max_size=9000))
def test_prompts_share_as_many_blocks_as_their_common_beginning_has(one: bytes, other: bytes) -> None:
    a, b = ask_of(one, seed="").blocks, ask_of(other, seed="").blocks
    shared = next(
        (n for n, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other))
    )
    assert bytes_in(common(a, b)) <= shared
    assert common(a, b) == min(len(a), len(b)) or bytes_in(common(a, b) + 1) > shared


@given(st.integers(0, 100_000))
def test_a_text_has_as_many_blocks_as_are_hashed(size_bytes: int) -> None:
    num = len(ask_of(b"x" * size_bytes, seed="").blocks)
    assert blocks_in(size_bytes) == num
    assert bytes_in(num) <= size_bytes < bytes_in(num + 1)


def test_another_adapter_has_another_kv_cache() -> None:
    assert ask_of(b"x" * 1000, seed="a").blocks[0] != ask_of(b"x" * 1000, seed="b").blocks[0]
