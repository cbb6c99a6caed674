"""Logs: one line an event, to standard error, the same shape in every role."""

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s  %(message)s"


def set_up_logging(level: str = "info") -> None:
    """Send our records from `level` up, and those of libraries from WARNING up, to standard error."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format=_FORMAT, datefmt="%H:%M:%S", force=True
    )
    logging.getLogger("polychat").setLevel(level.upper())
