"""One async client of the API that `polychat api` serves: api.py asks, words.py says what is told."""

from polychat.client.api import Client, normal_url
from polychat.client.words import (
    AnswerCutOff,
    ApiError,
    ApiUnreachable,
    Delta,
    Message,
    ModelCard,
    Role,
    SamplingOptions,
    Usage,
)

__all__ = [
    "AnswerCutOff",
    "ApiError",
    "ApiUnreachable",
    "Client",
    "Delta",
    "Message",
    "ModelCard",
    "Role",
    "SamplingOptions",
    "Usage",
    "normal_url",
]
