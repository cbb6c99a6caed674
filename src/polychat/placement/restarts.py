"""Whether a role that ended starts again at once or after a pause: a pure decision."""

import signal
from dataclasses import dataclass

STEADY_S = 20.0  # a role that ran for so long is forgiven what went before
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class Restart:
    """What to do about a role that ended by itself."""

    delay_s: float
    failures: int  # in a row, this one included


def after_exit(*, failures: int, ran_s: float) -> Restart:
    """The next start of a role that had failed `failures` times in a row and now ended after `ran_s`.

    The pause doubles with each failure in a row, so that a role that cannot run does not eat the machine.
    """
    in_a_row = 1 if ran_s >= STEADY_S else failures + 1
    return Restart(min(FIRST_DELAY_S * 2 ** min(in_a_row - 1, 16), LONGEST_DELAY_S), in_a_row)


def how_it_ended(returncode: int) -> str:
    """An exit status as people say it."""
    if returncode >= 0:
        return f"ended with status {returncode}"
    try:
        return f"was killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was killed by signal {-returncode}"
