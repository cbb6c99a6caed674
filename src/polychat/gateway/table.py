"""Every path of the API, and the function that answers it.

To add an endpoint: one file in routes/ with `async def name(gateway, exchange)`, its line in ROUTES or BELOW.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from polychat.compat.face import OPENAI_ERRORS, ErrorShape
from polychat.compat.ollama.errors import OLLAMA_ERRORS
from polychat.compat.responses.errors import RESPONSES_ERRORS
from polychat.errors import NotAllowed
from polychat.gateway.caller import Caller, Role
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes import (
    adapters,
    chat,
    classify,
    completions,
    embeddings,
    health,
    media,
    messages,
    metrics,
    models,
    openapi,
    rerank,
    score,
    tokenize,
)
from polychat.gateway.routes.admin import keys as admin_keys
from polychat.gateway.routes.admin import running as admin_running
from polychat.gateway.routes.admin import usage as admin_usage
from polychat.gateway.routes.ollama import catalog as ollama_models
from polychat.gateway.routes.ollama import embedding as ollama_embedding
from polychat.gateway.routes.ollama import generation as ollama
from polychat.gateway.routes.responses import counting as response_tokens
from polychat.gateway.routes.responses import create as responses
from polychat.gateway.routes.responses import stored as stored_responses
from polychat.gateway.state import Gateway

_ADMINS = (
    "This needs an admin's key: one that `polychat keys create NAME --admin` made, or the gateway's own "
    "--admin-key."
)

Handler = Callable[[Gateway, Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API."""

    methods: Mapping[str, Handler] = field(default_factory=dict)
    errors: ErrorShape = OPENAI_ERRORS
    is_open: bool = False  # needs no key
    checks_itself: bool = False  # who may ask is for its function to say
    begin: Callable[[Exchange], None] | None = None  # comes before anything that can fail
    is_admins: bool = False  # needs an admin's key, whether others need any or not
    changes_service: bool = False  # needs one where keys are needed at all

    def require_role(self, caller: Caller, *, are_keys_required: bool) -> None:
        """Raises NotAllowed for a caller who may not come here."""
        is_needed = self.is_admins or (self.changes_service and are_keys_required)
        if is_needed and caller.role is not Role.ADMIN:
            raise NotAllowed(_ADMINS)

    @property
    def allowed(self) -> str:
        """The value of an Allow header."""
        names = [
            name for method in self.methods for name in ((method, "HEAD") if method == "GET" else (method,))
        ]
        return ", ".join([*names, "OPTIONS"])


ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "/v1/chat/completions": Route({"POST": chat.chat}),
        "/v1/completions": Route({"POST": completions.completions}),
        "/v1/embeddings": Route({"POST": embeddings.embeddings}),
        **dict.fromkeys(("/v1/rerank", "/rerank", "/v2/rerank"), Route({"POST": rerank.rerank})),
        **dict.fromkeys(("/v1/score", "/score"), Route({"POST": score.score})),
        **dict.fromkeys(("/v1/classify", "/classify"), Route({"POST": classify.classify})),
        "/v1/responses": Route({"POST": responses.create}, RESPONSES_ERRORS),
        "/v1/responses/input_tokens": Route({"POST": response_tokens.input_tokens}, RESPONSES_ERRORS),
        "/v1/messages": Route({"POST": messages.create}, begin=messages.begin),
        "/v1/messages/count_tokens": Route({"POST": messages.count_tokens}, begin=messages.begin),
        "/v1/audio/transcriptions": Route({"POST": media.transcriptions}),
        "/v1/audio/translations": Route({"POST": media.translations}),
        "/v1/audio/speech": Route({"POST": media.speech}),
        "/v1/images/generations": Route({"POST": media.images}),
        "/v1/images/edits": Route({"POST": media.image_edits}),
        "/v1/images/variations": Route({"POST": media.image_variations}),
        "/v1/models": Route({"GET": models.list_models}, begin=messages.begin_if_asked),
        "/api/chat": Route({"POST": ollama.chat}, OLLAMA_ERRORS),
        "/api/generate": Route({"POST": ollama.generate}, OLLAMA_ERRORS),
        "/api/embed": Route({"POST": ollama_embedding.embed}, OLLAMA_ERRORS),
        "/api/embeddings": Route({"POST": ollama_embedding.embed_one}, OLLAMA_ERRORS),
        "/api/tags": Route({"GET": ollama_models.tags}, OLLAMA_ERRORS),
        "/api/ps": Route({"GET": ollama_models.running}, OLLAMA_ERRORS),
        "/api/show": Route({"POST": ollama_models.show}, OLLAMA_ERRORS),
        "/api/version": Route({"GET": ollama_models.version}, OLLAMA_ERRORS),
        "/api/pull": Route({"POST": ollama_models.pull}, OLLAMA_ERRORS),
        "/api/create": Route({"POST": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/api/copy": Route({"POST": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/api/delete": Route({"DELETE": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/api/push": Route({"POST": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/v1/load_lora_adapter": Route({"POST": adapters.load}, changes_service=True),
        "/v1/unload_lora_adapter": Route({"POST": adapters.unload}, changes_service=True),
        "/admin/keys": Route({"GET": admin_keys.list_keys, "POST": admin_keys.create}, is_admins=True),
        "/admin/usage": Route({"GET": admin_usage.usage}, is_admins=True),
        "/admin/replicas": Route({"GET": admin_running.replicas}, is_admins=True),
        "/admin/requests": Route({"GET": admin_running.requests}, is_admins=True),
        "/tokenize": Route({"POST": tokenize.tokenize}),
        "/detokenize": Route({"POST": tokenize.detokenize}),
        "/openapi.json": Route({"GET": openapi.document}),
        "/docs": Route({"GET": openapi.docs}),
        "/metrics": Route({"GET": metrics.scrape}, checks_itself=True),
        "/health": Route({"GET": health.health}, is_open=True),
        "/": Route({"GET": health.front_door}),
    }
)
BELOW: Mapping[str, Route] = MappingProxyType(
    {  # everything below a path that ends with a slash
        stored_responses.PREFIX: Route(
            dict.fromkeys(("GET", "POST", "DELETE"), stored_responses.below), RESPONSES_ERRORS
        ),
        admin_keys.PREFIX: Route(
            dict.fromkeys(("GET", "PATCH", "DELETE", "POST"), admin_keys.below), is_admins=True
        ),
        "/admin/": Route(is_admins=True),  # nobody else is told what there is
        "/v1/messages/": Route(begin=messages.begin),  # unknown, and told so as its clients expect
        # Ids of models hold slashes.
        "/v1/models/": Route({"GET": models.retrieve_model}, begin=messages.begin_if_asked),
        "/api/blobs/": Route(
            {"POST": ollama_models.managed_elsewhere, "GET": ollama_models.managed_elsewhere}, OLLAMA_ERRORS
        ),
        "/api/": Route(errors=OLLAMA_ERRORS),  # unknown, and told so as its clients expect
    }
)
NOWHERE = Route()


def route_of(path: str) -> Route:
    """The route of a path, NOWHERE for one that there is not."""
    return ROUTES.get(path) or next(
        (route for prefix, route in BELOW.items() if path.startswith(prefix)), NOWHERE
    )


def name_of(path: str) -> str:
    """A path as metrics know it: one of the table's, or "other"."""
    if path in ROUTES:
        return path
    return next((prefix for prefix in BELOW if path.startswith(prefix)), "other")
