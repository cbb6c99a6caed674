"""What logs of many engines have in common."""

import re

from polychat.engines.launch import Phase

OUR_STEPS = re.compile(r"^error: (.+ ended with status \d+|the model is not there: .+)$")

# Best first: what people can do something about, then the exception that ended a Python program.
PYTHON_REASONS = (
    re.compile(r"((?:torch\.)?(?:cuda\.)?OutOfMemoryError: .+)"),
    re.compile(r"(?i)((?:CUDA )?out of memory.*)"),
    OUR_STEPS,
    re.compile(r"error: (unrecognized arguments: .+|argument .+|the following arguments .+)"),
    re.compile(r"(?:^|[\s.])([A-Z]\w*(?:Error|Exception): .+)$"),
)


def phase(name: str, begins: str) -> Phase:
    return Phase(name, re.compile(begins))
