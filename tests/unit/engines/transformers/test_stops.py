"""Stop strings end an answer before them, wherever tokens begin and end."""

import pytest

from polychat.engines.transformers.stops import StopCutter


def said(stops: list[str], pieces: list[str]) -> tuple[str, str | None]:
    cutter = StopCutter(stops)
    text = ""
    for piece in pieces:
        text += cutter.feed(piece)
        if cutter.met is not None:
            return text, cutter.met
    return text + cutter.rest(), None


@pytest.mark.parametrize(
    ("stops", "pieces", "expected"),
    [
        (["END"], ["a E", "N", "D b"], ("a ", "END")),
        (["END"], ["a E", "N", "d"], ("a ENd", None)),
        (["END"], ["aEN"], ("aEN", None)),
        (["aab"], ["aaa", "b"], ("a", "aab")),
        (["long one", "g"], ["lon", "g one"], ("", "long one")),
        (["b", "ab"], ["xab"], ("x", "ab")),
        ([], ["x"], ("x", None)),
    ],
)
def test_an_answer_ends_before_the_first_stop_string(
    stops: list[str], pieces: list[str], expected: tuple[str, str | None]
) -> None:
    assert said(stops, pieces) == expected


def test_what_cannot_be_part_of_a_stop_string_is_not_held_back() -> None:
    assert StopCutter(["\n\n"]).feed("one\n") == "one"
