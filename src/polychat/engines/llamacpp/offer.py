"""What llama.cpp can do with a model, by the model's file and by what the running server tells."""

import msgspec

from polychat.engines.gguf_header import Header
from polychat.types import Endpoint, Feature

OF_ALL_CHATS = frozenset(
    {
        Feature.TOOLS,
        Feature.JSON_SCHEMA,
        Feature.LOGPROBS,
        Feature.TOKEN_PROMPTS,
        Feature.LOGIT_BIAS,
        Feature.CONTINUE,
    }
)


def endpoints(header: Header, *, chats: bool) -> frozenset[Endpoint]:
    """The routes of such a model; `chats`: it has a chat template."""
    runs = {Endpoint.COMPLETIONS, *([Endpoint.CHAT] if chats else [])}
    if header.embeds:
        runs = {Endpoint.EMBEDDINGS, Endpoint.RERANK, Endpoint.SCORE}
    elif header.ranks:
        runs = {Endpoint.RERANK, Endpoint.SCORE}
    return frozenset({Endpoint.TOKENIZE, Endpoint.DETOKENIZE, *runs})


def features(header: Header, *, sees: bool, drafts: bool) -> frozenset[Feature]:
    """What the files tell; the rest is known once the server runs.

    A model that sees takes a text for a prompt and nothing else; beside a draft model, llama.cpp tells
    the log probabilities of some tokens only. Seen with xllamacpp 2026.10.
    """
    if header.ranks:
        return frozenset()
    if header.embeds:
        return frozenset({Feature.TOKEN_PROMPTS})
    found = OF_ALL_CHATS - ({Feature.LOGPROBS} if drafts else frozenset())
    return (found - {Feature.TOKEN_PROMPTS}) | {Feature.VISION} if sees else found


def knows_tools(props: bytes) -> bool:
    """Whether the chat template shows tools to the model, by the server's /props."""
    return bool(msgspec.json.decode(props).get("chat_template_caps", {}).get("supports_tools", True))
