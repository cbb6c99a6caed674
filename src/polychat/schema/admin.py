"""Requests of the admin API: what can be set of a key."""

import msgspec
from msgspec import UNSET, UnsetType


class KeyChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """PATCH /admin/keys/{id}. What is left out stays as it is; a limit of 0 is none."""

    name: str | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    priority: str | UnsetType = UNSET
    expires_at: float | UnsetType | None = UNSET  # Unix seconds; null: never
    models: list[str] | UnsetType = UNSET  # none: all
    requests_per_minute: int | UnsetType = UNSET
    tokens_per_minute: int | UnsetType = UNSET
    concurrent: int | UnsetType = UNSET
    tokens_per_day: int | UnsetType = UNSET
    tokens_per_month: int | UnsetType = UNSET
    gpu_s_per_day: float | UnsetType = UNSET
    gpu_s_per_month: float | UnsetType = UNSET


class KeyRequest(KeyChange, kw_only=True, forbid_unknown_fields=True):
    """POST /admin/keys."""

    name: str


class RotateRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /admin/keys/{id}/rotate."""

    grace_s: float = 86_400.0  # the present secret works that much longer; 0: not at all
