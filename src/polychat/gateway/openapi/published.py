"""The routes of OpenAI's API, and of the service itself."""

from collections.abc import Mapping

from polychat.compat.responses.requests import CountRequest, ResponseRequest
from polychat.gateway.openapi.operation import MODEL, SSE, Api, Operation, Stream
from polychat.schema.answers import media as media_answers
from polychat.schema.answers import pooling, responses, service
from polychat.schema.answers.chat import ChatCompletion, ChatCompletionChunk
from polychat.schema.answers.completions import Completion
from polychat.schema.answers.models import ModelCard, ModelList
from polychat.schema.chat import ChatRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.embeddings import EmbeddingRequest
from polychat.schema.media import (
    ImageEditForm,
    ImageRequest,
    ImageVariationForm,
    SpeechRequest,
    TranscriptionForm,
    TranslationForm,
)

_HELLO = [{"role": "user", "content": "Hello!"}]
_DONE = "It ends with `data: [DONE]`; one that breaks, with one event that holds an error instead."
_NOT_HERE = ("conversation", "prompt", "context_management", "moderation")
_STORED = (400, 401, 404, 405, 503)
_ITEMS_QUERY: Mapping[str, Mapping[str, object]] = {
    "order": {"type": "string", "enum": ["asc", "desc"]},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    "after": {"type": "string"},
    "before": {"type": "string"},
}

TEXT = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "Answer a conversation",
        Api.OPENAI,
        ChatRequest,
        ChatCompletion,
        example={"model": MODEL, "messages": _HELLO},
        refuses=("functions", "function_call", "web_search_options", "moderation"),
        stream=Stream(SSE, ChatCompletionChunk, f"With `stream`: a ChatCompletionChunk an event. {_DONE}"),
    ),
    Operation(
        "POST",
        "/v1/completions",
        "Go on with a text",
        Api.OPENAI,
        CompletionRequest,
        Completion,
        example={"model": MODEL, "prompt": "Once upon a time", "max_tokens": 32},
        stream=Stream(SSE, Completion, f"With `stream`: a Completion an event. {_DONE}"),
    ),
    Operation(
        "POST",
        "/v1/embeddings",
        "Turn texts into vectors",
        Api.OPENAI,
        EmbeddingRequest,
        pooling.EmbeddingList,
        example={"model": MODEL, "input": ["one text", "another"]},
    ),
    Operation(
        "GET",
        "/v1/models",
        "List the models that are ready",
        Api.OPENAI,
        answer=ModelList,
        statuses=(401,),
        note="With the header `anthropic-version` in Anthropic's form.",
    ),
    Operation(
        "GET",
        "/v1/models/{model}",
        "Tell what a model can do",
        Api.OPENAI,
        answer=ModelCard,
        statuses=(401, 404),
        note="Ids may hold slashes. With the header `anthropic-version` in Anthropic's form.",
    ),
)

RESPONSES = (
    Operation(
        "POST",
        "/v1/responses",
        "Make a response",
        Api.RESPONSES,
        ResponseRequest,
        responses.Response,
        example={"model": MODEL, "input": "Hello!"},
        refuses=_NOT_HERE,
        stream=Stream(SSE, None, "With `stream`: OpenAI's events, numbered, to `response.completed`."),
    ),
    Operation(
        "POST",
        "/v1/responses/input_tokens",
        "Count the tokens of a response's input",
        Api.RESPONSES,
        CountRequest,
        responses.InputTokens,
        example={"model": MODEL, "input": "Hello!"},
        refuses=_NOT_HERE,
    ),
    Operation(
        "GET",
        "/v1/responses/{response_id}",
        "Retrieve a stored response",
        Api.RESPONSES,
        answer=responses.Response,
        statuses=_STORED,
    ),
    Operation(
        "DELETE",
        "/v1/responses/{response_id}",
        "Delete a stored response",
        Api.RESPONSES,
        answer=responses.DeletedResponse,
        statuses=_STORED,
    ),
    Operation(
        "POST",
        "/v1/responses/{response_id}/cancel",
        "Cancel a response that is made in the background",
        Api.RESPONSES,
        answer=responses.Response,
        statuses=_STORED,
    ),
    Operation(
        "GET",
        "/v1/responses/{response_id}/input_items",
        "List what a stored response was made from",
        Api.RESPONSES,
        answer=responses.ItemList,
        query=_ITEMS_QUERY,
        statuses=_STORED,
    ),
)

MEDIA = (
    Operation(
        "POST",
        "/v1/audio/transcriptions",
        "Turn speech into text",
        Api.OPENAI,
        TranscriptionForm,
        media_answers.Transcript,
        other_types=("text/plain",),
        files=("file",),
        stream=Stream(SSE, None, "With `stream`: to `transcript.text.done`."),
    ),
    Operation(
        "POST",
        "/v1/audio/translations",
        "Turn speech into English text",
        Api.OPENAI,
        TranslationForm,
        media_answers.Transcript,
        other_types=("text/plain",),
        files=("file",),
    ),
    Operation(
        "POST",
        "/v1/audio/speech",
        "Turn text into speech",
        Api.OPENAI,
        SpeechRequest,
        example={"model": "kokoro", "input": "Hello!", "voice": "alloy"},
        other_types=("audio/mpeg", "audio/wav", "audio/opus", "audio/aac", "audio/flac", "audio/pcm"),
        stream=Stream(SSE, None, "With `stream_format` `sse`: to `speech.audio.done`."),
    ),
    Operation(
        "POST",
        "/v1/images/generations",
        "Draw an image",
        Api.OPENAI,
        ImageRequest,
        media_answers.ImageList,
        example={"model": "sdxl", "prompt": "A cat on a bicycle", "response_format": "b64_json"},
        stream=Stream(SSE, None, "With `stream`: to `image_generation.completed`."),
    ),
    Operation(
        "POST",
        "/v1/images/edits",
        "Change an image",
        Api.OPENAI,
        ImageEditForm,
        media_answers.ImageList,
        files=("image", "mask"),
        stream=Stream(SSE, None, "With `stream`: to `image_edit.completed`."),
    ),
    Operation(
        "POST",
        "/v1/images/variations",
        "Vary an image",
        Api.OPENAI,
        ImageVariationForm,
        media_answers.ImageList,
        files=("image",),
    ),
)

SERVICE = (
    Operation(
        "GET",
        "/health",
        "Tell whether the gateway lives",
        Api.SERVICE,
        answer=service.Health,
        statuses=(),
        is_open=True,
    ),
    Operation("GET", "/", "Tell what this is", Api.SERVICE, answer=service.FrontDoor, statuses=()),
    Operation(
        "GET",
        "/openapi.json",
        "This document",
        Api.SERVICE,
        answer=service.OpenApi,
        statuses=(),
    ),
    Operation(
        "GET",
        "/metrics",
        "Metrics for Prometheus: with an admin's key, or the token of --metrics-token",
        Api.SERVICE,
        other_types=("text/plain",),
        statuses=(403,),
    ),
    Operation(
        "GET",
        "/docs",
        "This document as a page",
        Api.SERVICE,
        other_types=("text/html",),
        statuses=(),
    ),
)
