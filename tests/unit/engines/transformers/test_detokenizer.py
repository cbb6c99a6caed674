"""Tokens become text as they come: whole characters only, and each at the same cost."""

from collections.abc import Sequence

from polychat.engines.transformers.detokenizer import Detokenizer

PIECES = [b"Gr", b"\xc3", b"\xbc", b"\xc3\x9fe ", b"\xf0\x9f", b"\x99", b"\x82", b"!", b"\xff"]


def decode(ids: Sequence[int]) -> str:
    return b"".join(PIECES[id_] for id_ in ids).decode(errors="replace")


def spaced(ids: Sequence[int]) -> str:
    """As SentencePiece does: the first word of a text loses its space."""
    return " ".join(f"w{id_}" for id_ in ids)


def test_half_characters_wait_for_their_rest() -> None:
    detokenizer = Detokenizer(decode)
    assert [detokenizer.feed(id_) for id_ in range(8)] == ["Gr", "", "ü", "ße ", "", "", "🙂", "!"]


def test_bytes_that_never_become_a_character_are_given_up() -> None:
    detokenizer = Detokenizer(decode)
    texts = [detokenizer.feed(8) for _ in range(20)]
    assert "�" in "".join(texts)


def test_the_first_token_knows_the_prompt_before_it() -> None:
    assert Detokenizer(spaced, [1, 2]).feed(3) == " w3"
    assert Detokenizer(spaced).feed(3) == "w3"


def test_every_token_costs_the_same() -> None:
    sizes = []

    def counted(ids: Sequence[int]) -> str:
        sizes.append(len(ids))
        return spaced(ids)

    detokenizer = Detokenizer(counted)
    for id_ in range(1000):
        detokenizer.feed(id_)
    assert max(sizes) < 10
    assert len(sizes) == 2000
