import json
import logging
import sys

from polychat.telemetry.logs import AsJson, ForPeople

FORGED = "x\n10:00:00 ERROR   polychat  all is lost\x1b[31m\u2028more"


def record(message: str, *, exc: Exception | None = None, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("polychat.test", logging.INFO, "f", 1, message, None, None)
    made.facts = facts
    if exc is not None:
        try:
            raise exc
        except Exception:  # noqa: BLE001  # any
            made.exc_info = sys.exc_info()
    return made


def test_what_a_client_sends_begins_no_line_and_colours_none() -> None:
    text = ForPeople("%(levelname)s %(message)s").format(record(FORGED))
    assert text.splitlines() == [text]
    assert "\x1b" not in text


def test_nor_does_it_in_a_traceback() -> None:
    text = ForPeople("%(levelname)s %(message)s").format(record("a bug", exc=ValueError(FORGED)))
    assert not [line for line in text.splitlines() if line.startswith("10:00:00")]
    assert "\x1b" not in text


def test_json_is_one_line_with_the_records_own_facts_beside_what_all_have() -> None:
    line = AsJson().format(record(FORGED, status=200, level="forged"))
    assert line.splitlines() == [line]
    told = json.loads(line)
    assert (told["message"], told["status"], told["level"]) == (FORGED, 200, "info")
    assert told["ts"].endswith("+00:00")
