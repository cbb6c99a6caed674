"""What a gateway says of a model: its replicas' facts put together. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from polychat.db.conformance import ConformanceResult
from polychat.routing.replica import Replica, ReplicaState
from polychat.schema.answers.models import ConformanceNote, Modalities, Modality, ModelCard, ReplicaCounts
from polychat.types import Endpoint, Feature

_INPUT: Mapping[Modality, frozenset[str]] = MappingProxyType(
    {  # a modality and what shows that a model has it
        "audio": frozenset({Feature.AUDIO_INPUT, Endpoint.TRANSCRIPTIONS, Endpoint.TRANSLATIONS}),
        "image": frozenset({Feature.VISION, Endpoint.IMAGE_EDITS, Endpoint.IMAGE_VARIATIONS}),
        "text": frozenset(Endpoint)
        - {Endpoint.TRANSCRIPTIONS, Endpoint.TRANSLATIONS, Endpoint.IMAGE_VARIATIONS},
    }
)
_OUTPUT: Mapping[Modality, frozenset[str]] = MappingProxyType(
    {
        "audio": frozenset({Endpoint.SPEECH}),
        "embeddings": frozenset({Endpoint.EMBEDDINGS}),
        "image": frozenset({Endpoint.IMAGES, Endpoint.IMAGE_EDITS, Endpoint.IMAGE_VARIATIONS}),
        "scores": frozenset({Endpoint.RERANK, Endpoint.SCORE, Endpoint.CLASSIFY}),
        "text": frozenset(
            {Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.TRANSCRIPTIONS, Endpoint.TRANSLATIONS}
        ),
    }
)
_FEATURES_OF_ENDPOINTS = MappingProxyType(
    {
        Endpoint.EMBEDDINGS: "embeddings",
        Endpoint.RERANK: "rerank",
        Endpoint.SCORE: "score",
        Endpoint.CLASSIFY: "classify",
    }
)


class _Scenario(msgspec.Struct):
    id: str
    outcome: str


class _Results(msgspec.Struct):
    """What `polychat conformance` writes: outcomes are green, red, or that it could not be tried."""

    features: dict[str, str]
    scenarios: list[_Scenario]


_decode = msgspec.json.Decoder(_Results).decode


def card(name: str, replicas: Sequence[Replica], result: ConformanceResult | None = None) -> ModelCard:
    """The model called `name`, which `replicas`, at least one, serve. `result`: its last conformance run."""
    first = next((replica for replica in replicas if replica.state.takes_requests), replicas[0])
    endpoints = frozenset().union(*(replica.endpoints for replica in replicas))
    note, found = (msgspec.UNSET, None) if result is None else _read(result)
    features = _features(replicas, found)
    lengths = [replica.context_length for replica in replicas if replica.context_length is not None]
    length = min(lengths, default=None)  # a request that fits fits everywhere
    is_adapter = name not in first.names
    return ModelCard(
        id=name,
        created=first.created,
        root=name if is_adapter else first.model,
        parent=first.model if is_adapter else None,
        max_model_len=length,
        context_length=length,
        aliases=[] if is_adapter else sorted({n for replica in replicas for n in replica.names} - {name}),
        modalities=_modalities(endpoints | (features or frozenset())),
        endpoints=sorted(endpoints),
        features=None if features is None else sorted({*features, *_named(endpoints)}),
        engine=", ".join(sorted({replica.engine for replica in replicas})),
        replicas=_counts(replicas),
        conformance=note,
    )


def renamed(shown: ModelCard, name: str, aliases: Iterable[str]) -> ModelCard:
    """The card of a model that is asked for by `name`, and has `aliases` besides its replicas' names."""
    others = {*shown.aliases, *aliases, shown.id} - {name}
    return msgspec.structs.replace(shown, id=name, aliases=sorted(others))


def _features(replicas: Sequence[Replica], found: frozenset[Feature] | None) -> frozenset[Feature] | None:
    """What a request may need so that some replica takes it; None if no replica's are known."""
    known = [
        features
        for r in replicas
        if (features := r.features if r.features is not None else found) is not None
    ]
    return frozenset().union(*known) if known else None


def _read(result: ConformanceResult) -> tuple[ConformanceNote | msgspec.UnsetType, frozenset[Feature] | None]:
    """What a run found, and the features among it; nothing from what an older program has written."""
    try:
        found = _decode(result.results)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.UNSET, None
    tried = [each for each in found.scenarios if each.outcome in ("green", "red")]
    failed = [each.id for each in tried if each.outcome == "red"]
    note = ConformanceNote(result.taken_at, passed=len(tried) - len(failed), failed=failed)
    return note, frozenset(feature for feature in Feature if found.features.get(feature) == "green")


def _named(endpoints: frozenset[Endpoint]) -> list[str]:
    return [name for endpoint, name in _FEATURES_OF_ENDPOINTS.items() if endpoint in endpoints]


def _modalities(facts: frozenset[str]) -> Modalities:
    has = {
        side: [modality for modality, signs in table.items() if signs & facts]
        for side, table in (("input", _INPUT), ("output", _OUTPUT))
    }
    return Modalities(**has)


def _counts(replicas: Sequence[Replica]) -> ReplicaCounts:
    states = Counter(replica.state for replica in replicas)
    return ReplicaCounts(total=len(replicas), **{state.value: states[state] for state in ReplicaState})
