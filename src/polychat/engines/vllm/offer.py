"""What vLLM does with a checkpoint, by the checkpoint's kind."""

import logging

from polychat.engines import checkpoint as checkpoints
from polychat.engines import templates
from polychat.engines.checkpoint import Checkpoint, Kind
from polychat.engines.launch import Offer
from polychat.engines.launches.flags import files_of
from polychat.engines.spec import EngineSpec
from polychat.engines.vllm import chats, families
from polychat.types import Endpoint, Feature

log = logging.getLogger(__name__)

_TOKENS = frozenset({Endpoint.TOKENIZE, Endpoint.DETOKENIZE})
_SPEECH = frozenset({Endpoint.TRANSCRIPTIONS, Endpoint.TRANSLATIONS})
_ADAPTERS = frozenset({Endpoint.LOAD_ADAPTER, Endpoint.UNLOAD_ADAPTER})
_POOLING = {
    Kind.EMBED: frozenset({Endpoint.EMBEDDINGS, Endpoint.RERANK, Endpoint.SCORE}),
    Kind.RERANK: frozenset({Endpoint.RERANK, Endpoint.SCORE}),
    Kind.CLASSIFY: frozenset({Endpoint.CLASSIFY}),
}
_GENERATES = frozenset(
    {
        Feature.JSON_SCHEMA,
        Feature.LOGPROBS,
        Feature.PROMPT_LOGPROBS,
        Feature.TOKEN_PROMPTS,
        Feature.LOGIT_BIAS,
        Feature.CONTINUE,
    }
)


def offer(spec: EngineSpec) -> Offer:
    """Raises SetupError when the checkpoint is damaged or the chat template asked for is not there."""
    checkpoint = checkpoints.read(files_of(spec).path)
    adapters = _ADAPTERS if spec.tuning.allow_adapter_updates else frozenset()
    if checkpoint.kind in _POOLING:
        return Offer(_POOLING[checkpoint.kind] | _TOKENS, _pooling_features(checkpoint), spec.context_length)
    if checkpoint.model_type == "whisper":
        return Offer(_SPEECH, frozenset(), spec.context_length)
    talk = chats.of(spec, checkpoint)
    runs = frozenset({Endpoint.COMPLETIONS, *([Endpoint.CHAT] if talk.is_possible else [])})
    if not talk.is_possible:
        log.warning("chats are off: %s", templates.refusal(spec.name))
    return Offer(runs | _TOKENS | adapters, _features(spec, checkpoint, talk), spec.context_length)


def _pooling_features(checkpoint: Checkpoint) -> frozenset[Feature]:
    return frozenset({Feature.TOKEN_PROMPTS}) if checkpoint.kind is Kind.EMBED else frozenset()


def _features(spec: EngineSpec, checkpoint: Checkpoint, talk: chats.Chats) -> frozenset[Feature]:
    more = set()
    if families.parsers(checkpoint.model_type, talk.template, spec.tuning).tools:
        more.add(Feature.TOOLS)
    if checkpoint.kind is Kind.VISION:
        more.add(Feature.VISION)
    return _GENERATES | more
