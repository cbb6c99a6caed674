"""In the child: from its settings to the routes that answer."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from transformers import AutoProcessor, AutoTokenizer, PreTrainedTokenizerBase

from polychat.engines.transformers import adapters, generation, tokens
from polychat.engines.transformers.app import Answer
from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.core.refusals import refusing
from polychat.engines.transformers.job import Generator, ModelSettings, OpenModel, Pooler
from polychat.engines.transformers.pictures import Pictures
from polychat.engines.transformers.pooled import Pooled
from polychat.engines.transformers.reading import MARKS, THINK, marks_of
from polychat.engines.transformers.served import Served
from polychat.engines.transformers.settings import Settings
from polychat.engines.transformers.text import Text
from polychat.types import Endpoint, Feature

_CREATED = int(time.time())
_POOLING = {
    "embed": (Endpoint.EMBEDDINGS, Endpoint.RERANK, Endpoint.SCORE),
    "score": (Endpoint.RERANK, Endpoint.SCORE),
    "classify": (Endpoint.CLASSIFY,),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A model in memory and all that can be asked of it."""

    model: OpenModel
    posts: Mapping[str, Answer]
    features: frozenset[Feature]

    @property
    def core(self) -> Generator | Pooler:
        core = self.model.generator or self.model.pooler
        assert core is not None, "a model generates or pools"
        return core


def opened(settings: Settings) -> Opened:
    """Load the model. Blocks; not for a running event loop.

    Raises:
        EngineStartError, SetupError: one line that names the cause and the fix.
    """
    model = open_model(settings.model)
    text = Text(_tokenizer(settings.model), template=settings.chat_template)
    with refusing(settings.model, "chat template"):
        text.check_template()
    if model.pooler is not None:
        return _pooling(settings, model, text)
    assert model.generator is not None, "a model generates or pools"
    served = _served(settings, model, model.generator, text)
    return Opened(model, _posts(settings, served), _features(served))


def state_of(opened: Opened) -> dict[str, object]:
    """What a worker asks for every second."""
    generator = opened.model.generator
    return {
        "endpoints": sorted(opened.posts),
        "features": sorted(opened.features),
        "context_length": opened.model.context_length,
        "adapters": generator.adapters if generator is not None else (),
        "load": opened.core.load,
    }


def models_of(settings: Settings, opened: Opened) -> dict[str, object]:
    """The list of /v1/models: the model, then its adapters."""
    about = {"object": "model", "created": _CREATED, "owned_by": "polychat"}
    own = {"id": settings.name, **about, "root": settings.model.folder, "parent": None}
    generator = opened.model.generator
    names = generator.adapters if generator is not None else ()
    listed = [own | {"max_model_len": opened.model.context_length}]
    return {
        "object": "list",
        "data": [*listed, *({"id": name, **about, "root": name, "parent": settings.name} for name in names)],
    }


def _served(settings: Settings, model: OpenModel, generator: Generator, text: Text) -> Served:
    marks = settings.tool_parser or marks_of(text.template)
    return Served(
        name=settings.name,
        model=model,
        generator=generator,
        text=text,
        pictures=_pictures(settings.model, text) if settings.sees else None,
        stop=settings.stop,
        stop_token_ids=settings.stop_token_ids,
        marks=MARKS.get(marks),
        thinks=THINK in text.template,
    )


def _posts(settings: Settings, served: Served) -> dict[str, Answer]:
    text, context_length = served.text, served.model.context_length
    found: dict[str, Answer] = {
        Endpoint.COMPLETIONS: _soon(lambda body: generation.completion(served, body)),
        Endpoint.TOKENIZE: _soon(lambda body: tokens.tokenize(text, context_length, body, served)),
        Endpoint.DETOKENIZE: _soon(lambda body: tokens.detokenize(text, body)),
    }
    if text.template:
        found[Endpoint.CHAT] = _soon(lambda body: generation.chat(served, body))
    if settings.model.adapter_updates:
        found[Endpoint.LOAD_ADAPTER] = lambda body: adapters.load(served, body)
        found[Endpoint.UNLOAD_ADAPTER] = lambda body: adapters.unload(served, body)
    return found


def _features(served: Served) -> frozenset[Feature]:
    text = served.text
    has = {
        Feature.TOOLS: "tools" in text.template,
        Feature.JSON_SCHEMA: bool(text.template) and text.can_be_held,
        Feature.LOGPROBS: True,
        Feature.PROMPT_LOGPROBS: served.model.reads_prompts,
        Feature.VISION: served.pictures is not None,
        Feature.SUFFIX: text.gap_marks is not None,
        Feature.TOKEN_PROMPTS: True,
        Feature.LOGIT_BIAS: True,
        Feature.CONTINUE: bool(text.template),
    }
    return frozenset(feature for feature, is_there in has.items() if is_there)


def _pooling(settings: Settings, model: OpenModel, text: Text) -> Opened:
    assert model.pooler is not None, "asked for poolers only"
    pooled = Pooled(settings.name, model.pooler, text, model.context_length)
    answers: Mapping[str, Answer] = {
        Endpoint.EMBEDDINGS: pooled.embeddings,
        Endpoint.RERANK: pooled.rerank,
        Endpoint.SCORE: pooled.score,
        Endpoint.CLASSIFY: pooled.classify,
    }
    posts: dict[str, Answer] = {route: answers[route] for route in _POOLING[model.pooler.kind]}
    posts[Endpoint.TOKENIZE] = _soon(lambda body: tokens.tokenize(text, model.context_length, body))
    posts[Endpoint.DETOKENIZE] = _soon(lambda body: tokens.detokenize(text, body))
    takes_ids = model.pooler.kind != "score"
    return Opened(model, posts, frozenset({Feature.TOKEN_PROMPTS} if takes_ids else ()))


def _soon(answer: Callable[[bytes], bytes | generation.Reply]) -> Answer:
    async def answered(body: bytes) -> bytes | generation.Reply:
        return answer(body)

    return answered


def _tokenizer(settings: ModelSettings) -> PreTrainedTokenizerBase:
    gguf = {"gguf_file": settings.gguf_file} if settings.gguf_file else {}
    with refusing(settings, "tokenizer"):
        return AutoTokenizer.from_pretrained(
            settings.folder, trust_remote_code=settings.trust_remote_code, local_files_only=True, **gguf
        )


def _pictures(settings: ModelSettings, text: Text) -> Pictures:
    with refusing(settings, "processor"):
        processor = AutoProcessor.from_pretrained(
            settings.folder, trust_remote_code=settings.trust_remote_code, local_files_only=True
        )
    return Pictures(processor, text.template)
