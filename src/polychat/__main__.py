"""`python -m polychat` is the console script `polychat`."""

from polychat.cli.main import run

run()
