from importlib import resources

import pytest

from tests.unit.models.conftest import MINI

FILE = resources.files("polychat.engines").joinpath("builtin/polychat-mini.gguf")
LARGEST_BYTES = 12_000_000  # every install downloads it


def test_the_built_in_model_is_small_enough_to_ship() -> None:
    assert len(FILE.read_bytes()) <= LARGEST_BYTES


@pytest.mark.parametrize("fact", ["apache-2.0", "polychat-mini"])
def test_the_built_in_model_says_what_it_is(fact: str) -> None:
    assert fact.encode() in FILE.read_bytes()


def test_the_built_in_model_carries_the_chat_template_of_its_sources() -> None:
    assert (MINI / "chat_template.jinja").read_bytes() in FILE.read_bytes()
