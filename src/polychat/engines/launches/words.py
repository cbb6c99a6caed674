"""What logs of many engines have in common."""

import re

from polychat.engines.launch import Phase

# Best first: what people can do something about, then the exception that ended a Python program.
PYTHON_REASONS = (
    re.compile(r"((?:torch\.)?(?:cuda\.)?OutOfMemoryError: .+)"),
    re.compile(r"(?i)((?:CUDA )?out of memory.*)"),
    re.compile(r"error: (unrecognized arguments: .+|argument .+|the following arguments .+)"),
    re.compile(r"(?:^|[\s.])([A-Z]\w*(?:Error|Exception): .+)$"),
)


def phase(name: str, begins: str) -> Phase:
    return Phase(name, re.compile(begins))
