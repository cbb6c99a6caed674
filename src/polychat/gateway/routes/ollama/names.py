"""Which model an Ollama client means."""

from polychat.gateway.state import Gateway

_DEFAULT_TAG = ":latest"


def served_name(gateway: Gateway, asked: str) -> str:
    """The name under which the model is served: many clients put the default tag after it."""
    return asked if gateway.registry.named(asked) else asked.removesuffix(_DEFAULT_TAG)
