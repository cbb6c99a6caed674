"""What README and docs say is what the program does."""

import re
import shlex
from pathlib import Path

import pytest

from tests.support import cli_reference

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def polychat_lines() -> list[str]:
    """Every polychat command line in README's bash blocks and in its table, without comments."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL)).replace("\\\n", "")
    in_table = re.findall(r"^\|.*\| `(polychat [^`]+)`", README, re.MULTILINE)
    started = [line.replace("./scripts/up", "polychat up") for line in blocks.splitlines()]
    lines = [line.removeprefix(".venv/bin/").split(" #")[0].strip() for line in [*started, *in_table]]
    return [line for line in lines if line.startswith("polychat ")]


def test_the_command_reference_is_what_help_prints() -> None:
    assert cli_reference.PATH.read_text(encoding="utf-8") == cli_reference.render(), (
        "docs/cli.md is out of date; run: python -m tests.support.cli_reference"
    )


def test_readme_shows_enough_commands_to_be_worth_checking() -> None:
    assert len(polychat_lines()) > 10


@pytest.mark.parametrize("line", polychat_lines())
def test_every_flag_that_readme_types_exists(line: str) -> None:
    command, *words = shlex.split(line)[1:]
    known = cli_reference.help_of(command)
    for flag in (word for word in words if word.startswith("--")):
        assert flag in known, f"`{line}`: {flag} is not in `polychat {command} --help`"


def test_readme_is_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("target", re.findall(r"\]\(((?!http)[^)#]+)\)", README))
def test_every_link_in_readme_leads_somewhere(target: str) -> None:
    assert (Path(__file__).parents[2] / target).exists()
