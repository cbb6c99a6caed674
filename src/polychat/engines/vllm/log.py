"""What vLLM's log says: how far its start is, and why it failed. Seen with version 0.32.0."""

from polychat.engines.launches.words import PYTHON_REASONS, phase

PHASES = (
    phase("reading the config", "non-default args"),
    phase("starting its processes", "Using max model len"),
    phase("loading the weights", "Starting to load model"),
    phase("compiling", r"torch\.compile (?:cache|takes)|for vLLM's torch\.compile|Dynamo bytecode transform"),
    phase("warming up", "KV cache size: "),
    phase("opening its port", "Starting vLLM server on"),
)
REASONS = PYTHON_REASONS
