import pytest

from polychat.conformance.departure import Departure, Said, at, equal, fits, parsed, require


@pytest.mark.parametrize(
    ("path", "words"), [(("a", 0, "b"), "'a.0.b' in the answer"), (("a", 1), "'a.1'"), (("c",), "'c'")]
)
def test_what_is_not_there_is_named_with_its_path(path: tuple[str | int, ...], words: str) -> None:
    with pytest.raises(Departure, match=words):
        at({"a": [{"c": 1}]}, *path)


def test_what_is_there_is_found() -> None:
    assert at({"a": [{"c": 1}]}, "a", 0, "c") == 1


def test_a_departure_tells_what_was_expected_and_what_came() -> None:
    with pytest.raises(Departure, match=r'^expected status 404, got "hello"$'):
        equal("hello", 404, "status")
    with pytest.raises(Departure, match=r"^expected rain, got some sun$"):
        require(False, "rain", Said("some sun"))


def test_evidence_is_cut_to_what_a_table_bears() -> None:
    assert len(str(Departure("a", "x" * 1000))) < 200


def test_json_in_a_text_is_read_and_held_to_its_schema() -> None:
    assert parsed('{"a": 1}', "arguments") == {"a": 1}
    with pytest.raises(Departure, match="arguments to be JSON"):
        parsed('{"a": ', "arguments")
    with pytest.raises(Departure, match=r"arguments to fit.*is not of type 'string'"):
        fits({"a": 1}, {"properties": {"a": {"type": "string"}}}, "arguments")
