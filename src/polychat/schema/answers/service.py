"""GET /health and GET /: what a gateway says of itself."""

from typing import Any, Literal

import msgspec


class Health(msgspec.Struct):
    status: Literal["ok"]
    controller_connected: bool
    models_ready: int
    replicas: int
    replicas_ready: int
    in_flight: int
    waiting: int


class FrontDoor(msgspec.Struct):
    name: Literal["polychat"]
    version: str
    api: str
    models: str
    health: str


class OpenApi(msgspec.Struct):
    openapi: str
    paths: dict[str, Any]  # as OpenAPI has published
