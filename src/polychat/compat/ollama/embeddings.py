"""Embeddings as /api/embed and /api/embeddings show them."""

import msgspec

from polychat.compat.ollama.answers import Usage


class Embedding(msgspec.Struct):
    embedding: msgspec.Raw  # numbers that need not be read
    index: int = 0


class Embeddings(msgspec.Struct):
    """The answer to a published embedding request; {} is one without any."""

    data: list[Embedding] = msgspec.field(default_factory=list)
    usage: Usage = msgspec.field(default_factory=Usage)

    @property
    def vectors(self) -> list[msgspec.Raw]:
        """In the inputs' order."""
        return [each.embedding for each in sorted(self.data, key=lambda each: each.index)]


_decode = msgspec.json.Decoder(Embeddings).decode
NO_INPUT = b"{}"  # what a replica would say to nothing, were it asked


def embed(body: bytes, *, model: str, took_ns: int) -> bytes:
    """The answer of /api/embed."""
    answer = _decode(body)
    facts = {
        "model": model,
        "embeddings": answer.vectors,
        "total_duration": took_ns,
        "load_duration": 0,
        "prompt_eval_count": answer.usage.prompt_tokens,
    }
    return msgspec.json.encode(facts)


def legacy(body: bytes) -> bytes:
    """The answer of /api/embeddings: one vector."""
    vectors = _decode(body).vectors
    return msgspec.json.encode({"embedding": vectors[0] if vectors else []})
