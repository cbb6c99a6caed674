"""How the logs of a command are written: by root options, which the processes that it starts are handed."""

import os

LEVEL, FORM = "POLYCHAT_LOG_LEVEL", "POLYCHAT_LOG_FORMAT"


def choose(level: str, form: str) -> None:
    """Note what the root options say, for this process and its children."""
    for name, value in ((LEVEL, level), (FORM, form)):
        if value:
            os.environ[name] = value


def set_up_logging() -> None:
    """Raises SetupError when the chosen level or form is unknown."""
    from polychat import telemetry

    telemetry.set_up_logging(os.environ.get(LEVEL) or "info", os.environ.get(FORM) or "pretty")
