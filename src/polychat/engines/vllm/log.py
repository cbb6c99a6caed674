"""What vLLM's log says: how far its start is, and why it failed. Seen with version 0.32.0."""

import re

from polychat.engines.launches.words import PYTHON_REASONS, phase

PHASES = (
    phase("reading the config", "non-default args"),
    phase("starting its processes", "Using max model len"),
    phase("loading the weights", "Starting to load model"),
    phase("compiling", r"torch\.compile (?:cache|takes)|for vLLM's torch\.compile|Dynamo bytecode transform"),
    phase("warming up", "KV cache size: "),
    phase("opening its port", "Starting vLLM server on"),
)
_OUT_OF_MEMORY, *_OF_PYTHON = PYTHON_REASONS
# Best first: what began it in the process that computes, a setting that is refused, then any exception.
REASONS = (
    _OUT_OF_MEMORY,
    re.compile(r"\((?:EngineCore|\w*Worker)[^)]*\) ERROR .*\] (?:\w+\.)*(\w+(?:Error|Exception): .+)$"),
    re.compile(r"^ +Value error, (.+?)(?:\. (?:Supported|Must be one of)\b.*| \[type=.*)?$"),
    re.compile(r"KeyError: '(invalid .+?) \(chose"),
    *_OF_PYTHON,
)
