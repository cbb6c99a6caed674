"""The published API as typed structs: what the gateway checks, engines shape by, and /openapi.json says."""

from polychat.schema.chat import ChatRequest
from polychat.schema.classify import ClassifyRequest
from polychat.schema.completions import CompletionRequest
from polychat.schema.embeddings import EmbeddingRequest
from polychat.schema.rerank import RerankRequest
from polychat.schema.score import ScoreRequest
from polychat.schema.tokenize import DetokenizeRequest, TokenizeRequest

Request = (
    ChatRequest
    | CompletionRequest
    | EmbeddingRequest
    | RerankRequest
    | ScoreRequest
    | ClassifyRequest
    | TokenizeRequest
    | DetokenizeRequest
)
"""A request for a model, of whichever route."""
