"""A template by name or from a file, and what is said when there is none."""

from pathlib import Path

import pytest

from polychat.engines.templates import as_file, find, refusal
from polychat.errors import SetupError


def test_a_name_is_found_in_any_case() -> None:
    assert find("ROBIN").name == find("Robin").name == "Robin"


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{% for message in messages %}{{ message.content }}{% endfor %}é", encoding="utf-8")
    assert (find(str(file)).name, find(str(file)).jinja) == ("mine", file.read_text(encoding="utf-8"))


def test_a_wrong_name_is_told_its_neighbours() -> None:
    with pytest.raises(
        SetupError, match=r"'vicuna_v1.2': it is neither a file nor a name \(nearest: vicuna_v1.1"
    ):
        find("vicuna_v1.2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{% for message in messages %}\n{% endif %}", "line 2: no valid Jinja"),
        (b"weights", "never mentions `messages`"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_template_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "wrong.jinja"
    file.write_bytes(content)
    with pytest.raises(SetupError, match=said):
        find(str(file))


def test_a_block_that_only_transformers_knows_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "trained.jinja"
    file.write_text("{% generation %}{{ messages }}{% endgeneration %}")
    assert find(str(file)).name == "trained"


def test_a_program_that_wants_a_path_gets_a_file(tmp_path: Path) -> None:
    written = as_file("ALPACA", tmp_path / "templates")
    assert written == tmp_path / "templates" / "alpaca.jinja"
    assert find(str(written)).jinja == find("alpaca").jinja
    written.write_text("{{ messages }}")
    assert as_file(str(written), tmp_path / "none") == written


def test_a_refusal_says_what_to_pass() -> None:
    assert "some/model has no chat template of its own: pass --chat-template FILE or NAME" in refusal(
        "some/model"
    )
