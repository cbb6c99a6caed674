"""The admin API: the answers."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType


class Key(msgspec.Struct, kw_only=True):
    """One key. Times are Unix seconds; a limit of 0 is none."""

    object: Literal["key"] = "key"
    id: str
    name: str
    owner: str
    role: Literal["user", "admin"]
    priority: Literal["interactive", "batch"]
    prefix: str  # the secret's first characters
    state: Literal["active", "expired", "revoked"]
    created_at: float
    updated_at: float
    expires_at: float | None
    revoked_at: float | None
    old_until: float | None  # until then the secret before the last rotation works
    models: list[str]  # none: all
    requests_per_minute: int
    tokens_per_minute: int
    concurrent: int
    tokens_per_day: int
    tokens_per_month: int
    gpu_s_per_day: float
    gpu_s_per_month: float
    secret: str | UnsetType = UNSET  # told once: when it is made


class KeyList(msgspec.Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[Key]


class UsageRow(msgspec.Struct, kw_only=True):
    """Sums over requests; of what sums are told apart by, only what was asked for."""

    day: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    key_name: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    outcome: str | UnsetType = UNSET
    requests: int
    answered: int | UnsetType = UNSET
    refused: int | UnsetType = UNSET
    failed: int | UnsetType = UNSET
    cancelled: int | UnsetType = UNSET
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    mean_ttft_s: float | None
    mean_duration_s: float
    engine_s: float


class UsageList(msgspec.Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[UsageRow]


class ReplicaFacts(msgspec.Struct, kw_only=True):
    """One replica, as this gateway knows it."""

    id: str
    url: str
    model: str
    names: list[str]
    adapters: list[str]
    engine: str
    state: str
    detail: str
    context_length: int | None
    running: int  # requests in its batch, as it said last
    waiting: int
    slots: int
    kv_cache_usage: float
    failures: int  # in a row, seen by this gateway
    set_aside_s: float  # so much longer; 0: it gets requests


class ReplicaList(msgspec.Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[ReplicaFacts]


class RunningRequest(msgspec.Struct, kw_only=True):
    """One request for a model that has not ended."""

    id: str
    key: str
    key_name: str
    endpoint: str
    model: str
    stream: bool
    since_s: float  # it came so long ago
    replica: str  # "": it waits for one
    attempts: int
    events: int  # of a stream, that have been relayed


class RunningList(msgspec.Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[RunningRequest]
