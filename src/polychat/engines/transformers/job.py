"""What the HTTP face asks of the core that computes, and what it gets. Nothing here needs torch.

Read `Job`, then `Token`, then `Generator`; `Pooler` is for models that answer with numbers.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from polychat.types import Load

Finish = Literal["stop", "length"]
GrammarKind = Literal["json_schema", "regex", "lark"]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What to load, and how. "" and None leave the choice to the core."""

    folder: str
    gguf_file: str = ""  # a file in `folder`, when the weights are in GGUF
    device: str = ""  # cuda, cuda:1, mps, cpu
    dtype: str = ""  # float32, float16, bfloat16
    quantization: str = ""  # bitsandbytes-4bit, bitsandbytes-8bit, torchao-int8
    trust_remote_code: bool = False
    context_length: int | None = None  # tokens of prompt and answer of one request
    slots: int | None = None  # requests computed in one batch
    threads: int | None = None  # of the CPU, for one batch
    adapters: Mapping[str, str] = field(default_factory=dict)  # name -> folder
    adapter_updates: bool = False  # adapters may come and go while the model runs


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 takes the most likely one."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0  # 0: all of them
    min_p: float = 0.0
    seed: int | None = None  # the same seed gives the same text, whatever else is in the batch
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the text must match: a JSON schema, a regular expression, or llguidance's kind of Lark grammar."""

    kind: GrammarKind
    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """What a model's processor made of pictures: tensors by name (`pixel_values`, …), opaque to the face."""

    tensors: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Job:
    """One text to generate. The prompt has at least one token and leaves room in the context for another."""

    prompt: tuple[int, ...]
    max_tokens: int  # 0: the prompt is read, nothing is generated
    stop_tokens: frozenset[int] = frozenset()  # each ends the text, the end tokens of the model apart
    ignore_eos: bool = False  # the model's own end tokens end nothing; `stop_tokens` still do
    min_tokens: int = 0  # no end token before so many
    sampling: Sampling = Sampling()
    adapter: str = ""  # the name of a LoRA adapter
    grammar: Grammar | None = None
    num_logprobs: int | None = None  # None: no logprobs; 0: the chosen token's only
    prompt_logprobs: bool = False  # the stream begins with PromptLogprobs
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the answer. Logprobs are of the model's own distribution, before any parameter."""

    id: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()  # the most likely ids and their logprobs, best first
    finish: Finish | None = None  # on the last one; an end token comes with its id and "stop"


@dataclass(frozen=True, slots=True)
class PromptLogprobs:
    """The prompt's own tokens with their logprobs; the first has none, for nothing precedes it."""

    tokens: tuple[Token, ...]


class GrammarRefused(ValueError):
    """The grammar cannot be compiled. The text says why, for the client."""


class UnknownAdapter(LookupError):
    """No adapter of that name is loaded."""


class AdapterRefused(ValueError):
    """The folder holds no adapter that fits the model. The text says why."""


class GenerationFailed(RuntimeError):
    """The core could not compute a request, and it is not the request's fault."""


class Generator(Protocol):
    """Computes texts, many at once where the architecture allows. Called from one event loop."""

    def submit(self, job: Job) -> AsyncGenerator[Token | PromptLogprobs, None]:
        """The tokens, as they come; the last one has its `finish`.

        `aclose()` aborts within one step. A grammar that allows no more finishes with "stop", and then the
        last token is part of the text.

        Raises:
            GrammarRefused, UnknownAdapter, GenerationFailed: out of the first or a later step.
        """
        ...

    @property
    def load(self) -> Load: ...

    @property
    def adapters(self) -> tuple[str, ...]: ...

    async def load_adapter(self, name: str, folder: str) -> None:
        """Let jobs ask for the LoRA adapter in `folder` by `name`.

        Raises:
            AdapterRefused: there is none, it does not fit, or the name is taken.
        """
        ...

    async def unload_adapter(self, name: str) -> None:
        """Forget an adapter. Requests that use it finish first.

        Raises:
            UnknownAdapter: there is none.
        """
        ...

    async def stop(self) -> None:
        """End every request and the thread that computes. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input as the model's tokenizer makes it, a text or a pair of texts, its special tokens included."""

    ids: tuple[int, ...]
    type_ids: tuple[int, ...] = ()  # which text of a pair each token is of; (): the model does not ask


PoolerKind = Literal["embed", "score", "classify"]


class Pooler(Protocol):
    """Computes numbers from texts that fit the context. One of the three methods is the model's."""

    @property
    def kind(self) -> PoolerKind: ...

    @property
    def dimensions(self) -> int:
        """Of a vector; the number of labels of a classifier; 1 of a reranker."""
        ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def load(self) -> Load: ...

    async def embed(self, inputs: Sequence[Encoded]) -> list[list[float]]:
        """A vector for each, pooled and scaled as the model's own settings say."""
        ...

    async def score(self, pairs: Sequence[Encoded]) -> list[float]:
        """How well the second text of each pair answers the first, as the model's settings scale it."""
        ...

    async def classify(self, inputs: Sequence[Encoded]) -> list[list[float]]:
        """The probability of each label, in the order of `labels`."""
        ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model in memory. It has a generator or a pooler.

    Made by `core.opening.open_model(settings: ModelSettings)`, which raises EngineStartError.
    """

    context_length: int
    end_tokens: frozenset[int]  # that the model's own settings name
    generator: Generator | None = None
    default_sampling: Sampling = Sampling()  # what the model's own settings advise
    pooler: Pooler | None = None
    reads_prompts: bool = True  # it can tell the logprobs of a prompt
    num_parameters: int = 0
    weights_bytes: int = 0
    description: str = ""  # of device, dtype, batching; for the log
