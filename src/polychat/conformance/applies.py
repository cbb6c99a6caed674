"""Which scenarios a model is tried with; what it lacks must be refused as documented.

What the model's card does not say is found out: a request is sent, and a documented refusal taken for "no".
"""

from collections.abc import Mapping
from types import MappingProxyType

from polychat.conformance.departure import Departure, Json, NotApplicable
from polychat.conformance.images import image_url
from polychat.conformance.scenario import Scenario
from polychat.conformance.target import Reply, Target, error_of
from polychat.types import Endpoint, Feature

RESPONSES, MESSAGES, OLLAMA = "/v1/responses", "/v1/messages", "/api/chat"
ANY = ""  # the scenario is no matter of a route
_SAY_HI: Mapping[str, Json] = MappingProxyType(
    {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
)
_ROUTES: Mapping[str, Json] = MappingProxyType(
    {
        Endpoint.CHAT: _SAY_HI,
        Endpoint.COMPLETIONS: {"prompt": "hi", "max_tokens": 1},
        Endpoint.EMBEDDINGS: {"input": "hi"},
        Endpoint.RERANK: {"query": "hi", "documents": ["hi"]},
        Endpoint.SCORE: {"text_1": "hi", "text_2": "hi"},
        Endpoint.CLASSIFY: {"input": "hi"},
        Endpoint.TOKENIZE: {"prompt": "hi"},
        Endpoint.DETOKENIZE: {"tokens": [1]},
        RESPONSES: {"input": "hi", "max_output_tokens": 16, "store": False},
        MESSAGES: _SAY_HI,
        OLLAMA: {**_SAY_HI, "stream": False},
    }
)
_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
_PART: Mapping[Feature, Json] = MappingProxyType(
    {
        Feature.VISION: {"type": "image_url", "image_url": {"url": image_url()}},
        Feature.AUDIO_INPUT: {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    }
)
_FEATURES: Mapping[Feature, tuple[str, Json]] = MappingProxyType(
    {
        Feature.TOOLS: (Endpoint.CHAT, {"tools": [_TOOL]}),
        Feature.JSON_SCHEMA: (Endpoint.CHAT, {"response_format": {"type": "json_object"}}),
        Feature.LOGPROBS: (Endpoint.CHAT, {"logprobs": True}),
        Feature.PROMPT_LOGPROBS: (Endpoint.COMPLETIONS, {"echo": True, "logprobs": 1}),
        Feature.VISION: (Endpoint.CHAT, {"messages": [{"role": "user", "content": [_PART[Feature.VISION]]}]}),
        Feature.AUDIO_INPUT: (
            Endpoint.CHAT,
            {"messages": [{"role": "user", "content": [_PART[Feature.AUDIO_INPUT]]}]},
        ),
        Feature.SUFFIX: (Endpoint.COMPLETIONS, {"suffix": "the end"}),
        Feature.TOKEN_PROMPTS: (Endpoint.COMPLETIONS, {"prompt": [1]}),
        Feature.LOGIT_BIAS: (Endpoint.CHAT, {"logit_bias": {"1": 1}}),
        Feature.CONTINUE: (
            Endpoint.CHAT,
            {
                "messages": [*_SAY_HI["messages"], {"role": "assistant", "content": "Hel"}],
                "continue_final_message": True,
                "add_generation_prompt": False,
            },
        ),
    }
)


async def require_applicable(target: Target, scenario: Scenario) -> None:
    """Nothing, if the model offers what the scenario needs.

    Raises:
        NotApplicable: it does not, and says so as documented.
        Departure: it does not, and says something else.
    """
    if scenario.route != ANY:
        await _require_route(target, scenario.route)
    for feature in scenario.needs:
        await _require_feature(target, feature)


async def offers(target: Target, route: str) -> bool:
    """Whether the model can be asked there."""
    try:
        await _require_route(target, route)
    except NotApplicable:
        return False
    return True


async def _require_route(target: Target, route: str) -> None:
    known = _listed(target.card.get("endpoints"))
    if known is not None and route in known:
        return
    if known is not None and route in list(Endpoint):
        error_of(await _tried(target, route, _ROUTES[route]), 501)
        raise NotApplicable(f"the model does not serve {route}")
    reply = await _tried(target, route, _ROUTES[route])
    is_absent = reply.status in (404, 405, 501)
    if (
        is_absent
        and target.is_polychat
        and route not in list(Endpoint)
        and await offers(target, Endpoint.CHAT)
    ):
        raise Departure(f"{route}, as the model serves chats", reply.status)
    if is_absent:
        raise NotApplicable(f"{route} is answered with {reply.status}")


async def _require_feature(target: Target, feature: Feature) -> None:
    known = _listed(target.card.get("features"))
    if known is not None and feature in known:
        return
    route, fields = _FEATURES[feature]
    if not await offers(target, route):
        raise NotApplicable(f"{feature} is tried at {route}, which the model does not serve")
    reply = await _tried(target, route, {**_ROUTES[route], **fields}, label=feature)
    if known is not None:
        error = error_of(reply, 400)
        if error["code"] != "unsupported_feature":
            raise Departure("code 'unsupported_feature' from a model without it", error)
    if known is not None or (reply.status == 400 and b'"unsupported_feature"' in reply.body):
        raise NotApplicable(f"the model lacks {feature}")


async def _tried(target: Target, route: str, fields: Json, *, label: str = "") -> Reply:
    """The answer to a request that only tries whether something is there; asked once for each model."""
    key = label or route
    if key not in target.probed:
        target.probed[key] = await target.post(route, {"model": target.model, **fields})
    return target.probed[key]


def _listed(value: Json) -> frozenset[str] | None:
    """The names that a card lists, as a list or as an object of true and false; None: it does not say."""
    if isinstance(value, dict):
        return frozenset(name for name, is_there in value.items() if is_there)
    return frozenset(map(str, value)) if isinstance(value, list) else None
