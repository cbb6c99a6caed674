"""The routes for whoever runs the service; all need the key of an admin."""

from polychat.gateway.openapi.operation import Api, Operation
from polychat.schema.admin import KeyChange, KeyRequest, RotateRequest
from polychat.schema.answers import admin as answers

_READS = (400, 401, 403, 404, 405, 503)
_WRITES = (*_READS, 413, 415)
_WORD = {"type": "string"}

ADMIN = (
    Operation("GET", "/admin/keys", "List all keys", Api.ADMIN, answer=answers.KeyList, statuses=_READS),
    Operation(
        "POST",
        "/admin/keys",
        "Make a key",
        Api.ADMIN,
        KeyRequest,
        answers.Key,
        example={"name": "ann", "tokens_per_day": 100000, "models": ["polychat-mini"]},
        statuses=_WRITES,
        note="The secret is told this once.",
    ),
    Operation(
        "GET",
        "/admin/keys/{key}",
        "Show a key, by its id or name",
        Api.ADMIN,
        answer=answers.Key,
        statuses=_READS,
    ),
    Operation(
        "PATCH",
        "/admin/keys/{key}",
        "Change what a key may use",
        Api.ADMIN,
        KeyChange,
        answers.Key,
        example={"requests_per_minute": 60, "expires_at": None},
        statuses=_WRITES,
        note="What is left out stays as it is.",
    ),
    Operation(
        "DELETE",
        "/admin/keys/{key}",
        "Revoke a key for good",
        Api.ADMIN,
        answer=answers.Key,
        statuses=_READS,
        note="It stays in the list, for the account of what it used.",
    ),
    Operation(
        "POST",
        "/admin/keys/{key}/rotate",
        "Give a key a new secret",
        Api.ADMIN,
        RotateRequest,
        answers.Key,
        example={"grace_s": 3600},
        statuses=_WRITES,
        note="The new secret is told this once.",
    ),
    Operation(
        "GET",
        "/admin/usage",
        "Tell what has been used",
        Api.ADMIN,
        answer=answers.UsageList,
        other_types=("text/csv",),
        query=dict.fromkeys(("by", "since", "until", "key", "model", "format"), _WORD),
        statuses=_READS,
        note="As `polychat usage` does: `by` is day, key, model, endpoint, outcome, split by commas.",
    ),
    Operation(
        "GET",
        "/admin/replicas",
        "List the replicas as this gateway sees them",
        Api.ADMIN,
        answer=answers.ReplicaList,
        statuses=_READS,
    ),
    Operation(
        "GET",
        "/admin/requests",
        "List the requests for models that run in this gateway",
        Api.ADMIN,
        answer=answers.RunningList,
        statuses=_READS,
    ),
)
