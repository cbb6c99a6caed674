"""Writes docs/cli.md from the command line itself: python -m tests.support.cli_reference."""

import os
import subprocess
import sys
from pathlib import Path

from polychat.cli.main import group_of, our_commands

PATH = Path(__file__).parents[2] / "docs" / "cli.md"


def help_of(*command: str) -> str:
    """What `polychat COMMAND --help` prints, at a width that does not depend on the terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "polychat", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "110", "TERMINAL_WIDTH": "110", "LANG": "C.UTF-8"},
    )
    return done.stdout.strip()


def render() -> str:
    """The whole page."""
    parts = [
        "# Command line",
        "Written by `python -m tests.support.cli_reference`; a test holds it to what `--help` prints.",
        f"```\n{help_of()}\n```",
    ]
    for name, command in group_of(our_commands()).commands.items():
        parts += [f"## polychat {name}", f"```\n{help_of(name)}\n```"]
        for below in getattr(command, "commands", {}):
            parts += [f"### polychat {name} {below}", f"```\n{help_of(name, below)}\n```"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
