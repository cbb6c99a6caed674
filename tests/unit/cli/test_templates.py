"""`polychat templates` lists names and prints one as Jinja."""

import pytest

from polychat.cli.main import main
from polychat.cli.templates import templates
from polychat.engines.templates import find, names


def test_every_name_is_listed_with_models_it_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates"], [templates]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split()[0] for line in lines[1:]] == names()
    assert "koala_v1           koala-13B-HF" in lines
    assert "mistral            only when asked for" in lines


def test_a_template_is_printed_as_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "alpaca"], [templates]) == 0
    assert capsys.readouterr().out == find("alpaca").jinja


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "alpacca"], [templates]) == 1
    assert "no chat template 'alpacca'" in capsys.readouterr().err
