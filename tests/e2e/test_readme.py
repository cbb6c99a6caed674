"""A new user copies README's blocks, one after the other, and each does what README says."""

import json
from collections.abc import Iterator

import pytest

from tests.support.pages import ROOT, blocks, built_in_service, run

README = ROOT / "README.md"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with built_in_service() as address:
        yield address


def block(language: str, *, holding: str) -> str:
    return next(code for _, code in blocks(README, language) if holding in code)


def test_the_python_block_prints_the_answer(service: str) -> None:
    printed = run("python", block("python", holding="OpenAI("), service)
    assert "polychat worker MODEL" in printed
    assert "None" not in printed


def test_the_curl_line_gets_an_answer(service: str) -> None:
    bash = block("bash", holding="curl ")
    printed = run("bash", bash[bash.index("curl ") :], service)
    assert "Hello" in json.loads(printed)["choices"][0]["message"]["content"]
