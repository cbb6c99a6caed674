"""The routes of Anthropic's and Ollama's APIs."""

from polychat.compat.anthropic.requests import Conversation, MessagesRequest
from polychat.compat.ollama import requests
from polychat.gateway.openapi.operation import LINES, MODEL, SSE, Api, Operation, Stream
from polychat.schema.answers import anthropic, ollama

_HELLO = [{"role": "user", "content": "Hello!"}]
_LINES = "A line each, unless `stream` is false; the last one has `done`."
_ELSEWHERE = "Models are managed with the command line"

ANTHROPIC = (
    Operation(
        "POST",
        "/v1/messages",
        "Answer a conversation",
        Api.ANTHROPIC,
        MessagesRequest,
        anthropic.AnthropicAnswer,
        example={"model": MODEL, "max_tokens": 64, "messages": _HELLO},
        stream=Stream(SSE, None, "With `stream`: Anthropic's events, to `message_stop` or `error`."),
    ),
    Operation(
        "POST",
        "/v1/messages/count_tokens",
        "Count the tokens of a conversation",
        Api.ANTHROPIC,
        Conversation,
        anthropic.AnthropicCount,
        example={"model": MODEL, "messages": _HELLO},
    ),
)

OLLAMA = (
    Operation(
        "POST",
        "/api/chat",
        "Answer a conversation",
        Api.OLLAMA,
        requests.ChatRequest,
        ollama.OllamaChatAnswer,
        example={"model": MODEL, "messages": _HELLO, "stream": False},
        stream=Stream(LINES, ollama.OllamaChatAnswer, _LINES),
    ),
    Operation(
        "POST",
        "/api/generate",
        "Answer a prompt",
        Api.OLLAMA,
        requests.GenerateRequest,
        ollama.OllamaGenerateAnswer,
        example={"model": MODEL, "prompt": "Hello!", "stream": False},
        stream=Stream(LINES, ollama.OllamaGenerateAnswer, _LINES),
    ),
    Operation(
        "POST",
        "/api/embed",
        "Turn texts into vectors",
        Api.OLLAMA,
        requests.EmbedRequest,
        ollama.OllamaEmbeddings,
        example={"model": MODEL, "input": "one text"},
    ),
    Operation(
        "POST",
        "/api/embeddings",
        "Turn a text into a vector",
        Api.OLLAMA,
        requests.LegacyEmbedRequest,
        ollama.OllamaEmbedding,
        example={"model": MODEL, "prompt": "one text"},
    ),
    Operation("GET", "/api/tags", "List the models", Api.OLLAMA, answer=ollama.OllamaTags, statuses=(401,)),
    Operation(
        "GET",
        "/api/ps",
        "List the models in memory",
        Api.OLLAMA,
        answer=ollama.OllamaRunningList,
        statuses=(401,),
    ),
    Operation(
        "POST",
        "/api/show",
        "Tell what a model can do",
        Api.OLLAMA,
        requests.Named,
        ollama.OllamaShown,
        example={"model": MODEL},
    ),
    Operation(
        "GET",
        "/api/version",
        "Tell which API this is",
        Api.OLLAMA,
        answer=ollama.OllamaVersion,
        statuses=(401,),
    ),
    Operation(
        "POST",
        "/api/pull",
        "Say that a model is there",
        Api.OLLAMA,
        requests.Pull,
        ollama.OllamaProgress,
        example={"model": MODEL, "stream": False},
        stream=Stream(LINES, ollama.OllamaProgress, "A line each, unless `stream` is false."),
    ),
    *(
        Operation(method, path, _ELSEWHERE, Api.OLLAMA, statuses=(401, 501))
        for method, path in (
            ("POST", "/api/create"),
            ("POST", "/api/copy"),
            ("DELETE", "/api/delete"),
            ("POST", "/api/push"),
            ("POST", "/api/blobs/{digest}"),
            ("GET", "/api/blobs/{digest}"),
        )
    ),
)
