"""Logs: one line an event, to standard error, the same shape in every role; for people or as JSON.

A record's fields besides its message (`extra={"facts": {...}}`) become keys of the JSON.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from types import TracebackType

from polychat.errors import SetupError

FORMS = ("pretty", "json")
LEVELS = ("debug", "info", "warning", "error")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s  %(message)s"
_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029) if code not in (9, 10)
}


def set_up_logging(level: str = "info", form: str = "pretty") -> None:
    """Send our records from `level` up, and those of libraries from WARNING up, to standard error.

    Raises:
        SetupError: there is no such level or form.
    """
    if level.lower() not in LEVELS:
        raise SetupError(f"--log-level {level} is unknown; choose one of {', '.join(LEVELS)}")
    if form not in FORMS:
        raise SetupError(f"--log-format {form} is unknown; choose {' or '.join(FORMS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if form == "json" else ForPeople(_FORMAT, "%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("polychat").setLevel(level.upper())


class ForPeople(logging.Formatter):
    """One line, tracebacks below it. What a client sends cannot begin a line of its own, nor colour one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        record.message = record.message.translate(_CONTROLS).replace("\n", "\\n")
        return super().formatMessage(record)

    def formatException(self, ei: "ExcInfo") -> str:  # noqa: N802  # logging's name
        lines = super().formatException(ei).translate(_CONTROLS).split("\n")
        return "\n".join(f"    {line}" for line in lines)  # no line of it begins as a record does


class AsJson(logging.Formatter):
    """One object a line: ts (ISO 8601, UTC), level, logger, message, and the record's own facts."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, object] = {
            **getattr(record, "facts", {}),
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts, default=str)  # in ASCII: some readers break lines at U+2028
